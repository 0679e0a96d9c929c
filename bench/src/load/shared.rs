//! What the threads of a run share: its times, and the counters by which consumers know that nothing more is to come.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::watch::Times;
use crate::clock::Clock;

/// One run.
pub struct Shared {
    /// The clock of all threads.
    pub clock: Clock,
    /// When the load begins, in ns since 1970.
    pub start_ns: u64,
    /// When producers stop, in ns since 1970.
    pub stop_ns: u64,
    /// Length of an interval in ns.
    pub interval_ns: u64,
    /// How many acknowledged records are enough.
    records_max: u64,
    producers: usize,
    /// How often every acknowledged record must arrive.
    groups: u64,
    /// Connections that still produce.
    producing: AtomicU64,
    /// Records that were acknowledged, and so must arrive.
    acknowledged: AtomicU64,
    /// Different records that arrived.
    arrived: AtomicU64,
    /// When the last producer was done, in ns since 1970; 0 before.
    produced_ns: AtomicU64,
    /// Set to end the run before its time.
    aborted: AtomicBool,
}

impl Shared {
    /// A run with so many producers and groups of consumers, which `records_max` acknowledged records end too.
    pub fn new(clock: Clock, times: Times, records_max: Option<u64>, producers: usize, groups: usize) -> Shared {
        Shared {
            clock,
            start_ns: times.start_ns,
            stop_ns: times.stop_ns,
            interval_ns: times.interval_ns,
            records_max: records_max.unwrap_or(u64::MAX),
            producers,
            groups: groups as u64,
            producing: AtomicU64::new(producers as u64),
            acknowledged: AtomicU64::new(0),
            arrived: AtomicU64::new(0),
            produced_ns: AtomicU64::new(0),
            aborted: AtomicBool::new(false),
        }
    }

    /// Counts acknowledged records.
    pub fn acknowledge(&self, records: u64) {
        self.acknowledged.fetch_add(records, Ordering::Relaxed);
    }

    /// Counts records that arrived for the first time.
    pub fn arrive(&self, records: u64) {
        self.arrived.fetch_add(records, Ordering::Relaxed);
    }

    /// One producer is done: nothing of it is unanswered.
    pub fn finish_producer(&self) {
        if self.producing.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.produced_ns.store(self.clock.now_ns(), Ordering::SeqCst);
        }
    }

    /// When the last producer was done, if it is.
    pub fn produced_ns(&self) -> Option<u64> {
        match self.produced_ns.load(Ordering::SeqCst) {
            0 => None,
            time_ns => Some(time_ns),
        }
    }

    /// Whether nothing is produced in this run.
    pub fn has_no_producers(&self) -> bool {
        self.producers == 0
    }

    /// Whether as many records arrived in each group as were acknowledged, if one group is like the others.
    pub fn all_arrived(&self) -> bool {
        self.arrived.load(Ordering::Relaxed) >= self.acknowledged.load(Ordering::SeqCst).saturating_mul(self.groups)
    }

    /// Ends the run now.
    pub fn abort(&self) {
        self.aborted.store(true, Ordering::Relaxed);
    }

    /// Whether producers send nothing more.
    pub fn is_over(&self, now_ns: u64) -> bool {
        now_ns >= self.stop_ns || self.acknowledged.load(Ordering::Relaxed) >= self.records_max || self.is_aborted()
    }

    /// Whether it is to end now.
    pub fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Relaxed)
    }
}
