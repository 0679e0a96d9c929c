//! What a test does to a disk.
//!
//! Owns the schedule of faults and the count of I/O steps: every write, sync, creation, renaming, removal and sync of a
//! directory is one. A crash at step N happens when that operation has been issued and may be partly done.

use super::crash::{Crash, Loss};
use super::executor::{self, Death};
use super::world::{Node, World};
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// How long operations take, in microseconds.
#[derive(Clone, Debug)]
pub struct Timing {
    /// One read.
    pub read_us: Range<u64>,
    /// One write.
    pub write_us: Range<u64>,
    /// One sync, of a file or a directory.
    pub sync_us: Range<u64>,
}

impl Default for Timing {
    fn default() -> Self {
        Timing { read_us: 50..300, write_us: 30..400, sync_us: 100..1500 }
    }
}

/// The kinds of operations that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Read,
    Write,
    Sync,
    Name,
}

#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) steps: u64,
    crash: Option<(u64, Crash)>,
    reads: Counter,
    writes: Counter,
    syncs: Counter,
    pub(crate) corrupt_reads_per_million: u32,
    pub(crate) timing: Timing,
}

/// Counts operations of a kind and knows which of them fail.
#[derive(Default)]
struct Counter {
    count: u64,
    failing: BTreeSet<u64>,
}

impl Counter {
    fn next_fails(&mut self) -> bool {
        let fails = self.failing.remove(&self.count);
        self.count += 1;
        fails
    }
}

/// The disk of one machine, as a test sees it.
#[derive(Clone)]
pub struct Disk {
    world: Rc<World>,
    node: Node,
}

impl Disk {
    pub(crate) fn new(world: Rc<World>, node: Node) -> Disk {
        Disk { world, node }
    }

    fn faults<T>(&self, change: impl FnOnce(&mut Faults) -> T) -> T {
        change(&mut self.world.machine(self.node).disk.borrow_mut().faults)
    }

    /// I/O steps so far. Reads do not count.
    pub fn steps(&self) -> u64 {
        self.faults(|faults| faults.steps)
    }

    /// The machine loses power at the I/O step that follows `steps` others from now.
    pub fn crash_at_step(&self, steps: u64) {
        self.faults(|faults| faults.crash = Some((faults.steps + steps, Crash::PowerLoss)));
    }

    /// The process is killed at the I/O step that follows `steps` others from now.
    pub fn kill_at_step(&self, steps: u64) {
        self.faults(|faults| faults.crash = Some((faults.steps + steps, Crash::Kill)));
    }

    /// Takes back a crash that has not happened.
    pub fn cancel_crash(&self) {
        self.faults(|faults| faults.crash = None);
    }

    /// What a loss of power does to unsynced data.
    pub fn set_loss(&self, loss: Loss) {
        self.world.machine(self.node).disk.borrow_mut().loss = loss;
    }

    /// Loses power while no process runs.
    pub fn lose_power(&self) {
        self.world.machine(self.node).disk.borrow_mut().lose_power(&mut self.world.random());
    }

    /// Fails the read that follows `reads` others from now.
    pub fn fail_read(&self, reads: u64) {
        self.faults(|faults| faults.reads.failing.insert(faults.reads.count + reads));
    }

    /// Fails the write that follows `writes` others from now; any of its sectors may be written.
    pub fn fail_write(&self, writes: u64) {
        self.faults(|faults| faults.writes.failing.insert(faults.writes.count + writes));
    }

    /// Fails the sync of a file or directory that follows `syncs` others from now; nothing becomes durable.
    pub fn fail_sync(&self, syncs: u64) {
        self.faults(|faults| faults.syncs.failing.insert(faults.syncs.count + syncs));
    }

    /// So many of a million reads return one inverted bit.
    pub fn corrupt_reads_per_million(&self, count: u32) {
        self.faults(|faults| faults.corrupt_reads_per_million = count);
    }

    /// Inverts the bits of `mask` in a file from `position` on, durably.
    pub fn decay(&self, path: &Path, position: u64, mask: &[u8]) -> io::Result<()> {
        self.world.machine(self.node).disk.borrow_mut().decay(path, position, mask)
    }

    /// The size of the disk; files count with their full length. `None` makes it unlimited.
    pub fn set_bytes_max(&self, bytes: Option<u64>) {
        self.world.machine(self.node).disk.borrow_mut().bytes_max = bytes.unwrap_or(1 << 40);
    }

    /// How long operations take from now on.
    pub fn set_timing(&self, timing: Timing) {
        self.faults(|faults| faults.timing = timing);
    }

    /// Writes that no sync has made durable.
    pub fn unsynced_writes(&self) -> usize {
        self.world.machine(self.node).disk.borrow().unsynced_writes()
    }

    /// Every file with its length.
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let machine = self.world.machine(self.node);
        let mut disk = machine.disk.borrow_mut();
        let named: Vec<(PathBuf, u64)> = disk.names.files().map(|(path, inode)| (path.clone(), inode)).collect();
        named.into_iter().map(|(path, inode)| (path, disk.length(inode))).collect()
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Disk").field("node", &self.node).finish_non_exhaustive()
    }
}

/// Counts an operation of the running task, crashes if its time has come, takes its time, and fails if it must.
pub(crate) async fn perform(world: &Rc<World>, operation: Operation, detail: u64) -> io::Result<()> {
    let place = world.place();
    let machine = world.machine(place.node);
    let (crash, fails, delay_us) = {
        let mut disk = machine.disk.borrow_mut();
        let faults = &mut disk.faults;
        let crash = match operation {
            Operation::Read => None,
            _ => faults.crash.take_if(|(step, _)| *step <= faults.steps),
        };
        faults.steps += u64::from(operation != Operation::Read);
        let timing = &faults.timing;
        let (counter, delay) = match operation {
            Operation::Read => (Some(&mut faults.reads), &timing.read_us),
            Operation::Write => (Some(&mut faults.writes), &timing.write_us),
            Operation::Sync => (Some(&mut faults.syncs), &timing.sync_us),
            Operation::Name => (None, &timing.write_us),
        };
        let delay_us = world.random().within(delay);
        (crash, counter.is_some_and(Counter::next_fails), delay_us)
    };
    world.note(operation as u8, detail, delay_us);
    if let Some((_, crash)) = crash {
        executor::die(world, place.node, Death::Crash(crash));
    }
    super::time::sleep(std::time::Duration::from_micros(delay_us)).await;
    if fails { Err(io::Error::from_raw_os_error(libc::EIO)) } else { Ok(()) }
}
