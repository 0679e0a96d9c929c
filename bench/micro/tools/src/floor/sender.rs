//! Sends the same bytes over and over, as fast as they are taken, on a thread of its own.

use std::io::Write;
use std::net::TcpStream;
use std::thread::{self, JoinHandle};

/// Bytes of one send.
const SEND_BYTES: usize = 1 << 20;

/// Sends until the other end hangs up. Pinned to `core`, if one is named.
pub fn start(mut stream: TcpStream, core: Option<usize>) -> JoinHandle<std::io::Result<()>> {
    thread::spawn(move || {
        if let Some(core) = core {
            pin(core)?;
        }
        let bytes: Vec<u8> = (0..SEND_BYTES).map(|index| (index % 251) as u8).collect();
        // It ends when the receiver has seen enough.
        while stream.write_all(&bytes).is_ok() {}
        Ok(())
    })
}

/// Keeps the calling thread on `core`.
///
/// # Errors
/// Of the kernel, for a core that is not there.
pub fn pin(core: usize) -> std::io::Result<()> {
    let mut cores = rustix::thread::CpuSet::new();
    cores.set(core);
    Ok(rustix::thread::sched_setaffinity(None, &cores)?)
}
