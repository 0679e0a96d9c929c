//! Direct files over glommio.
//!
//! Owns the descriptor. Reads are wrapped as they are, without a copy; their memory may be the ring's own, so it is
//! given back on the thread that read it. Opening never lets glommio probe for polled I/O: its probe believes what an
//! empty file answers.
#![expect(unsafe_code, reason = "shares what was read with other threads, allocates space")]

use super::buffer::Memory;
use super::shard::{self, Home, Homesick};
use crate::file::WriteMode;
use bytes::Bytes;
use glommio::GlommioError;
use glommio::io::{DmaFile, OpenOptions, ReadResult};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How often an interrupted or short operation is begun again before it counts as failed.
const ATTEMPTS_MAX: usize = 4;

pub(crate) struct File {
    file: DmaFile,
    bytes: u64,
    first_hole: u64,
}

thread_local! {
    /// Devices that this thread knows to have no polled I/O.
    static UNPOLLED_DEVICES: RefCell<BTreeSet<u64>> = const { RefCell::new(BTreeSet::new()) };
}

impl File {
    pub(crate) async fn create(path: &Path, bytes: u64, mode: WriteMode) -> io::Result<File> {
        let path_made = path.to_owned();
        glommio::executor().spawn_blocking(move || allocate(&path_made, bytes)).await?;
        File::open(path, mode).await
    }

    pub(crate) async fn open(path: &Path, mode: WriteMode) -> io::Result<File> {
        let path_opened = path.to_owned();
        let Examined { bytes, device, first_hole } =
            glommio::executor().spawn_blocking(move || examine(&path_opened)).await?;
        if !UNPOLLED_DEVICES.with_borrow(|devices| devices.contains(&device)) {
            forgo_polling(path).await?;
            UNPOLLED_DEVICES.with_borrow_mut(|devices| devices.insert(device));
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        if mode == WriteMode::Through {
            options.custom_flags(libc::O_DSYNC);
        }
        let file = options.dma_open(path).await.map_err(io_error)?;
        Ok(File { file, bytes, first_hole })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn first_hole(&self) -> u64 {
        self.first_hole
    }

    pub(crate) async fn write_at(&self, memory: Memory, bytes: usize, position: u64) -> (io::Result<()>, Memory) {
        let lent = memory.lend(bytes);
        let mut result = Err(io::Error::new(io::ErrorKind::WriteZero, "the device takes only part of the write"));
        for _ in 0..ATTEMPTS_MAX {
            // A short write is begun anew: the same bytes to the same place.
            match self.file.write_rc_at(lent.view(), position).await.map_err(io_error) {
                Ok(written) if written == bytes => {
                    result = Ok(());
                    break;
                }
                Ok(_) => {}
                Err(error) if is_transient(&error) => result = Err(error),
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        (result, lent.take_back())
    }

    pub(crate) async fn read_at(&self, position: u64, bytes: usize) -> io::Result<Bytes> {
        let mut result = Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the device returns only part of the read"));
        for _ in 0..ATTEMPTS_MAX {
            match self.file.read_at_aligned(position, bytes).await.map_err(io_error) {
                Ok(read) if read.len() == bytes => return Ok(share(read)),
                Ok(_) => {}
                Err(error) if is_transient(&error) => result = Err(error),
                Err(error) => return Err(error),
            }
        }
        result
    }

    pub(crate) async fn sync_data(&self) -> io::Result<()> {
        self.file.fdatasync().await.map_err(io_error)
    }

    pub(crate) async fn close(self) -> io::Result<()> {
        self.file.close().await.map_err(io_error)
    }
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}

/// The error of the operating system inside glommio's, with its code.
pub(crate) fn io_error<T>(error: GlommioError<T>) -> io::Error
where
    GlommioError<T>: Into<io::Error>,
{
    match error {
        GlommioError::IoError(error) | GlommioError::EnhancedIoError { source: error, .. } => error,
        other => other.into(),
    }
}

/// Makes the file and its space, durably, or leaves nothing.
#[expect(clippy::disallowed_types, reason = "the seam makes the files")]
fn allocate(path: &Path, bytes: u64) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o640);
    let file: fs::File = options.open(path)?;
    let made = reserve(&file, bytes).and_then(|()| file.sync_all()).and_then(|()| examine(path).map(|_| ()));
    if made.is_err() {
        remove_quietly(path.to_owned());
    }
    made
}

#[expect(clippy::disallowed_types, reason = "the seam makes the files")]
fn reserve(file: &fs::File, bytes: u64) -> io::Result<()> {
    let length = libc::off_t::try_from(bytes).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    loop {
        // SAFETY: the descriptor is open for the length of the call, which touches no memory of ours.
        let result = unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, length) };
        if result == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the seam removes what it could not finish")]
fn remove_quietly(path: PathBuf) {
    // The error that led here is the one to report.
    let _ = fs::remove_file(path);
}

/// What is known of a file before glommio opens it.
struct Examined {
    bytes: u64,
    device: u64,
    first_hole: u64,
}

/// Looks at a file, which must allow direct I/O.
fn examine(path: &Path) -> io::Result<Examined> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_DIRECT);
    let file = options
        .open(path)
        .map_err(|error| if error.raw_os_error() == Some(libc::EINVAL) { refused_direct(path) } else { error })?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{} is no regular file", path.display())));
    }
    Ok(Examined { bytes: metadata.len(), device: metadata.dev(), first_hole: first_hole(&file, metadata.len()) })
}

