//! The ways this process ends on purpose.
//!
//! Owns the exit codes. Any shard calls `exit`, and nothing runs on this process after it: no destructor, no other
//! shard. Only what cannot be handled comes here: a device that failed a write or a sync, or a start that cannot be.

use crate::backend;
use std::fmt::{self, Display};

/// Why the process ends; each has its own exit code, which never changes meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// 10: the configuration cannot be used.
    BadConfiguration,
    /// 11: another process listens on the address.
    PortInUse,
    /// 12: the operating system denies a file, a directory or a port.
    PermissionDenied,
    /// 13: another process holds the data directory.
    DataDirectoryLocked,
    /// 14: the data was written by a newer version.
    NewerFormat,
    /// 15: the limit on locked memory is too low for the rings.
    MemoryLockLimit,
    /// 16: the kernel offers no usable `io_uring`.
    NoIoUring,
    /// 17: the file system of the data directory refuses direct I/O.
    NoDirectIo,
    /// 18: the disk has no room for what a start needs.
    DiskFullAtStart,
    /// 19: the limit on open files is too low.
    OpenFilesLimit,
    /// 20: an address to listen on cannot be used, other than being taken.
    BadAddress,
    /// 21: another error of the operating system prevents the start.
    StartFailed,
    /// 30: a write to the device failed: what it holds is unknown.
    DeviceWriteFailed,
    /// 31: a sync of the device failed: what is durable is unknown.
    DeviceSyncFailed,
    /// 32: a read from the device failed where the data cannot be done without.
    DeviceReadFailed,
    /// 33: data on the disk is damaged where a crash cannot have damaged it.
    CorruptSegment,
    /// 34: the memory budget cannot hold what must be held.
    MemoryBudget,
    /// 35: the metadata log holds what the state machine refuses.
    MetadataInvalid,
    /// 36: a shard does not answer any more.
    ShardStalled,
}

impl Reason {
    /// The exit code.
    pub fn code(self) -> i32 {
        match self {
            Reason::BadConfiguration => 10,
            Reason::PortInUse => 11,
            Reason::PermissionDenied => 12,
            Reason::DataDirectoryLocked => 13,
            Reason::NewerFormat => 14,
            Reason::MemoryLockLimit => 15,
            Reason::NoIoUring => 16,
            Reason::NoDirectIo => 17,
            Reason::DiskFullAtStart => 18,
            Reason::OpenFilesLimit => 19,
            Reason::BadAddress => 20,
            Reason::StartFailed => 21,
            Reason::DeviceWriteFailed => 30,
            Reason::DeviceSyncFailed => 31,
            Reason::DeviceReadFailed => 32,
            Reason::CorruptSegment => 33,
            Reason::MemoryBudget => 34,
            Reason::MetadataInvalid => 35,
            Reason::ShardStalled => 36,
        }
    }

    /// The reason that an error met while starting stands for.
    pub fn of_start_error(error: &std::io::Error) -> Reason {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Reason::PermissionDenied,
            ErrorKind::AddrInUse => Reason::PortInUse,
            ErrorKind::AddrNotAvailable => Reason::BadAddress,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Reason::DiskFullAtStart,
            ErrorKind::Unsupported => Reason::NoDirectIo,
            _ if error.raw_os_error() == Some(libc::EMFILE) => Reason::OpenFilesLimit,
            _ => Reason::StartFailed,
        }
    }
}

impl Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Reason::BadConfiguration => "bad configuration",
            Reason::PortInUse => "port in use",
            Reason::PermissionDenied => "permission denied",
            Reason::DataDirectoryLocked => "data directory in use",
            Reason::NewerFormat => "data of a newer version",
            Reason::MemoryLockLimit => "locked memory limit too low",
            Reason::NoIoUring => "io_uring not available",
            Reason::NoDirectIo => "direct I/O not supported",
            Reason::DiskFullAtStart => "disk full",
            Reason::OpenFilesLimit => "open files limit too low",
            Reason::BadAddress => "bad address",
            Reason::StartFailed => "start failed",
            Reason::DeviceWriteFailed => "device write failed",
            Reason::DeviceSyncFailed => "device sync failed",
            Reason::DeviceReadFailed => "device read failed",
            Reason::CorruptSegment => "corrupt segment",
            Reason::MemoryBudget => "memory budget exhausted",
            Reason::MetadataInvalid => "invalid metadata",
            Reason::ShardStalled => "shard stalled",
        })
    }
}

/// Says why on the standard error and ends the process with the code of `reason`, at once. In simulation the
/// simulated process dies as in a crash, and the reason is kept for the test.
pub fn exit(reason: Reason, message: impl Display) -> ! {
    let message = message.to_string();
    tracing::error!(reason = %reason, code = reason.code(), "fatal: {message}");
    backend::fatal::exit(reason, &message)
}
