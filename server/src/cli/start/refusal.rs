//! What a start that cannot be says, and what to do about it; one exit code per reason.
//!
//! Pure but for looking up who holds a port; called by `start` on the first thread, before the shards or after them.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use corelog_engine::log::OpenError;
use corelog_engine::shard::BootError;
use corelog_rt::dir::LockError;
use corelog_rt::fatal::Reason;
use corelog_rt::runtime::RunError;
use corelog_tuning::check::Check;
use corelog_tuning::port;
use corelog_tuning::tunables::{io_uring, locked_memory};

use crate::cli::failure::Failure;
use crate::config::endpoint::Endpoint;

/// A check of the host that came out badly.
pub fn of_check(check: &Check, reason: Reason) -> Failure {
    let message = format!("{reason}: {} is {}, wanted is {}", check.about.title(), check.current, check.wanted);
    check.how().iter().fold(Failure::of(reason, message), Failure::advise)
}

/// A listener that cannot listen; `flag` is what chooses another address for it.
pub fn of_listener(endpoint: &Endpoint, address: Option<SocketAddr>, error: &io::Error, flag: &str) -> Failure {
    match (error.kind(), address) {
        (io::ErrorKind::AddrInUse, Some(address)) => {
            let holder = port::holder(address)
                .map_or_else(String::new, |holder| format!(" by process {} ({})", holder.pid, holder.command));
            Failure::of(
                Reason::PortInUse,
                format!("cannot listen on {endpoint}: port {} is in use{holder}", address.port()),
            )
            .advise(format!("stop that process, or take another port: {flag}localhost:PORT"))
        }
        (io::ErrorKind::PermissionDenied, Some(address)) => {
            let failure =
                Failure::of(Reason::PermissionDenied, format!("cannot listen on {endpoint}: permission denied"));
            if address.port() < 1024 {
                failure.advise(format!(
                    "ports below 1024 are for root or CAP_NET_BIND_SERVICE; take another: {flag}localhost:PORT"
                ))
            } else {
                failure.advise(format!("take another port: {flag}localhost:PORT"))
            }
        }
        (io::ErrorKind::AddrNotAvailable, _) => {
            Failure::of(Reason::BadAddress, format!("cannot listen on {endpoint}: this host has no such address"))
                .advise(format!("listen on an address of this host (see `ip address`) or on all: {flag}:PORT"))
        }
        (_, None) => Failure::of(Reason::BadAddress, format!("cannot listen on {endpoint}: {error}"))
            .advise("the host name must resolve here: see /etc/hosts and your name servers"),
        _ => Failure::of(Reason::of_start_error(error), format!("cannot listen on {endpoint}: {error}")),
    }
}

/// A data directory that cannot be made or written.
pub fn of_data_dir(dir: &Path, error: &io::Error) -> Failure {
    let reason = match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => Reason::BadConfiguration,
        _ => Reason::of_start_error(error),
    };
    let failure = Failure::of(reason, format!("data directory {}: {error}", dir.display()));
    match reason {
        Reason::BadConfiguration => failure.advise("a file is in the way; take another directory: --data DIR"),
        Reason::PermissionDenied => failure.advise(format!(
            "let this user write it: sudo install -d -o \"$(id -un)\" {}, or take another: --data DIR",
            dir.display()
        )),
        Reason::DiskFullAtStart => failure.advise("free some space there, or take another directory: --data DIR"),
        _ => failure.advise("take another directory: --data DIR"),
    }
}

/// A data directory that another broker holds.
pub fn of_lock(error: &LockError) -> Failure {
    match error {
        LockError::Held { directory, holder_pid, holder_command } => {
            let holder = match (holder_pid, holder_command) {
                (Some(pid), Some(command)) => format!("process {pid} ({command})"),
                (Some(pid), None) => format!("process {pid}"),
                (None, _) => "another process".to_owned(),
            };
            let message = format!("data directory {} is held by {holder}", directory.display());
            Failure::of(Reason::DataDirectoryLocked, message)
                .advise("stop that broker first, or start this one elsewhere: --data DIR --listen localhost:PORT")
        }
        LockError::Io { directory, error } => of_data_dir(directory, error),
    }
}

/// Shards that did not start.
pub fn of_runtime(error: &RunError) -> Failure {
    let failure = Failure::of(error.reason(), error);
    match error {
        RunError::MemoryLockLimit { needed_bytes, limit_bytes } => {
            let message = format!("the limit on locked memory is {limit_bytes} bytes, {needed_bytes} are needed");
            locked_memory::how(*needed_bytes).iter().fold(Failure::of(error.reason(), message), Failure::advise)
        }
        RunError::IoUringDisabled { .. } => {
            let failure = Failure::of(error.reason(), "io_uring is not permitted to this process");
            io_uring::check().how().iter().fold(failure, Failure::advise).advise(
                "in a container: a seccomp profile that allows io_uring_setup, io_uring_enter and io_uring_register,\n\
                 e.g. docker run --security-opt seccomp=unconfined",
            )
        }
        RunError::NoIoUring(_) => failure.advise("run Linux 5.12 or later (6.1 or later is best)"),
        RunError::BadConfiguration(_) | RunError::Executor { .. } => failure,
    }
}

/// An engine that did not start from what is in the data directory.
pub fn of_boot(error: &BootError, data_dir: &Path) -> Failure {
    let reason = error.reason();
    let failure = match error {
        BootError::Runtime(error) => return of_runtime(error),
        BootError::Locked(error) => return of_lock(error),
        BootError::Io { path, error } | BootError::Log(OpenError::Io { path, error }) => {
            return of_data_dir(path, error);
        }
        _ => Failure::of(reason, error),
    };
    match reason {
        Reason::NewerFormat => failure.advise("start the newer corelog that wrote it, or take another directory: --data DIR"),
        Reason::CorruptSegment => failure
            .advise(format!("`corelog log dump {}` shows all that is damaged", data_dir.display()))
            .advise("a crash does not do this: look at the kernel's log for errors of the device,\nthen put a copy of the directory back, or start with an empty one: --data DIR"),
        Reason::MetadataInvalid => {
            failure.advise("put a copy of the directory back, or start with an empty one: --data DIR")
        }
        _ => failure,
    }
}
