//! Starts the shards.
//!
//! Owns the settings of the executors and the checks of what they need from the kernel. The process calls [`run`] once,
//! from its first thread. A panic of any shard ends the process: its siblings must not serve on with a dead core.

use crate::{backend, fatal};
use std::future::Future;
use std::time::Duration;

/// Settings of the executors.
#[derive(Clone, Debug)]
pub struct Config {
    /// Number of shards, at least one.
    pub shards: usize,
    /// Cores to pin to, in shard order; `None` takes those the process may use. With fewer cores than shards nothing
    /// is pinned.
    pub cpus: Option<Vec<usize>>,
    /// Registered I/O memory of each of the three rings of a shard, in bytes; at least 65536. All of it is locked.
    pub io_memory_bytes: usize,
    /// Submission entries of each ring.
    pub ring_depth: usize,
    /// How long an idle shard polls before it sleeps. Costs a core, saves tens of microseconds of wake-up.
    pub spin_before_park: Duration,
    /// How long tasks run before I/O is looked at; at least 20 ms, because the runtime underneath hangs with less.
    pub preempt_timer: Duration,
    /// How often the watchdog looks at the shards.
    pub watchdog_interval: Duration,
    /// How long a shard may not answer before the watchdog reports it.
    pub stall_report_after: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            shards: 1,
            cpus: None,
            io_memory_bytes: 64 << 10,
            ring_depth: 128,
            spin_before_park: Duration::ZERO,
            preempt_timer: Duration::from_millis(20),
            watchdog_interval: Duration::from_millis(50),
            stall_report_after: Duration::from_secs(2),
        }
    }
}

/// Why the shards could not be started.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The settings contradict themselves.
    #[error("bad runtime settings: {0}")]
    BadConfiguration(String),
    /// The kernel has no `io_uring`, or one that is too old.
    #[error("this kernel offers no usable io_uring ({0}): Linux 5.12 or later is needed")]
    NoIoUring(String),
    /// `io_uring` is switched off.
    #[error(
        "io_uring is disabled: set the sysctl kernel.io_uring_disabled to 0 (it is {sysctl}), and in a container \
         allow the system calls io_uring_setup, io_uring_enter and io_uring_register in its seccomp profile"
    )]
    IoUringDisabled {
        /// The value of the sysctl, or a word on why it is unknown.
        sysctl: String,
    },
    /// The limit on locked memory is too low.
    #[error(
        "the limit on locked memory is {limit_bytes} bytes, {needed_bytes} are needed: raise it with `ulimit -l {}`, \
         LimitMEMLOCK=infinity in a systemd unit or --ulimit memlock=-1 in a container",
        needed_bytes.div_ceil(1024)
    )]
    MemoryLockLimit {
        /// What may be locked.
        limit_bytes: u64,
        /// What the rings lock.
        needed_bytes: u64,
    },
    /// An executor could not be started.
    #[error("shard {shard} could not be started: {error}")]
    Executor {
        /// Which one.
        shard: usize,
        /// What the runtime underneath said.
        error: String,
    },
}

impl RunError {
    /// The reason, and so the exit code, that it stands for.
    pub fn reason(&self) -> fatal::Reason {
        match self {
            RunError::BadConfiguration(_) => fatal::Reason::BadConfiguration,
            RunError::NoIoUring(_) | RunError::IoUringDisabled { .. } => fatal::Reason::NoIoUring,
            RunError::MemoryLockLimit { .. } => fatal::Reason::MemoryLockLimit,
            RunError::Executor { .. } => fatal::Reason::StartFailed,
        }
    }
}

/// Runs `main(shard)` on every shard, each on its own thread, and returns when all of them have. Tasks that still run
/// on a shard then are dropped.
pub fn run<F, Fut>(config: &Config, main: F) -> Result<(), RunError>
where
    F: Fn(usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    if config.shards == 0 {
        return Err(RunError::BadConfiguration("at least one shard is needed".to_owned()));
    }
    if config.preempt_timer < Duration::from_millis(20) {
        return Err(RunError::BadConfiguration("a preempt timer under 20 ms is not safe".to_owned()));
    }
    backend::runtime::run(config, main)
}

/// Whether the shards of `config` could be started: what [`run`] asks of the kernel, and nothing else.
pub fn check(config: &Config) -> Result<(), RunError> {
    backend::runtime::check(config)
}

/// The cores this process may use, in order.
pub fn available_cpus() -> Vec<usize> {
    backend::runtime::available_cpus()
}

/// The shard that this task runs on. Panics outside a runtime.
pub fn shard() -> usize {
    backend::runtime::shard()
}
