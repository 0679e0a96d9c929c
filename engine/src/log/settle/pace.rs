//! Owns how the pass keeps out of the way: a budget of bytes and operations, after which it rests for as long as the log's own commits ask for.
//!
//! The log's writers tell how long each commit took. Those that met the pass at the device are compared with those that did not: where they took longer,
//! the pass rests twice as long after each piece of its work, otherwise a little less. Where nothing is appended meanwhile it does not rest at all, and
//! not on a full disk either. It rests for a bounded time, so it always gets done.

use super::pass::SettleError;
use crate::ids::CommitSequence;
use crate::log::core::Core;
use corelog_rt::time::Instant;
use corelog_rt::{task, time};
use std::cell::Cell;
use std::time::Duration;

/// After so much work without I/O other tasks run, in bytes of records looked into.
const YIELD_BYTES: usize = 64 << 10;
/// Reads and writes after which a piece of work is over, however small they were.
const OPERATIONS_PER_PIECE: u32 = 64;
/// Reads at once while nothing is appended.
const READS_AT_ONCE: usize = 8;

/// How long the pass rests before it knows better, and at least.
const REST_FIRST: Duration = Duration::from_millis(16);
const REST_MIN: Duration = Duration::from_millis(1);
/// It rests at least so many times as long as it worked.
const REST_PER_WORK: u32 = 3;
/// Commits of each kind that are compared at least.
const COMMITS_MIN: u64 = 32;
/// Commits that met the pass beyond which it counts that none misses it.
const COMMITS_MET_MAX: u64 = 8 * COMMITS_MIN;

/// The budget of one log's settling and compaction.
#[derive(Debug)]
pub struct Pace {
    rest: Cell<Duration>,
    rest_max: Duration,
    piece_bytes: u64,
    piece: Cell<Piece>,
    /// The pass uses the device now.
    is_working: Cell<bool>,
    /// How often it began to.
    turns: Cell<u64>,
    met: Cell<Commits>,
    missed: Cell<Commits>,
}

/// A piece of work.
#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    began: Option<Instant>,
    /// The last commit that anything was appended to when it began.
    appended: CommitSequence,
    bytes: u64,
    operations: u32,
}

/// Commits, and how long they took together.
#[derive(Clone, Copy, Debug, Default)]
struct Commits {
    count: u64,
    ns: u64,
}

impl Commits {
    fn ns_mean(self) -> u64 {
        self.ns / self.count.max(1)
    }
}

/// What the pass did when a commit went to the device.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    turns: u64,
    was_working: bool,
}

impl Pace {
    /// Work in pieces of `piece_bytes`, between which it rests for `rest_max` at most.
    pub fn new(piece_bytes: usize, rest_max: Duration) -> Pace {
        Pace {
            rest: Cell::new(REST_FIRST.min(rest_max)),
            rest_max,
            piece_bytes: piece_bytes as u64,
            piece: Cell::default(),
            is_working: Cell::new(false),
            turns: Cell::new(0),
            met: Cell::default(),
            missed: Cell::default(),
        }
    }

    /// A commit goes to the device.
    pub fn mark(&self) -> Mark {
        Mark { turns: self.turns.get(), was_working: self.is_working.get() }
    }

    /// The commit is there, and took so long.
    pub fn committed(&self, mark: Mark, took: Duration) {
        let has_met = mark.was_working || self.turns.get() != mark.turns;
        let commits = if has_met { &self.met } else { &self.missed };
        let Commits { count, ns } = commits.get();
        commits.set(Commits { count: count + 1, ns: ns.saturating_add(took.as_nanos() as u64) });
        self.adapt();
    }

    fn adapt(&self) {
        let (met, missed) = (self.met.get(), self.missed.get());
        let is_crowded = met.count >= COMMITS_MET_MAX;
        if met.count < COMMITS_MIN || (missed.count < COMMITS_MIN && !is_crowded) {
            return;
        }
        // A quarter longer is too long.
        let is_slower = missed.count < COMMITS_MIN || met.ns_mean() > missed.ns_mean() / 4 * 5;
        let rest = if is_slower { self.rest.get() * 2 } else { self.rest.get() / 4 * 3 };
        self.rest.set(rest.max(REST_MIN).min(self.rest_max));
        self.met.set(Commits::default());
        self.missed.set(Commits::default());
    }

