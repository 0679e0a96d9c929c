//! Owns questions about a partition other than reading: by time, by size, what retention may drop.
//!
//! Partitions and the retention ticker ask. Answers about sealed segments are as fine as their footers' summaries where that suffices.

use super::core::Core;
use super::error::ReadError;
use super::footer::Extent;
use super::index::{ExtentStore, PartitionIndex};
use super::interface::{BatchRef, Retention};
use super::reader::{ExtentWalk, Located};
use super::segment_file::SegmentState;
use crate::batch::BatchHeader;
use crate::cache::recent::Block;
use crate::ids::{Offset, PartitionKey};
use std::ops::ControlFlow;

impl Core {
    /// The first batch below `until` whose largest timestamp is at least `timestamp_ms`.
    pub(super) async fn first_batch_at_or_after(
        &self,
        key: PartitionKey,
        timestamp_ms: i64,
        until: Offset,
    ) -> Result<Option<BatchRef>, ReadError> {
        let mut found = None;
        self.walk_batches(key, until, timestamp_ms, |batch| {
            found = Some(batch);
            ControlFlow::Break(())
        })
        .await?;
        Ok(found)
    }

    /// The first of the batches below `until` that have the largest timestamp.
    pub(super) async fn batch_with_max_timestamp(
        &self,
        key: PartitionKey,
        until: Offset,
    ) -> Result<Option<BatchRef>, ReadError> {
        let largest = {
            let index = self.index.borrow();
            let partition = index.partition(key).ok_or(ReadError::UnknownPartition)?;
            partition.spans.iter().map(|span| span.max_timestamp_ms).max()
        };
        let Some(largest) = largest else { return Ok(None) };
        let first = self.first_batch_at_or_after(key, largest, until).await?;
        if first.is_some() {
            return Ok(first);
        }
        // The one with the largest timestamp is beyond `until` or truncated away: look at all that is left.
        let mut best: Option<BatchRef> = None;
        self.walk_batches(key, until, i64::MIN, |batch| {
            if best.is_none_or(|best| batch.max_timestamp_ms > best.max_timestamp_ms) {
                best = Some(batch);
            }
            ControlFlow::Continue(())
        })
        .await?;
        Ok(best)
    }

    /// Visits the batches below `until` whose largest timestamp is at least `timestamp_ms`, in order of their offsets.
    async fn walk_batches(
        &self,
        key: PartitionKey,
        until: Offset,
        timestamp_ms: i64,
        mut visit: impl FnMut(BatchRef) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let mut from = {
            let index = self.index.borrow();
            index.partition(key).ok_or(ReadError::UnknownPartition)?.log_start
        };
        while let Some(start) = self.next_span(key, from, timestamp_ms).filter(|start| *start < until) {
            from = start;
            let Some(located) = self.locate(key, from).await? else { return Ok(()) };
            let mut reached = from;
            for extent in &located.extents {
                if extent.base_offset >= until || extent.end() > located.segment.written_end() {
                    return Ok(());
                }
                if extent.max_timestamp_ms >= timestamp_ms
                    && self.walk_extent(&located, extent, (from, until), timestamp_ms, &mut visit).await?.is_break()
                {
                    return Ok(());
                }
                reached = extent.last_offset.plus(1);
            }
            from = reached.max(from.plus(1));
        }
        Ok(())
    }

    /// Where to go on from `from`: there, or at the start of the first segment after it that has the timestamp.
    fn next_span(&self, key: PartitionKey, from: Offset, timestamp_ms: i64) -> Option<Offset> {
        let index = self.index.borrow();
        let partition = index.partition(key)?;
        let first = partition.spans.partition_point(|span| span.last_offset < from);
        let span = partition.spans.iter().skip(first).find(|span| span.max_timestamp_ms >= timestamp_ms)?;
        Some(span.base_offset.max(from))
    }

    async fn walk_extent(
        &self,
        located: &Located,
        extent: &Extent,
        (from, until): (Offset, Offset),
        timestamp_ms: i64,
        visit: &mut impl FnMut(BatchRef) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, ReadError> {
        let last = extent.last_offset.min(located.last_offset);
        let source = self.source(&located.segment, extent);
        let mut walk = ExtentWalk::new(self, &located.segment, extent, source, Block::default());
        while let Some((header, position)) = walk.next().await? {
            if header.last_offset() < from {
                continue;
            }
            if header.last_offset() > last || header.last_offset() >= until {
                return Ok(ControlFlow::Continue(()));
            }
            // Compaction leaves batches without records, which only keep their offsets.
            if header.max_timestamp_ms >= timestamp_ms && header.record_count > 0 {
                walk.check(&header, position).await?;
                if visit(batch_ref(&header)).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Where retention would move the log start: whole segments, extents of the current one. None if nothing may go.
    pub(super) fn expire(&self, key: PartitionKey, retention: &Retention) -> Option<Offset> {
        let index = self.index.borrow();
        let partition = index.partition(key)?;
        let by_time = retention.before_timestamp_ms.map(|before| expired_by_time(partition, before));
        let by_size = retention.bytes_max.map(|bytes_max| expired_by_size(partition, bytes_max));
        by_time.into_iter().chain(by_size).max().filter(|start| *start > partition.log_start)
    }
}

/// The offset after the oldest run of pieces for which `goes` holds.
fn after_oldest(partition: &PartitionIndex, mut goes: impl FnMut(u64, i64) -> bool) -> Offset {
    let mut start = partition.log_start;
    for span in &partition.spans {
        let resident = match &span.extents {
            ExtentStore::Resident(extents) if span.segment.state() == SegmentState::Current => Some(extents),
            _ => None,
        };
        if let Some(extents) = resident {
            for extent in extents {
                if !goes(u64::from(extent.bytes), extent.max_timestamp_ms) {
                    return start;
                }
                start = extent.last_offset.plus(1);
            }
            continue;
        }
        // Records without a timestamp are as old as the last commit beside them.
        let commits_ms = span.segment.commits().wall_ms;
        let timestamp = if span.max_timestamp_ms < 0 { commits_ms } else { span.max_timestamp_ms };
        if !goes(span.bytes, timestamp) {
            return start;
        }
        start = span.last_offset.plus(1);
    }
    start
}

fn expired_by_time(partition: &PartitionIndex, before_ms: i64) -> Offset {
    after_oldest(partition, |_, timestamp_ms| timestamp_ms >= 0 && timestamp_ms < before_ms)
}

fn expired_by_size(partition: &PartitionIndex, bytes_max: u64) -> Offset {
    let mut left = partition.bytes;
    after_oldest(partition, |bytes, _| {
        let goes = left.saturating_sub(bytes) >= bytes_max && left > bytes_max;
        left = left.saturating_sub(bytes);
        goes
    })
}

fn batch_ref(header: &BatchHeader) -> BatchRef {
    BatchRef {
        base_offset: header.base_offset,
        last_offset: header.last_offset(),
        max_timestamp_ms: header.max_timestamp_ms,
        leader_epoch: header.leader_epoch,
    }
}