/// Space that was allocated and never written counts as a hole. A file system that cannot tell has none.
#[expect(clippy::disallowed_types, reason = "the seam opens the files")]
fn first_hole(file: &fs::File, bytes: u64) -> u64 {
    // SAFETY: the descriptor is open for the length of the call, which touches no memory of ours.
    let found = unsafe { libc::lseek(file.as_raw_fd(), 0, libc::SEEK_HOLE) };
    u64::try_from(found).map_or(bytes, |position| position.min(bytes))
}

fn refused_direct(path: &Path) -> io::Error {
    let message = format!(
        "the file system of {} refuses direct I/O (O_DIRECT): use a local ext4 or xfs file system",
        path.display()
    );
    io::Error::new(io::ErrorKind::Unsupported, message)
}

/// The first file that a thread opens on a device decides whether glommio polls that device. Polling is not wanted, and
/// what an empty or unwritten file answers would decide wrongly: a file that cannot be read decides against it.
async fn forgo_polling(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).dma_open(path).await.map_err(io_error)?;
    file.close().await.map_err(io_error)
}

/// What a read returned, on its way through other threads.
struct Shared {
    pointer: *const u8,
    bytes: usize,
    /// Present until it is sent home.
    read: ManuallyDrop<ReadResult>,
    home: Home,
}

// SAFETY: other threads only read the bytes, which stay in place while `read` lives; `read` itself, which counts without
// atomics, is touched on its home thread alone.
unsafe impl Send for Shared {}

struct Returned(ManuallyDrop<ReadResult>);

// SAFETY: it is opened only by `drop_at_home`, on the thread that made it; dropped elsewhere, it does nothing.
unsafe impl Send for Returned {}

impl Homesick for Returned {
    fn drop_at_home(self: Box<Self>) {
        drop(ManuallyDrop::into_inner(self.0));
    }
}

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the pointer and length are those of `read`, which lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.pointer, self.bytes) }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: this is the only place that takes it, and it runs once.
        let read = unsafe { ManuallyDrop::take(&mut self.read) };
        if self.home.is_here() {
            drop(read);
        } else {
            self.home.send(Box::new(Returned(ManuallyDrop::new(read))));
        }
    }
}

fn share(read: ReadResult) -> Bytes {
    let slice: &[u8] = &read;
    let (pointer, bytes) = (slice.as_ptr(), slice.len());
    Bytes::from_owner(Shared { pointer, bytes, read: ManuallyDrop::new(read), home: shard::home() })
}
