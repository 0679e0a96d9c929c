//! Linked writes and syncs on a ring of their own, on the thread for work that blocks.
//!
//! Owns that ring for the length of one call.
#![expect(unsafe_code, reason = "hands memory to the kernel")]

use crate::buffer::ALIGNMENT;
use io_uring::squeue::{Entry, Flags};
use io_uring::types::{Fd, FsyncFlags};
use io_uring::{IoUring, opcode};
use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A write and its sync.
const PAIR: usize = 2;
/// The most pairs of one call.
const PAIRS_MAX: usize = 1 << 20;

pub(crate) async fn write_and_sync(
    path: &Path,
    bytes: usize,
    file_bytes: u64,
    time: Duration,
) -> io::Result<Vec<Duration>> {
    let path = path.to_owned();
    glommio::executor().spawn_blocking(move || run(&path, bytes, file_bytes, time)).await
}

fn run(path: &PathBuf, bytes: usize, file_bytes: u64, time: Duration) -> io::Result<Vec<Duration>> {
    let file = OpenOptions::new().write(true).custom_flags(libc::O_DIRECT).open(path)?;
    let mut memory = vec![0_u8; bytes + ALIGNMENT];
    crate::rand::fill(&mut memory);
    let start = memory.as_ptr().align_offset(ALIGNMENT);
    let aligned = memory.get(start..start + bytes).ok_or(io::ErrorKind::OutOfMemory)?;
    let length = u32::try_from(bytes).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut ring = IoUring::new(PAIR as u32)?;
    let begun = crate::time::now();
    let (mut times, mut position) = (Vec::new(), 0);
    while begun.elapsed() < time && times.len() < PAIRS_MAX {
        if position + bytes as u64 > file_bytes {
            position = 0;
        }
        let fd = Fd(file.as_raw_fd());
        let write = opcode::Write::new(fd, aligned.as_ptr(), length).offset(position).build().flags(Flags::IO_LINK);
        let sync = opcode::Fsync::new(fd).flags(FsyncFlags::DATASYNC).build();
        let started = crate::time::now();
        if let Err(error) = pair(&mut ring, &[write, sync], length) {
            // The kernel may still read from it.
            std::mem::forget(memory);
            return Err(error);
        }
        times.push(started.elapsed());
        position += bytes as u64;
    }
    Ok(times)
}

/// Submits both and waits for both.
fn pair(ring: &mut IoUring, entries: &[Entry; PAIR], length: u32) -> io::Result<()> {
    // SAFETY: the memory and the descriptor of the entries live until both are complete; the caller forgets the memory
    // where that is not known.
    let pushed = unsafe { ring.submission().push_multiple(entries) };
    pushed.map_err(|_| io::ErrorKind::OutOfMemory)?;
    let mut results = Vec::with_capacity(PAIR);
    while results.len() < PAIR {
        match ring.submit_and_wait(PAIR - results.len()) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        results.extend(ring.completion().map(|entry| entry.result()));
    }
    for result in &results {
        if *result < 0 {
            return Err(io::Error::from_raw_os_error(-result));
        }
    }
    let is_whole = results.iter().any(|result| *result as u32 == length);
    if is_whole { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}
