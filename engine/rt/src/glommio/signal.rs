//! SIGTERM and SIGINT.
//!
//! Owns the handlers, a pipe and one thread, made when a task first asks. The handler only writes to the pipe; the
//! thread wakes whoever waits.
#![expect(unsafe_code, reason = "signal handlers have no safe wrapper here")]
#![expect(clippy::disallowed_types, reason = "one thread of the process serves all shards")]

use std::fs::File;
use std::future::poll_fn;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::task::{Poll, Waker};

static INSTALL: Once = Once::new();
static ARRIVED: AtomicBool = AtomicBool::new(false);
static PIPE: AtomicI32 = AtomicI32::new(-1);
static WAITING: Mutex<Vec<Waker>> = Mutex::new(Vec::new());

pub(crate) fn termination() -> impl Future<Output = ()> {
    INSTALL.call_once(|| install().expect("a pipe and two signal handlers can be had at the start"));
    poll_fn(|context| {
        let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
        if ARRIVED.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            waiting.push(context.waker().clone());
        }
        Poll::Pending
    })
}

fn install() -> io::Result<()> {
    let (reader, writer): (PipeReader, PipeWriter) = io::pipe()?;
    PIPE.store(writer.as_raw_fd(), Ordering::Release);
    // The handler writes to it for as long as the process lives.
    std::mem::forget(writer);
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || serve(reader))?;
    handle(libc::SIGTERM)?;
    handle(libc::SIGINT)
}

fn handle(signal: libc::c_int) -> io::Result<()> {
    // SAFETY: all zeroes is an action with an empty mask and no flags.
    let mut action: libc::sigaction = unsafe { std::mem::MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = on_signal as extern "C" fn(libc::c_int) as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler calls nothing but write(2) and _exit(2), which handlers may call.
    let result = unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

extern "C" fn on_signal(signal: libc::c_int) {
    if ARRIVED.swap(true, Ordering::AcqRel) {
        // SAFETY: ends the process; has no preconditions.
        unsafe { libc::_exit(128 + signal) };
    }
    let pipe: RawFd = PIPE.load(Ordering::Acquire);
    // SAFETY: one byte is read from a constant; the pipe is never closed. Its buffer cannot be full: one byte is
    // written in the life of the process.
    unsafe { libc::write(pipe, b"!".as_ptr().cast(), 1) };
}

fn serve(reader: PipeReader) {
    let mut reader = File::from(std::os::fd::OwnedFd::from(reader));
    let mut byte = [0];
    while let Err(error) = reader.read_exact(&mut byte) {
        if error.kind() != io::ErrorKind::Interrupted {
            return;
        }
    }
    let waiting = std::mem::take(&mut *WAITING.lock().unwrap_or_else(PoisonError::into_inner));
    for waker in waiting {
        waker.wake();
    }
}
