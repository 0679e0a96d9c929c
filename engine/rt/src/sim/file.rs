//! Direct files on the simulated disk.

use super::buffer::Memory;
use super::faults::{Operation, perform};
use super::world::{Machine, world};
use crate::file::WriteMode;
use bytes::Bytes;
use std::io;
use std::path::Path;
use std::rc::Rc;

pub(crate) struct File {
    machine: Rc<Machine>,
    inode: u64,
    bytes: u64,
    first_hole: u64,
    mode: WriteMode,
    /// The process that opened it; in any other it is closed.
    process: u64,
}

/// A write under way. Dropped early, it completes all the same: the device has it.
struct Issued<'a> {
    file: &'a File,
    write: Option<u64>,
}

impl File {
    pub(crate) async fn create(path: &Path, bytes: u64, mode: WriteMode) -> io::Result<File> {
        let world = world();
        perform(&world, Operation::Name, bytes).await?;
        let machine = world.machine_here();
        {
            let mut disk = machine.disk.borrow_mut();
            if disk.names.exists(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            disk.create(path, bytes, &[])?;
        }
        perform(&world, Operation::Sync, bytes).await?;
        File::open_here(path, mode)
    }

    pub(crate) async fn open(path: &Path, mode: WriteMode) -> io::Result<File> {
        perform(&world(), Operation::Read, 0).await?;
        File::open_here(path, mode)
    }

    fn open_here(path: &Path, mode: WriteMode) -> io::Result<File> {
        let machine = world().machine_here();
        let mut disk = machine.disk.borrow_mut();
        let inode = disk.names.inode(path)?;
        let bytes = disk.open(inode);
        let first_hole = disk.first_hole(inode);
        let process = disk.process;
        drop(disk);
        Ok(File { machine, inode, bytes, first_hole, mode, process })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn first_hole(&self) -> u64 {
        self.first_hole
    }

    pub(crate) async fn write_at(&self, memory: Memory, bytes: usize, position: u64) -> (io::Result<()>, Memory) {
        let content = memory.as_slice().get(..bytes).expect("the length never exceeds the capacity");
        let write = self.machine.disk.borrow_mut().begin_write(self.inode, position, content);
        let mut issued = Issued { file: self, write: Some(write) };
        let world = world();
        let result = perform(&world, Operation::Write, position ^ (bytes as u64).rotate_left(40)).await;
        if result.is_err() {
            issued.write = None;
            self.machine.disk.borrow_mut().fail_write(self.inode, write, &mut world.random());
        }
        drop(issued);
        (result, memory)
    }

    pub(crate) async fn read_at(&self, position: u64, bytes: usize) -> io::Result<Bytes> {
        let world = world();
        perform(&world, Operation::Read, position).await?;
        let mut disk = self.machine.disk.borrow_mut();
        let mut content = disk.read(self.inode, position, bytes);
        if world.random().chance_per_million(disk.faults.corrupt_reads_per_million) {
            let index = world.random().below(bytes as u64) as usize;
            let bit = world.random().below(8);
            if let Some(byte) = content.get_mut(index) {
                *byte ^= 1 << bit;
            }
        }
        Ok(Bytes::from(content))
    }

    pub(crate) async fn sync_data(&self) -> io::Result<()> {
        let covered = self.machine.disk.borrow_mut().completed_writes(self.inode);
        perform(&world(), Operation::Sync, covered.len() as u64).await?;
        self.machine.disk.borrow_mut().make_durable(self.inode, &covered);
        Ok(())
    }

    #[expect(clippy::unused_async, reason = "the other backend waits here")]
    pub(crate) async fn close(self) -> io::Result<()> {
        drop(self);
        Ok(())
    }
}

impl Drop for Issued<'_> {
    fn drop(&mut self) {
        let machine = &self.file.machine;
        if let Some(write) = self.write
            && machine.alive.get()
        {
            machine.disk.borrow_mut().complete_write(self.file.inode, write, self.file.mode == WriteMode::Through);
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let mut disk = self.machine.disk.borrow_mut();
        if disk.process == self.process {
            disk.close(self.inode);
        }
    }
}
