//! Directories on the simulated disk.

use super::faults::{Operation, perform};
use super::world::{Machine, world};
use crate::dir::{LockError, SMALL_FILE_BYTES_MAX, Space, temporary_path};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub(crate) async fn create_all(path: &Path) -> io::Result<()> {
    let world = world();
    let machine = world.machine_here();
    if machine.disk.borrow().names.check_directory(path).is_ok() {
        return Ok(());
    }
    perform(&world, Operation::Name, 1).await?;
    machine.disk.borrow_mut().names.create_all(path)
}

pub(crate) async fn list(path: &Path) -> io::Result<Vec<String>> {
    let world = world();
    perform(&world, Operation::Read, 1).await?;
    world.machine_here().disk.borrow().names.list(path)
}

pub(crate) async fn exists(path: &Path) -> io::Result<bool> {
    let world = world();
    perform(&world, Operation::Read, 2).await?;
    Ok(world.machine_here().disk.borrow().names.exists(path))
}

pub(crate) async fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let world = world();
    perform(&world, Operation::Name, 3).await?;
    let machine = world.machine_here();
    let mut disk = machine.disk.borrow_mut();
    disk.names.rename(from, to)?;
    disk.sweep();
    Ok(())
}

pub(crate) async fn remove(path: &Path) -> io::Result<()> {
    let world = world();
    perform(&world, Operation::Name, 4).await?;
    let machine = world.machine_here();
    let mut disk = machine.disk.borrow_mut();
    disk.names.inode(path)?;
    disk.names.remove(path)?;
    disk.sweep();
    Ok(())
}

pub(crate) async fn remove_all(path: &Path) -> io::Result<()> {
    let world = world();
    perform(&world, Operation::Name, 5).await?;
    let machine = world.machine_here();
    let mut disk = machine.disk.borrow_mut();
    disk.names.remove(path)?;
    disk.sweep();
    Ok(())
}

pub(crate) async fn sync(path: &Path) -> io::Result<()> {
    let world = world();
    perform(&world, Operation::Sync, 6).await?;
    let machine = world.machine_here();
    let mut disk = machine.disk.borrow_mut();
    disk.names.sync(path)?;
    disk.sweep();
    Ok(())
}

pub(crate) async fn space(path: &Path) -> io::Result<Space> {
    let world = world();
    perform(&world, Operation::Read, 7).await?;
    let machine = world.machine_here();
    let disk = machine.disk.borrow();
    if disk.names.exists(path) {
        Ok(Space { total_bytes: disk.bytes_max, free_bytes: disk.free_bytes() })
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

pub(crate) async fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    let world = world();
    perform(&world, Operation::Read, 8).await?;
    let machine = world.machine_here();
    let mut disk = machine.disk.borrow_mut();
    let inode = disk.names.inode(path)?;
    let bytes = disk.length(inode);
    if bytes > SMALL_FILE_BYTES_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(disk.read(inode, 0, bytes as usize))
}

pub(crate) async fn write_small(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let world = world();
    let machine = world.machine_here();
    let temporary = temporary_path(path);
    // The content is durable before any name leads to it: the real one syncs the file first.
    perform(&world, Operation::Write, bytes.len() as u64).await?;
    machine.disk.borrow_mut().create(&temporary, bytes.len() as u64, bytes)?;
    perform(&world, Operation::Sync, 9).await?;
    rename(&temporary, path).await?;
    sync(path.parent().expect("checked by the caller")).await
}

/// A lock; free again when its process ends.
pub(crate) struct Lock {
    machine: Rc<Machine>,
    directory: PathBuf,
    process: u64,
}

impl std::fmt::Debug for Lock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Lock").field("directory", &self.directory).finish_non_exhaustive()
    }
}

pub(crate) fn lock(directory: &Path) -> Result<Lock, LockError> {
    let machine = world().machine_here();
    let mut disk = machine.disk.borrow_mut();
    let failed = |error| LockError::Io { directory: directory.to_owned(), error };
    disk.names.check_directory(directory).map_err(failed)?;
    let process = disk.process;
    if !disk.locked.insert(directory.to_owned()) {
        let holder_command = Some("simulated process".to_owned());
        let holder_pid = Some(1000 + process as u32);
        return Err(LockError::Held { directory: directory.to_owned(), holder_pid, holder_command });
    }
    drop(disk);
    Ok(Lock { machine, directory: directory.to_owned(), process })
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut disk = self.machine.disk.borrow_mut();
        if disk.process == self.process {
            disk.locked.remove(&self.directory);
        }
    }
}
