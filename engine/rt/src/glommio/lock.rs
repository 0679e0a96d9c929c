//! The lock of a process on a directory: `flock` on the file `lock` in it, whose text is the holder's process id.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "the seam is where the file system is called")]
#![expect(unsafe_code, reason = "flock has no safe wrapper here")]

use crate::dir::LockError;
use std::fs;
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The open lock file: the kernel lets go of the lock when it closes, however the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: fs::File,
}

pub(crate) fn lock(directory: &Path) -> Result<Lock, LockError> {
    let failed = |error| LockError::Io { directory: directory.to_owned(), error };
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o640);
    let mut file = options.open(directory.join("lock")).map_err(failed)?;
    // SAFETY: the descriptor is open for the length of the call, which touches no memory of ours.
    let result = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    if result != 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::WouldBlock {
            return Err(failed(error));
        }
        let holder_pid = read_pid(&mut file);
        let holder_command = holder_pid.and_then(read_command);
        return Err(LockError::Held { directory: directory.to_owned(), holder_pid, holder_command });
    }
    write_pid(&mut file).map_err(failed)?;
    Ok(Lock { _file: file })
}

fn write_pid(file: &mut fs::File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn read_pid(file: &mut fs::File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// The command line of a process, its arguments joined by spaces.
fn read_command(pid: u32) -> Option<String> {
    let mut bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    bytes.truncate(512);
    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
    let text = text.trim();
    if text.is_empty() { None } else { Some(text.to_owned()) }
}
