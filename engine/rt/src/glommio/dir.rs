//! Directories through the ordinary system calls, on the executor's thread for blocking work.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "the seam is where the file system is called")]
#![expect(unsafe_code, reason = "statvfs has no safe wrapper here")]

pub(crate) use super::lock::{Lock, lock};
use crate::dir::{SMALL_FILE_BYTES_MAX, Space, temporary_path};
use std::ffi::CString;
use std::fs;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    glommio::executor().spawn_blocking(work).await
}

pub(crate) async fn create_all(path: &Path) -> io::Result<()> {
    let path = path.to_owned();
    blocking(move || create_missing(&path)).await
}

fn create_missing(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_missing(parent)?;
    }
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_directory(parent.unwrap_or_else(|| Path::new("."))),
    }
}

fn sync_directory(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

pub(crate) async fn list(path: &Path) -> io::Result<Vec<String>> {
    let path = path.to_owned();
    blocking(move || {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    })
    .await
}

pub(crate) async fn exists(path: &Path) -> io::Result<bool> {
    let path = path.to_owned();
    blocking(move || path.try_exists()).await
}

pub(crate) async fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (from.to_owned(), to.to_owned());
    blocking(move || fs::rename(from, to)).await
}

pub(crate) async fn remove(path: &Path) -> io::Result<()> {
    let path = path.to_owned();
    blocking(move || fs::remove_file(path)).await
}

pub(crate) async fn remove_all(path: &Path) -> io::Result<()> {
    let path = path.to_owned();
    blocking(move || fs::remove_dir_all(path)).await
}

pub(crate) async fn sync(path: &Path) -> io::Result<()> {
    let path = path.to_owned();
    blocking(move || sync_directory(&path)).await
}

pub(crate) async fn space(path: &Path) -> io::Result<Space> {
    let path = path.to_owned();
    blocking(move || file_system_space(&path)).await
}

fn file_system_space(path: &Path) -> io::Result<Space> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut statistics = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path is terminated, and the kernel writes no more than the structure.
    let result = unsafe { libc::statvfs(path.as_ptr(), statistics.as_mut_ptr()) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a successful call filled the structure.
    let statistics = unsafe { statistics.assume_init() };
    let bytes = |blocks: u64| blocks.saturating_mul(statistics.f_frsize);
    Ok(Space { total_bytes: bytes(statistics.f_blocks), free_bytes: bytes(statistics.f_bavail) })
}

pub(crate) async fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    let path = path.to_owned();
    blocking(move || {
        let file = fs::File::open(path)?;
        let mut bytes = Vec::new();
        let count = file.take(SMALL_FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if count as u64 > SMALL_FILE_BYTES_MAX { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
    })
    .await
}

pub(crate) async fn write_small(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (path, bytes) = (path.to_owned(), bytes.to_vec());
    blocking(move || replace(&path, &bytes)).await
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary: PathBuf = temporary_path(path);
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o640).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync_directory(parent.unwrap_or_else(|| Path::new(".")))
}
