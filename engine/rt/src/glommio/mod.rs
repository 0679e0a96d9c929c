//! The backend on the real kernel: glommio over `io_uring`.
//!
//! It keeps inside the part of glommio that holds: no preempt timer under 20 ms, no cancelled task or accept, aligned
//! reads inside the file, no polled I/O, buffers outside the registered memory.

pub(crate) mod buffer;
pub(crate) mod dir;
pub(crate) mod fatal;
pub(crate) mod file;
pub(crate) mod linked;
mod lock;
pub(crate) mod net;
mod preflight;
pub(crate) mod process;
pub(crate) mod rand;
pub(crate) mod runtime;
mod shard;
pub(crate) mod signal;
mod socket;
pub(crate) mod task;
pub(crate) mod testing;
pub(crate) mod time;
mod watchdog;
