//! Files for direct I/O.
//!
//! Owns an open, preallocated file of fixed length. The shard that opened it uses it, from as many tasks as it likes;
//! several reads and writes may be in flight, and whoever issues overlapping ones orders them. A failed write or sync
//! is never retried here or above: what the device holds is then unknown.

use crate::backend;
use crate::buffer::{ALIGNMENT, DirectBuffer};
use bytes::Bytes;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// How a write becomes durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteMode {
    /// A write is durable once a later [`DirectFile::sync_data`] returned.
    #[default]
    Cached,
    /// A write is durable when it returns (`O_DSYNC`).
    Through,
}

/// An open file without the page cache in between.
pub struct DirectFile {
    file: backend::file::File,
    path: PathBuf,
}

impl DirectFile {
    /// Makes a file of `bytes` (a multiple of [`ALIGNMENT`]), its space allocated. Fails with `AlreadyExists`, with
    /// `StorageFull`, or with `Unsupported` where the file system refuses direct I/O. The length is durable on
    /// return, the name once [`crate::dir::sync`] of the directory returned. Reads as zeroes where nothing was written.
    pub async fn create(path: &Path, bytes: u64) -> io::Result<DirectFile> {
        DirectFile::create_with(path, bytes, WriteMode::Cached).await
    }

    /// [`DirectFile::create`] with a choice of how writes become durable.
    pub async fn create_with(path: &Path, bytes: u64, mode: WriteMode) -> io::Result<DirectFile> {
        if bytes == 0 || !bytes.is_multiple_of(ALIGNMENT as u64) {
            return Err(invalid(format!("{bytes} bytes is no length for a direct file")));
        }
        let file = backend::file::File::create(path, bytes, mode).await?;
        Ok(DirectFile { file, path: path.to_owned() })
    }

    /// Opens a file for reading and writing. Fails with `Unsupported` where the file system refuses direct I/O.
    pub async fn open(path: &Path) -> io::Result<DirectFile> {
        DirectFile::open_with(path, WriteMode::Cached).await
    }

    /// [`DirectFile::open`] with a choice of how writes become durable.
    pub async fn open_with(path: &Path, mode: WriteMode) -> io::Result<DirectFile> {
        let file = backend::file::File::open(path, mode).await?;
        Ok(DirectFile { file, path: path.to_owned() })
    }

    /// Length of the file, fixed while it is open.
    pub fn bytes(&self) -> u64 {
        self.file.bytes()
    }

    /// The first position whose block was never written when the file was opened, as far as the file system tells; its length if there is none. A first
    /// write there costs more than a later one: the file system has to note that the block holds something now.
    pub fn first_hole(&self) -> u64 {
        self.file.first_hole()
    }

    /// The path it was opened by; a later rename does not change it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the whole of `buffer` at `position`, both aligned and inside the file, and gives the buffer back.
    /// After an error the range holds anything.
    pub async fn write_at(&self, buffer: DirectBuffer, position: u64) -> (io::Result<()>, DirectBuffer) {
        if let Err(error) = self.check_range(position, buffer.len()) {
            return (Err(error), buffer);
        }
        if buffer.is_empty() {
            return (Ok(()), buffer);
        }
        let (memory, bytes) = buffer.into_parts();
        let (result, memory) = self.file.write_at(memory, bytes, position).await;
        (result, DirectBuffer::from_parts(memory, bytes))
    }

    /// Reads exactly `bytes` at `position`, both aligned and inside the file.
    pub async fn read_at(&self, position: u64, bytes: usize) -> io::Result<Bytes> {
        self.check_range(position, bytes)?;
        if bytes == 0 {
            return Ok(Bytes::new());
        }
        let read = self.file.read_at(position, bytes).await?;
        assert_eq!(read.len(), bytes, "the backend reads exactly or fails");
        Ok(read)
    }

    /// Makes durable every write that returned before this call. Never call it again after it failed.
    pub async fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data().await
    }

    /// Closes the file. Dropping it closes it too, some time later.
    pub async fn close(self) -> io::Result<()> {
        self.file.close().await
    }

    fn check_range(&self, position: u64, bytes: usize) -> io::Result<()> {
        if !position.is_multiple_of(ALIGNMENT as u64) || !bytes.is_multiple_of(ALIGNMENT) {
            return Err(invalid(format!("{bytes} bytes at {position} are not aligned to {ALIGNMENT}")));
        }
        let inside = position.checked_add(bytes as u64).is_some_and(|end| end <= self.bytes());
        if inside { Ok(()) } else { Err(invalid(format!("{bytes} bytes at {position} exceed the file"))) }
    }
}

impl fmt::Debug for DirectFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DirectFile")
            .field("path", &self.path)
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}
