//! Owns reading ahead: what a reader in order asks for next is on its way when it asks.
//!
//! Readers tell where they went on from. A task per partition, for as long as its reader moves, starts the next reads when the last ones are done, not when the
//! reader asks: virtual disks tell of nothing that is done before their queue is empty, so what joins a queue holds up all that is in it. Whoever meets an error
//! here leaves it to the reader, who meets it again.

use super::core::Core;
use super::error::ReadError;
use super::footer::Extent;
use super::index::ExtentStore;
use super::reader::{EXTENTS_AT_ONCE, Located};
use crate::ids::{Offset, PartitionKey, SegmentSequence};
use corelog_rt::task;
use std::ops::Range;
use std::rc::Rc;

/// How many reads like the last one a reader in order has ahead of it: some are there while others are on their way.
pub(super) const READS_AHEAD: usize = 4;
/// The same for who was not seen to read on yet.
pub(super) const READS_AHEAD_AT_FIRST: usize = 2;

/// Later segments whose footers are read before the data in them is wanted: behind a lot of data they would come late.
const FOOTERS_AHEAD: usize = 4;

/// What a reader will want next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal {
    /// It goes on here.
    pub from: Offset,
    /// Batches at or beyond it are not wanted.
    pub until: Offset,
    /// So many bytes.
    pub bytes: usize,
    /// What lies before this position in a segment is there or on its way.
    pub reached: Option<(SegmentSequence, u64)>,
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
    pub(super) fn read_ahead(self: &Rc<Self>, key: PartitionKey, goal: Goal) {
        if self.options.read_ahead_blocks == 0 || goal.from >= goal.until {
            return;
        }
        if self.goals.borrow_mut().insert(key, goal).is_none() {
            let core = Rc::clone(self);
            task::spawn(async move { core.follow(key).await });
        }
    }

    /// Goes after a partition's goal until that stands still.
    async fn follow(self: &Rc<Self>, key: PartitionKey) {
        let mut reached = None;
        loop {
            let goal = self.goals.borrow().get(&key).copied().filter(|goal| reached != Some(goal.from));
            let Some(goal) = goal else { break };
            self.arrived(goal.reached).await;
            match self.load_goal(key, goal).await {
                Ok(loaded) => self.arrived(loaded).await,
                Err(_) => break,
            }
            reached = Some(goal.from);
        }
        self.goals.borrow_mut().remove(&key);
    }

    /// Waits until what lies before a position in a segment is there, if it is on its way.
    async fn arrived(&self, reached: Option<(SegmentSequence, u64)>) {
        if let Some((segment, end)) = reached {
            self.blocks.arrived(segment, end.saturating_sub(1)).await;
        }
    }

    /// Starts to read what is wanted, in as many segments as it lies in. Returns where the last of it ends.
    async fn load_goal(
        self: &Rc<Self>,
        key: PartitionKey,
        goal: Goal,
    ) -> Result<Option<(SegmentSequence, u64)>, ReadError> {
        let mut from = goal.from;
        let mut left_bytes = goal.bytes.max(self.options.read_ahead_blocks * self.options.read_block_bytes) as u64;
        let mut last = None;
        while left_bytes > 0 && from < goal.until {
            let Some(located) = self.locate(key, from).await? else { break };
            let sequence = located.segment.header.sequence;
            let position = goal.reached.filter(|(segment, _)| *segment == sequence).map_or(0, |(_, end)| end);
            self.load_footers(key, located.last_offset);
            let end;
            (left_bytes, end) = self.load_ahead(&located, 0, position, left_bytes);
            last = end.map(|end| (sequence, end)).or(last);
            let last_offset = located.extents.last().map_or(located.last_offset, |extent| extent.last_offset);
            from = last_offset.plus(1).max(from.plus(1));
        }
        Ok(last)
    }

    /// Starts to read the first `bytes` of extents, from the position `from` on. Returns how many of them are to be read elsewhere, none where enough is on
    /// its way, and the position where what is on its way ends.
    pub(super) fn load_ahead(&self, located: &Located, first: usize, from: u64, bytes: u64) -> (u64, Option<u64>) {
        let mut left_bytes = bytes;
        let mut reached = None;
        let mut run = 0..0;
        for (at, extent) in located.extents.iter().enumerate().skip(first) {
            if extent.end() > run.end {
                run = located.run(at, self.options.read_block_bytes as u64);
            }
            let start = u64::from(extent.position).max(from).min(extent.end());
            let end = extent.end().min(start + left_bytes);
            let known_bytes = self.blocks.load_ahead(&located.segment, start..end, run.clone());
            reached = Some(start + known_bytes).filter(|_| known_bytes > 0).or(reached);
            if known_bytes < end - start {
                return (0, reached);
            }
            left_bytes -= end - start;
            if left_bytes == 0 {
                break;
            }
        }
        (left_bytes, reached)
    }

    /// Starts to read where the partition's batches behind `offset` lie in the next segments that have any.
    pub(super) fn load_footers(self: &Rc<Self>, key: PartitionKey, offset: Offset) {
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
