//! The process's own accounts, as the kernel keeps them.
#![expect(unsafe_code, reason = "the accounts have no safe wrapper here")]
#![expect(clippy::disallowed_types, reason = "the kernel tells it in a file that is on no device")]

use crate::process::Usage;
use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::time::Duration;

pub(crate) fn usage() -> io::Result<Usage> {
    let (virtual_pages, resident_pages) = pages()?;
    let page_bytes = page_bytes();
    Ok(Usage {
        cpu: cpu()?,
        resident_bytes: resident_pages * page_bytes,
        virtual_bytes: virtual_pages * page_bytes,
        open_files_max: open_files_max()?,
    })
}

fn cpu() -> io::Result<Duration> {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the kernel writes to a structure of its own form.
    let result = unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroes are a valid structure, and the kernel has filled it.
    let usage = unsafe { usage.assume_init() };
    let time = |time: libc::timeval| {
        let (seconds, micros) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_usec));
        Duration::from_secs(seconds.unwrap_or(0)) + Duration::from_micros(micros.unwrap_or(0))
    };
    Ok(time(usage.ru_utime) + time(usage.ru_stime))
}

/// Mapped and resident pages.
fn pages() -> io::Result<(u64, u64)> {
    let mut text = String::new();
    // A few numbers that the kernel makes up when they are read: no disk is waited for.
    File::open("/proc/self/statm")?.take(256).read_to_string(&mut text)?;
    let mut numbers = text.split_whitespace().map(str::parse::<u64>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(mapped)), Some(Ok(resident))) => Ok((mapped, resident)),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn page_bytes() -> u64 {
    // SAFETY: asks for a constant of the machine; has no preconditions.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(bytes).unwrap_or(4096)
}

fn open_files_max() -> io::Result<u64> {
    let mut limit = MaybeUninit::<libc::rlimit>::zeroed();
    // SAFETY: the kernel writes to a structure of its own form.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, limit.as_mut_ptr()) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroes are a valid structure, and the kernel has filled it.
    let limit = unsafe { limit.assume_init() };
    Ok(limit.rlim_cur)
}
