//! Checks, before the first executor starts, what it needs from the kernel.
//!
//! Called once by `runtime`. glommio itself panics or exits with a joke where these checks fail.
#![expect(unsafe_code, reason = "these are system calls")]

use crate::runtime::{Config, RunError};
use std::io;
use std::mem::MaybeUninit;

/// glommio refuses a lower limit.
const MEMORY_LOCK_BYTES_MIN: u64 = 512 << 10;
/// glommio registers at least this much with each ring.
const IO_MEMORY_BYTES_MIN: usize = 64 << 10;
/// Main, latency and poll ring.
const RINGS_PER_SHARD: u64 = 3;
/// `IORING_FEAT_NATIVE_WORKERS`, which came with Linux 5.12, as did accounting of rings outside the memlock limit.
const FEATURE_NATIVE_WORKERS: u32 = 1 << 9;
/// Position and count of the 32-bit words of `struct io_uring_params`.
const PARAMETER_WORDS: usize = 30;
const FEATURES_WORD: usize = 5;

pub(crate) fn check(config: &Config) -> Result<(), RunError> {
    check_ring()?;
    check_memory_lock(config)
}

/// Bytes of locked memory that the rings of all shards pin.
pub(crate) fn locked_bytes(config: &Config) -> u64 {
    let io_memory = config.io_memory_bytes.max(IO_MEMORY_BYTES_MIN).next_multiple_of(4096) as u64;
    RINGS_PER_SHARD * io_memory * config.shards as u64
}

fn check_memory_lock(config: &Config) -> Result<(), RunError> {
    let needed_bytes = locked_bytes(config).max(MEMORY_LOCK_BYTES_MIN);
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel writes one structure of this type.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit) };
    if result != 0 {
        let error = io::Error::last_os_error();
        return Err(RunError::BadConfiguration(format!("the limit on locked memory cannot be read: {error}")));
    }
    if limit.rlim_cur < needed_bytes && limit.rlim_cur < limit.rlim_max {
        // Up to the hard limit everybody may raise it.
        limit.rlim_cur = limit.rlim_max;
        // SAFETY: the kernel reads one structure of this type.
        let result = unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const limit) };
        if result != 0 {
            limit.rlim_cur = 0;
        }
    }
    if limit.rlim_cur < needed_bytes {
        return Err(RunError::MemoryLockLimit { limit_bytes: limit.rlim_cur, needed_bytes });
    }
    Ok(())
}

fn check_ring() -> Result<(), RunError> {
    let mut parameters = [0_u32; PARAMETER_WORDS];
    // SAFETY: the kernel reads and writes one `io_uring_params`, which is as long as the array.
    let result = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) };
    let Ok(descriptor) = i32::try_from(result).and_then(|value| u32::try_from(value).map(|_| value)) else {
        return Err(ring_error(&io::Error::last_os_error()));
    };
    // SAFETY: the descriptor is ours and used nowhere else.
    unsafe { libc::close(descriptor) };
    let [_, _, _, _, _, features, ..] = parameters;
    debug_assert_eq!(parameters.get(FEATURES_WORD), Some(&features), "the word that holds the features");
    if features & FEATURE_NATIVE_WORKERS == 0 {
        return Err(RunError::NoIoUring(format!("it is {}", kernel_release())));
    }
    Ok(())
}

fn ring_error(error: &io::Error) -> RunError {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => RunError::IoUringDisabled { sysctl: disabled_sysctl() },
        Some(libc::ENOMEM) => RunError::MemoryLockLimit { limit_bytes: 0, needed_bytes: MEMORY_LOCK_BYTES_MIN },
        _ => RunError::NoIoUring(format!("io_uring_setup: {error}; it is {}", kernel_release())),
    }
}

#[expect(clippy::disallowed_methods, reason = "the seam is where the kernel is asked")]
fn disabled_sysctl() -> String {
    std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled")
        .map_or_else(|_| "not known to this kernel".to_owned(), |text| text.trim().to_owned())
}

fn kernel_release() -> String {
    let mut name = MaybeUninit::<libc::utsname>::uninit();
    // SAFETY: the kernel writes one structure of this type.
    let result = unsafe { libc::uname(name.as_mut_ptr()) };
    if result != 0 {
        return "unknown".to_owned();
    }
    // SAFETY: a successful call filled the structure.
    let name = unsafe { name.assume_init() };
    name.release.iter().take_while(|byte| **byte != 0).map(|byte| char::from(*byte as u8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_below_the_need_is_refused_with_what_to_do() {
        let config = Config { shards: usize::MAX >> 32, ..Config::default() };
        assert_eq!(locked_bytes(&Config { shards: 2, ..Config::default() }), 2 * 3 * 65_536);
        match check(&config) {
            Err(error @ RunError::MemoryLockLimit { .. }) => assert!(error.to_string().contains("ulimit -l")),
            // Only a machine without a limit lets this pass.
            other => assert!(other.is_ok(), "{other:?}"),
        }
    }

    #[test]
    fn every_refusal_of_the_ring_names_its_cause() {
        let refused = |code| ring_error(&io::Error::from_raw_os_error(code));
        assert!(matches!(refused(libc::EPERM), RunError::IoUringDisabled { .. }));
        assert!(matches!(refused(libc::ENOSYS), RunError::NoIoUring(_)));
        assert!(matches!(refused(libc::ENOMEM), RunError::MemoryLockLimit { .. }));
        assert_eq!(refused(libc::EPERM).reason(), crate::fatal::Reason::NoIoUring);
    }
}
