//! Owns the way over the batches of a span: reads its extents, verifies each batch, hands what is live on.

use super::output::Output;
use super::pass::SettleError;
use super::plan::{Plan, PlannedSpan, SpanPart};
use crate::batch::{BatchHeader, Batches};
use crate::ids::Offset;
use crate::log::commit::batch_checksum;
use crate::log::core::Core;
use crate::log::entry::BATCH_UNCHECKED_BYTES;
use crate::log::error::{Flaw, ReadError};
use crate::log::footer::Extent;
use crate::log::segment_file::SegmentFile;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use std::ops::ControlFlow;
use std::pin::pin;

/// Extents closer than this are read in one piece, in bytes.
const GAP_BYTES_MAX: u64 = 16 << 10;
/// What is read in one piece at most, unless one extent is larger, in bytes.
const READ_BYTES_MAX: u64 = 512 << 10;

/// Copies a span.
pub(super) async fn copy_span(
    core: &Core,
    output: &mut Output,
    plan: &Plan,
    span: &PlannedSpan,
) -> Result<(), SettleError> {
    for part in &span.parts {
        let copy = async |header: &BatchHeader, batch: &[u8]| {
            output.append(plan, span.key, header, batch).await?;
            Ok(ControlFlow::Continue(()))
        };
        walk_part(core, part, span.log_start, copy).await?;
    }
    let sources = span.parts.iter().map(|part| part.segment.header.sequence).collect();
    output.end_span(plan, span.key, sources, span.coverage()).await
}

/// Visits the batches of a part that reach `from` or beyond, each verified, until `visit` breaks.
pub(super) async fn walk_part(
    core: &Core,
    part: &SpanPart,
    from: Offset,
    mut visit: impl AsyncFnMut(&BatchHeader, &[u8]) -> Result<ControlFlow<()>, SettleError>,
) -> Result<(), SettleError> {
    let extents = core.footers.extents(&part.segment, part.place).await?;
    let passed = extents.partition_point(|extent| extent.last_offset < from);
    let (_, mut rest) = extents.split_at(passed);
    let groups = std::iter::from_fn(|| {
        let (group, later) = rest.split_at(close_together(rest));
        rest = later;
        (!group.is_empty()).then_some(group)
    });
    let reads = groups.map(|group| async move { (group, read_group(&part.segment, group).await) });
    let mut reads = pin!(stream::iter(reads).buffered(core.pace.reads_at_once(core)));
    while let Some((group, read)) = reads.next().await {
        let (position, bytes) = read?;
        core.pace.spent(core, bytes.len(), 1).await?;
        for extent in group {
            let start = (u64::from(extent.position) - position) as usize;
            let content = bytes.get(start..start + extent.bytes as usize);
            let content =
                content.ok_or_else(|| ReadError::from(part.segment.damage(extent.position.into(), Flaw::Truncated)))?;
            if walk_extent(part, extent, content, from, &mut visit).await?.is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// How many extents from the front are read in one piece.
fn close_together(extents: &[Extent]) -> usize {
    let Some(first) = extents.first() else { return 0 };
    let fits = |pair: &&[Extent]| match pair {
        [one, next] => {
            let start = u64::from(next.position);
            start >= one.end()
                && start - one.end() <= GAP_BYTES_MAX
                && next.end() - u64::from(first.position) <= READ_BYTES_MAX
        }
        _ => false,
    };
    1 + extents.windows(2).take_while(fits).count()
}

async fn read_group(segment: &SegmentFile, group: &[Extent]) -> Result<(u64, Bytes), ReadError> {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return Ok((0, Bytes::new())) };
    let start = u64::from(first.position) / 4096 * 4096;
    let until = last.end().next_multiple_of(4096);
    let read = segment.file.read_at(start, (until - start) as usize).await;
    let bytes = read.map_err(|error| segment.unreadable(&error))?;
    Ok((start, bytes))
}

async fn walk_extent(
    part: &SpanPart,
    extent: &Extent,
    content: &[u8],
    from: Offset,
    visit: &mut impl AsyncFnMut(&BatchHeader, &[u8]) -> Result<ControlFlow<()>, SettleError>,
) -> Result<ControlFlow<()>, SettleError> {
    let last = part.last_offset.min(extent.last_offset);
    // What was settled may lack offsets: compaction took them.
    let has_gaps = part.segment.header.sequence.is_settled();
    let mut position = u64::from(extent.position);
    let mut expected = extent.base_offset;
    for step in Batches::new(content) {
        let damage = |flaw| SettleError::Read(part.segment.damage(position, flaw).into());
        let (header, batch) = step.map_err(|error| damage(Flaw::Batch { position: 0, error }))?;
        let (_, body) = batch.split_at(BATCH_UNCHECKED_BYTES);
        let computed = batch_checksum(body);
        if computed != header.crc {
            return Err(damage(Flaw::BatchChecksum { position: 0, stored: header.crc, computed }));
        }
        // What the batch's own checksum does not cover gets a new one in a moment.
        let may_skip = has_gaps && position > u64::from(extent.position) && header.base_offset > expected;
        let is_next = header.base_offset == expected || may_skip;
        if !is_next || header.last_offset_delta < 0 || header.leader_epoch != extent.leader_epoch {
            return Err(damage(Flaw::IndexAgainstBatch));
        }
        expected = header.next_offset();
        position += header.bytes as u64;
        if header.last_offset() < from {
            continue;
        }
        if header.last_offset() > last {
            break;
        }
        if visit(&header, batch).await?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}
