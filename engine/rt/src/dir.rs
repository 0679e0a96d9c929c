//! Directories and small files.
//!
//! Owns naming: making, listing, renaming, removing, and the lock on a directory. Any shard calls it, for start-up and
//! background work only: the operating system does these one at a time and slowly. What it changes is durable once
//! [`sync`] of the directory returned.

use crate::backend;
use std::io;
use std::path::{Path, PathBuf};

/// The most that [`read_small`] reads, in bytes.
pub const SMALL_FILE_BYTES_MAX: u64 = 64 << 20;

/// Ends the names of files that [`write_small`] has not finished; [`list`] leaves them out.
pub const TEMPORARY_SUFFIX: &str = ".unfinished";

/// Why a directory could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process, or this one, holds it.
    #[error("{} is in use{}", directory.display(), describe(*holder_pid, holder_command.as_deref()))]
    Held {
        /// The directory.
        directory: PathBuf,
        /// Who holds it, if it says so.
        holder_pid: Option<u32>,
        /// Its command line, if it can be read.
        holder_command: Option<String>,
    },
    /// The lock file cannot be made or locked.
    #[error("cannot lock {}: {error}", directory.display())]
    Io {
        /// The directory.
        directory: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
}

fn describe(pid: Option<u32>, command: Option<&str>) -> String {
    match (pid, command) {
        (Some(pid), Some(command)) => format!(" by process {pid} ({command})"),
        (Some(pid), None) => format!(" by process {pid}"),
        (None, _) => String::new(),
    }
}

/// Holds the lock on a directory until it is dropped or the process ends.
#[derive(Debug)]
pub struct DirLock {
    _lock: backend::dir::Lock,
}

/// Makes `path` and what is missing above it, and makes their names durable.
pub async fn create_all(path: &Path) -> io::Result<()> {
    backend::dir::create_all(path).await
}

/// Names in the directory, sorted; without those that end in [`TEMPORARY_SUFFIX`].
pub async fn list(path: &Path) -> io::Result<Vec<String>> {
    let mut names = backend::dir::list(path).await?;
    names.retain(|name| !name.ends_with(TEMPORARY_SUFFIX));
    names.sort_unstable();
    Ok(names)
}

/// Whether anything has this name.
pub async fn exists(path: &Path) -> io::Result<bool> {
    backend::dir::exists(path).await
}

/// Renames a file or directory, replacing a file of the new name.
pub async fn rename(from: &Path, to: &Path) -> io::Result<()> {
    backend::dir::rename(from, to).await
}

/// Removes a file.
pub async fn remove(path: &Path) -> io::Result<()> {
    backend::dir::remove(path).await
}

/// Removes a directory and all that is in it.
pub async fn remove_all(path: &Path) -> io::Result<()> {
    backend::dir::remove_all(path).await
}

/// Makes durable which names the directory holds.
pub async fn sync(path: &Path) -> io::Result<()> {
    backend::dir::sync(path).await
}

/// How large a file system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes in all.
    pub total_bytes: u64,
    /// Bytes that an ordinary user can still write.
    pub free_bytes: u64,
}

/// The space of the file system of `path`.
pub async fn space(path: &Path) -> io::Result<Space> {
    backend::dir::space(path).await
}

/// Reads a whole file of at most [`SMALL_FILE_BYTES_MAX`].
pub async fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    backend::dir::read_small(path).await
}

/// Replaces a file as a whole: after a crash it holds the old bytes or the new. Durable on return.
pub async fn write_small(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if path.file_name().is_none() || path.parent().is_none() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a path without a file name"));
    }
    backend::dir::write_small(path, bytes).await
}

/// Locks the directory for this process, through the file `lock` in it, and writes the process id there.
pub fn lock(path: &Path) -> Result<DirLock, LockError> {
    backend::dir::lock(path).map(|lock| DirLock { _lock: lock })
}

pub(crate) fn temporary_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().map(std::ffi::OsStr::to_os_string).unwrap_or_default();
    name.push(TEMPORARY_SUFFIX);
    path.with_file_name(name)
}
