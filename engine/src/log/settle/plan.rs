//! Owns what a pass moves: the live spans of its sources, in the order in which they are written.

use crate::ids::{CommitSequence, Offset, PartitionKey, SegmentSequence};
use crate::log::core::Core;
use crate::log::error::ReadError;
use crate::log::index::{ExtentStore, FooterPlace, PartitionIndex};
use crate::log::inventory::read_footer;
use crate::log::segment_file::{ReadGuard, SegmentFile};
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

/// What a pass moves.
pub(super) struct Plan {
    /// Sorted by partition and offset.
    pub spans: Vec<PlannedSpan>,
    /// The youngest source.
    pub age: SegmentSequence,
    /// Wall clock of the sources' last commit, in ms since 1970.
    pub wall_ms: i64,
    /// What must be durable before the sources are replaced: all that the plan was made by.
    pub after: CommitSequence,
    /// Keep the sources' files as they are.
    _guards: Vec<ReadGuard>,
}

/// Batches of a partition that follow each other, in one source or in several.
pub(super) struct PlannedSpan {
    /// The partition.
    pub key: PartitionKey,
    /// Batches wholly below it are dead.
    pub log_start: Offset,
    /// Bytes of its batches, dead ones included.
    pub bytes: u64,
    /// Where they are, by ascending offset.
    pub parts: Vec<SpanPart>,
}

/// A part of a span, in one segment.
pub(super) struct SpanPart {
    /// The segment.
    pub segment: Rc<SegmentFile>,
    /// Its extents.
    pub place: FooterPlace,
    /// The last offset that counts.
    pub last_offset: Offset,
}

/// What is live in `sources`.
///
/// # Errors
/// A source's footer cannot be read.
pub(super) async fn make_plan(core: &Core, sources: &[Rc<SegmentFile>]) -> Result<Plan, ReadError> {
    let guards = sources.iter().map(SegmentFile::read_guard).collect();
    let mut keys: BTreeSet<PartitionKey> = BTreeSet::new();
    for source in sources {
        let footer = read_footer(&source.file, &source.header).await;
        let (_, summaries) =
            footer.map_err(|error| ReadError::Io { segment: source.header.sequence, kind: error.kind() })?;
        keys.extend(summaries.unwrap_or_default().iter().map(|summary| summary.key));
    }
    let sequences: BTreeSet<SegmentSequence> = sources.iter().map(|source| source.header.sequence).collect();
    let index = core.index.borrow();
    let mut spans = Vec::new();
    for key in keys {
        if let Some(partition) = index.partition(key) {
            add_runs(key, partition, &sequences, &mut spans);
        }
    }
    Ok(Plan {
        spans,
        age: sources.iter().map(|source| source.header.age).max().unwrap_or_default(),
        wall_ms: sources.iter().map(|source| source.commits().wall_ms).max().unwrap_or(0),
        after: core.queue.borrow().sequence_appended(),
        _guards: guards,
    })
}

/// Adds a span for each run of spans that lie in sources.
fn add_runs(
    key: PartitionKey,
    partition: &PartitionIndex,
    sources: &BTreeSet<SegmentSequence>,
    out: &mut Vec<PlannedSpan>,
) {
    let mut spans: VecDeque<_> = partition.spans.iter().collect();
    while !spans.is_empty() {
        let mut run = PlannedSpan { key, log_start: partition.log_start, bytes: 0, parts: Vec::new() };
        while let Some(span) = spans.pop_front() {
            match &span.extents {
                ExtentStore::Footer(place) if sources.contains(&span.segment.header.sequence) => {
                    run.bytes += span.bytes;
                    let segment = Rc::clone(&span.segment);
                    run.parts.push(SpanPart { segment, place: *place, last_offset: span.last_offset });
                }
                _ => break,
            }
        }
        if !run.parts.is_empty() {
            out.push(run);
        }
    }
}