    /// The pass begins to work.
    pub(super) fn begin(&self, core: &Core) {
        let piece = Piece { began: Some(time::now()), appended: appended(core), ..Piece::default() };
        self.piece.set(piece);
        self.is_working.set(true);
        self.turns.set(self.turns.get() + 1);
    }

    /// It has nothing to do for a while: what it knows of the log's commits gets old.
    pub(super) fn end(&self) {
        self.is_working.set(false);
        self.rest.set((self.rest.get() / 4 * 3).max(REST_FIRST).min(self.rest_max));
    }

    /// Whether commits do not mind the pass.
    pub(super) fn is_relaxed(&self) -> bool {
        self.rest.get() <= REST_FIRST
    }

    /// How many reads the pass may have in flight.
    pub(super) fn reads_at_once(&self, core: &Core) -> usize {
        if self.piece.get().appended == appended(core) { READS_AT_ONCE } else { 1 }
    }

    /// So many bytes were read or written in so many operations. When the piece is over and the log is busy, rests.
    ///
    /// # Errors
    /// `Stopping`.
    pub(super) async fn spent(&self, core: &Core, bytes: usize, operations: u32) -> Result<(), SettleError> {
        if core.stopping.get() {
            return Err(SettleError::Stopping);
        }
        let mut piece = self.piece.get();
        piece.bytes += bytes as u64;
        piece.operations += operations;
        self.piece.set(piece);
        if piece.bytes < self.piece_bytes && piece.operations < OPERATIONS_PER_PIECE {
            return Ok(());
        }
        if appended(core) != piece.appended && !core.queue.borrow().is_disk_full() {
            let worked = piece.began.map_or(Duration::ZERO, Instant::elapsed);
            let rest = self.rest.get().max(worked * REST_PER_WORK).min(self.rest_max);
            self.is_working.set(false);
            let stopping = core.signals.settle.notified();
            let _ = time::timeout(rest, stopping).await;
        }
        self.begin(core);
        if core.stopping.get() { Err(SettleError::Stopping) } else { Ok(()) }
    }
}

/// Counts work that needs no device, and lets other tasks run in between.
#[derive(Debug, Default)]
pub(super) struct Slices {
    unyielded: usize,
}

impl Slices {
    /// So many bytes were worked on.
    pub async fn worked(&mut self, bytes: usize) {
        self.unyielded += bytes;
        if self.unyielded >= YIELD_BYTES {
            self.unyielded = 0;
            task::yield_now().await;
        }
    }
}

/// The last commit that anything was appended to.
pub(super) fn appended(core: &Core) -> CommitSequence {
    core.queue.borrow().sequence_appended()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn commits(pace: &Pace, count: u64, took: Duration, is_met: bool) {
        for _ in 0..count {
            let turns = if is_met { u64::MAX } else { pace.turns.get() };
            pace.committed(Mark { turns, was_working: false }, took);
        }
    }

    #[test]
    fn pass_rests_twice_as_long_when_commits_that_meet_it_are_slower() {
        let pace = Pace::new(1 << 20, 100 * MS);
        for expected in [32, 64, 100, 100] {
            commits(&pace, COMMITS_MIN, MS, false);
            commits(&pace, COMMITS_MIN, 2 * MS, true);
            assert_eq!(pace.rest.get(), expected * MS);
        }
        assert!(!pace.is_relaxed());
    }

    #[test]
    fn pass_rests_less_and_less_while_nobody_minds() {
        let pace = Pace::new(1 << 20, 100 * MS);
        for _ in 0..20 {
            commits(&pace, COMMITS_MIN, MS, false);
            commits(&pace, COMMITS_MIN, 11 * MS / 10, true);
        }
        assert_eq!(pace.rest.get(), REST_MIN);
        assert!(pace.is_relaxed());
    }

    #[test]
    fn few_commits_prove_nothing() {
        let pace = Pace::new(1 << 20, 100 * MS);
        commits(&pace, COMMITS_MIN - 1, MS, false);
        commits(&pace, COMMITS_MIN, 9 * MS, true);
        assert_eq!(pace.rest.get(), REST_FIRST);
        // Unless none misses it.
        commits(&pace, COMMITS_MET_MAX, 9 * MS, true);
        assert!(pace.rest.get() > REST_FIRST);
    }

    #[test]
    fn what_it_learnt_gets_old() {
        let pace = Pace::new(1 << 20, 100 * MS);
        pace.rest.set(100 * MS);
        for _ in 0..20 {
            pace.end();
        }
        assert!(pace.is_relaxed());
    }
}
