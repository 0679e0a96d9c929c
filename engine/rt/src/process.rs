//! What this process has used of the machine.
//!
//! Any shard asks; it takes a few system calls and waits for nothing.

use crate::backend;
use std::io;
use std::time::Duration;

/// What this process has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time of all its threads on a cpu, in its own code and in the kernel.
    pub cpu: Duration,
    /// Memory that is in the machine's memory now, in bytes.
    pub resident_bytes: u64,
    /// Addresses that are mapped, in bytes.
    pub virtual_bytes: u64,
    /// How many files and sockets it may have open.
    pub open_files_max: u64,
}

/// What this process has used so far.
pub fn usage() -> io::Result<Usage> {
    backend::process::usage()
}
