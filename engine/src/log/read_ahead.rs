//! Owns reading ahead: what a reader in order asks for next is on its way when it asks.
//!
//! Readers tell where they went on from. A task per partition, for as long as its reader moves, starts the next reads when the last ones are done, not when the
//! reader asks: virtual disks tell of nothing that is done before their queue is empty, so what joins a queue holds up all that is in it. Whoever meets an error
//! here leaves it to the reader, who meets it again.

use super::core::Core;
use super::error::ReadError;
use super::footer::Extent;
use super::index::ExtentStore;
use super::interface::ReadRecords;
use super::reader::{EXTENTS_AT_ONCE, Located, ReadLimits};
use crate::ids::{Offset, PartitionKey, SegmentSequence};
use corelog_rt::map::HashMap;
use corelog_rt::task;
use std::ops::Range;
use std::rc::Rc;

/// How many reads like the last one a reader in order has ahead of it: some are there while others are on their way.
const READS_AHEAD: usize = 4;
/// The same for who was not seen to read on yet.
const READS_AHEAD_AT_FIRST: usize = 2;

/// Later segments whose footers are read before the data in them is wanted: behind a lot of data they would come late.
const FOOTERS_AHEAD: usize = 4;

/// What a reader will want next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal {
    /// It goes on here.
    from: Offset,
    /// Batches at or beyond it are not wanted.
    until: Offset,
    /// So many bytes.
    bytes: usize,
    /// What lies before this position in a segment is there or on its way.
    reached: Option<Place>,
}

/// A position in a segment.
type Place = (SegmentSequence, u64);

/// What the readers of a log want next.
#[derive(Debug, Default)]
pub(super) struct Goals {
    of_partitions: HashMap<PartitionKey, Goal>,
    /// Of all of them together.
    bytes: usize,
}

impl Goals {
    /// True if the partition had none.
    fn set(&mut self, key: PartitionKey, goal: Goal) -> bool {
        let old = self.of_partitions.insert(key, goal);
        self.bytes = self.bytes + goal.bytes - old.map_or(0, |old| old.bytes);
        old.is_none()
    }

    fn remove(&mut self, key: PartitionKey) {
        self.bytes -= self.of_partitions.remove(&key).map_or(0, |goal| goal.bytes);
    }
}

/// How far a start of reads came.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// What is to be read elsewhere, in bytes.
    left_bytes: u64,
    /// Where what is on its way ends.
    reached: Option<Place>,
    /// Enough is on its way already.
    is_full: bool,
}

/// Looks ahead of one read.
pub(super) struct LookAhead {
    key: PartitionKey,
    limits: ReadLimits,
    /// Some once the device was asked: so many reads are to be ahead of the reader.
    reads: Option<usize>,
}

impl LookAhead {
    pub fn new(key: PartitionKey, limits: ReadLimits) -> LookAhead {
        LookAhead { key, limits, reads: None }
    }

    /// The read comes to the first extent of a segment that must be read from the device: what else it wants there is on its way too then.
    pub fn asks(&mut self, core: &Rc<Core>, located: &Located, at: usize, records: &ReadRecords) {
        let limits = self.limits;
        let Some(extent) = located.extents.get(at) else { return };
        let is_expected = core.blocks.knows(located.segment.header.sequence, extent.position.into());
        let left_bytes = limits.bytes_max.saturating_sub(records.bytes) as u64;
        let Progress { reached, .. } = core.start_reads(located, at, 0, left_bytes);
        let is_first = self.reads.is_none();
        let reads = *self.reads.get_or_insert(if is_expected { READS_AHEAD } else { READS_AHEAD_AT_FIRST });
        if is_first && !is_expected {
            let bytes = reads * limits.bytes_max;
            core.read_ahead(self.key, Goal { from: records.next_offset, until: limits.until, bytes, reached });
        }
        core.load_footers(self.key, located.last_offset);
    }

    /// The read is done. `reached`: where what it took ends.
    pub fn finish(self, core: &Rc<Core>, records: &ReadRecords, reached: Option<Place>) {
        if let Some(reads) = self.reads {
            let bytes = reads * self.limits.bytes_max.max(records.bytes);
            core.read_ahead(self.key, Goal { from: records.next_offset, until: self.limits.until, bytes, reached });
        }
    }
}

impl Located {
    /// Where an extent and those that follow it begin and end, up to the first that lies a block or more behind the one before. Behind the last that was copied from
    /// the index there may be more.
    fn run(&self, at: usize, block_bytes: u64) -> Range<u64> {
        let extents = self.extents.get(at..).unwrap_or_default();
        let start = extents.first().map_or(0, |first| u64::from(first.position));
        let is_last =
            |pair: &[Extent]| matches!(pair, [one, next] if u64::from(next.position) >= one.end() + block_bytes);
        let end = match extents.windows(2).position(is_last) {
            Some(last) => extents.get(last).map(Extent::end),
            None => extents.last().filter(|_| self.extents.len() < EXTENTS_AT_ONCE).map(Extent::end),
        };
        start..end.unwrap_or(u64::MAX)
    }
}

impl Core {
    /// Sees to it that what a reader will want is on its way.
    fn read_ahead(self: &Rc<Self>, key: PartitionKey, goal: Goal) {
        if self.options.read_ahead_blocks == 0 || goal.from >= goal.until {
            return;
        }
        let bytes = goal.bytes.max(self.options.read_ahead_blocks * self.options.read_block_bytes);
        let is_first = self.goals.borrow_mut().set(key, Goal { bytes, ..goal });
        self.blocks.expect(self.goals.borrow().bytes);
        if is_first {
            let core = Rc::clone(self);
            task::spawn(async move { core.follow(key).await });
        }
    }

    /// Goes after a partition's goal until that stands still.
    async fn follow(self: &Rc<Self>, key: PartitionKey) {
        let mut met = None;
        // Where the last reads for it ended, if there was no room for all.
        let mut stopped = None;
        loop {
            let goal = self.goals.borrow().of_partitions.get(&key).copied().filter(|goal| met != Some(goal.from));
            let Some(mut goal) = goal else { break };
            goal.reached = stopped.take().max(goal.reached);
            self.arrived(goal.reached).await;
            let Ok(progress) = self.load_goal(key, goal).await else { break };
            if progress.is_full && self.goals.borrow().bytes <= self.blocks.room_ahead() {
                stopped = progress.reached.or(goal.reached);
                if self.blocks.load_ended().await {
                    continue;
                }
            }
            self.arrived(progress.reached).await;
            met = Some(goal.from);
        }
        self.goals.borrow_mut().remove(key);
        self.blocks.expect(self.goals.borrow().bytes);
    }

    /// Waits until what lies before a position in a segment is there, if it is on its way.
    async fn arrived(&self, reached: Option<Place>) {
        if let Some((segment, end)) = reached {
            self.blocks.arrived(segment, end.saturating_sub(1)).await;
        }
    }

    /// Starts to read what is wanted, in as many segments as it lies in.
    async fn load_goal(self: &Rc<Self>, key: PartitionKey, goal: Goal) -> Result<Progress, ReadError> {
        let mut from = goal.from;
        let mut progress = Progress { left_bytes: goal.bytes as u64, ..Progress::default() };
        while progress.left_bytes > 0 && !progress.is_full && from < goal.until {
            let Some(located) = self.locate(key, from).await? else { break };
            let sequence = located.segment.header.sequence;
            let position = goal.reached.filter(|(segment, _)| *segment == sequence).map_or(0, |(_, end)| end);
            self.load_footers(key, located.last_offset);
            let step = self.start_reads(&located, 0, position, progress.left_bytes);
            progress = Progress { reached: step.reached.or(progress.reached), ..step };
            let last_offset = located.extents.last().map_or(located.last_offset, |extent| extent.last_offset);
            from = last_offset.plus(1).max(from.plus(1));
        }
        Ok(progress)
    }

    /// Starts to read the first `bytes` of extents, from the position `from` on.
    fn start_reads(&self, located: &Located, first: usize, from: u64, bytes: u64) -> Progress {
        let sequence = located.segment.header.sequence;
        let mut progress = Progress { left_bytes: bytes, ..Progress::default() };
        let mut run = 0..0;
        for (at, extent) in located.extents.iter().enumerate().skip(first) {
            if extent.end() > run.end {
                run = located.run(at, self.options.read_block_bytes as u64);
            }
            let start = u64::from(extent.position).max(from).min(extent.end());
            let end = extent.end().min(start + progress.left_bytes);
            let known_bytes = self.blocks.load_ahead(&located.segment, start..end, run.clone());
            if known_bytes > 0 {
                progress.reached = Some((sequence, start + known_bytes));
            }
            progress.left_bytes -= known_bytes;
            progress.is_full = known_bytes < end - start;
            if progress.is_full || progress.left_bytes == 0 {
                break;
            }
        }
        progress
    }

    /// Starts to read where the partition's batches behind `offset` lie in the next segments that have any.
    fn load_footers(self: &Rc<Self>, key: PartitionKey, offset: Offset) {
        if self.options.read_ahead_blocks == 0 {
            return;
        }
        let index = self.index.borrow();
        let Some(partition) = index.partition(key) else { return };
        let first = partition.spans.partition_point(|span| span.last_offset <= offset);
        for span in partition.spans.iter().skip(first).take(FOOTERS_AHEAD) {
            let ExtentStore::Footer(place) = span.extents else { continue };
            if !self.footers.contains(&span.segment, place) {
                let (core, segment) = (Rc::clone(self), Rc::clone(&span.segment));
                task::spawn(async move { core.footers.extents(&segment, place).await.map(drop) });
            }
        }
    }
}
