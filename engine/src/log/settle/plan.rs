//! Owns what a pass moves: the live spans of its sources, in the order in which they are written.

use super::choice::{self, Reason};
use crate::ids::{CommitSequence, Offset, PartitionKey, SegmentSequence};
use crate::log::core::Core;
use crate::log::error::ReadError;
use crate::log::footer::Coverage;
use crate::log::index::{ExtentStore, FooterPlace, PartitionIndex, Span};
use crate::log::inventory::read_footer;
use crate::log::segment_file::{ReadGuard, SegmentFile};
use corelog_rt::time;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

/// What dies within this time is not worth moving, however young its segment is: in ms.
const DYING_MS_MIN: i64 = 5 * 60 * 1000;
/// How long a segment is left alone after what was about to die in it should be dead, in ms.
const DYING_PAUSE_MS: i64 = 1000;
/// A segment is put off if more than one in so many of its live bytes is about to die.
const DYING_DIVISOR: u64 = 10;
/// What is sorted should live so many times as long as it waits to be sorted.
const LIFETIMES_PER_WAIT: i64 = 32;

/// What a pass moves.
pub(super) struct Plan {
    /// By class of lifetime, then by partition and offset; for room by source, then by partition and offset.
    pub spans: Vec<PlannedSpan>,
    /// The youngest source.
    pub age: SegmentSequence,
    /// Wall clock of the sources' last commit, in ms since 1970.
    pub wall_ms: i64,
    /// What must be durable before the sources are replaced: all that the plan was made by.
    pub after: CommitSequence,
    /// Keep the sources' files as they are.
    pub guards: Vec<ReadGuard>,
}

/// Batches of a partition that follow each other, in one source or in several.
pub(super) struct PlannedSpan {
    /// The partition.
    pub key: PartitionKey,
    /// Batches wholly below it are dead.
    pub log_start: Offset,
    /// Bytes of its batches, dead ones included.
    pub bytes: u64,
    /// Class of its lifetime: those of one class die at about the same time.
    pub class: u32,
    /// Where they are, by ascending offset.
    pub parts: Vec<SpanPart>,
}

/// A part of a span, in one segment.
pub(super) struct SpanPart {
    /// The segment.
    pub segment: Rc<SegmentFile>,
    /// The first offset that it stands for.
    pub base_offset: Offset,
    /// Its extents.
    pub place: FooterPlace,
    /// The last offset that counts.
    pub last_offset: Offset,
    /// Below it no key occurs twice; 0 where compaction was not.
    pub clean_end: Offset,
    /// Bytes of its batches.
    pub bytes: u64,
    /// When retention takes it, in ms since 1970; none for never.
    pub dies_ms: Option<i64>,
    /// When it should be gone if the partition goes on losing its oldest records at the age at which it lost them so far.
    pub expected_end_ms: i64,
}

/// What is live in `sources`.
///
/// # Errors
/// A source's footer cannot be read.
pub(super) async fn make_plan(core: &Core, sources: &[Rc<SegmentFile>], reason: Reason) -> Result<Plan, ReadError> {
    let guards = sources.iter().map(SegmentFile::read_guard).collect();
    let mut keys: BTreeSet<PartitionKey> = BTreeSet::new();
    for source in sources {
        let footer = read_footer(&source.file, &source.header).await;
        let (_, summaries) = footer.map_err(|error| source.unreadable(&error))?;
        keys.extend(summaries.unwrap_or_default().iter().map(|summary| summary.key));
    }
    let sequences = sources.iter().map(|source| source.header.sequence);
    // For room the first source must be empty as soon as possible: spans end where it ends.
    let together: Vec<BTreeSet<SegmentSequence>> = match reason {
        Reason::DiskFull => sequences.map(|sequence| BTreeSet::from([sequence])).collect(),
        Reason::Waste | Reason::Fragments => vec![sequences.collect()],
    };
    let mut retentions: Vec<(PartitionKey, Option<i64>)> = keys.into_iter().map(|key| (key, None)).collect();
    core.observe(|observer| {
        for (key, retention) in &mut retentions {
            *retention = observer.retention_ms(*key);
        }
    });
    let bytes_max = choice::room_bytes(core.options.segment_bytes);
    let index = core.index.borrow();
    let mut spans = Vec::new();
    for sequences in &together {
        for (key, retention_ms) in &retentions {
            if let Some(partition) = index.partition(*key) {
                add_runs(*key, partition, sequences, *retention_ms, bytes_max, &mut spans);
            }
        }
    }
    let now_ms = time::unix_ms();
    for span in &mut spans {
        span.class = lifetime_class(span, now_ms);
    }
    if reason != Reason::DiskFull {
        spans.sort_by_key(|span| span.class);
    }
    Ok(Plan {
        spans,
        age: sources.iter().map(|source| source.header.age).max().unwrap_or_default(),
        wall_ms: sources.iter().map(|source| source.commits().wall_ms).max().unwrap_or(0),
        after: core.queue.borrow().sequence_appended(),
        guards,
    })
}

/// Adds a span for each run of spans that lie in sources.
fn add_runs(
    key: PartitionKey,
    partition: &PartitionIndex,
    sources: &BTreeSet<SegmentSequence>,
    retention_ms: Option<i64>,
    bytes_max: u64,
    out: &mut Vec<PlannedSpan>,
) {
    // The oldest that is left of a partition that lost something tells how long it keeps its records, whoever takes them.
    let oldest = partition.spans.front().filter(|_| partition.log_start > Offset(0));
    let kept_ms = oldest.map(|oldest| time::unix_ms().saturating_sub(newest_ms(oldest)));
    let mut spans: VecDeque<_> = partition.spans.iter().collect();
    while !spans.is_empty() {
        let mut run = PlannedSpan { key, log_start: partition.log_start, bytes: 0, class: 0, parts: Vec::new() };
        while let Some(span) = spans.pop_front_if(|span| run.takes(span, bytes_max)) {
            match &span.extents {
                ExtentStore::Footer(place) if sources.contains(&span.segment.header.sequence) => {
                    run.bytes += span.bytes;
                    let dies_ms = retention_ms.map(|retention| newest_ms(span).saturating_add(retention));
                    let purged_ms = kept_ms.map_or(i64::MAX, |kept_ms| newest_ms(span).saturating_add(kept_ms));
                    let expected_end_ms = purged_ms.min(dies_ms.unwrap_or(i64::MAX));
                    run.parts.push(SpanPart { dies_ms, expected_end_ms, ..SpanPart::of(span, *place) });
                }
                _ => break,
            }
        }
        if !run.parts.is_empty() {
            out.push(run);
        }
    }
}

/// The newest timestamp of a span's records, in ms since 1970: those without one are as old as the last commit beside them.
pub(super) fn newest_ms(span: &Span) -> i64 {
    Some(span.max_timestamp_ms).filter(|ms| *ms >= 0).unwrap_or(span.segment.commits().wall_ms)
}

impl SpanPart {
    /// A whole span whose extents are at `place`, never dying.
    pub fn of(span: &Span, place: FooterPlace) -> SpanPart {
        SpanPart {
            segment: Rc::clone(&span.segment),
            base_offset: span.base_offset,
            place,
            last_offset: span.last_offset,
            clean_end: span.clean_end,
            bytes: span.bytes,
            dies_ms: None,
            expected_end_ms: i64::MAX,
        }
    }
}

impl PlannedSpan {
    /// Whether `span` may go on behind it, in a new segment that holds `bytes_max`. What compaction left stays apart from what is new: it tells them apart by spans.
    fn takes(&self, span: &Span, bytes_max: u64) -> bool {
        let Some(last) = self.parts.last().filter(|_| self.bytes + span.bytes <= bytes_max) else {
            return self.parts.is_empty();
        };
        let was_clean = last.clean_end > last.last_offset;
        was_clean == span.is_clean()
    }

    /// What its copy stands for; none if that is what its batches hold.
    pub fn coverage(&self) -> Option<Coverage> {
        let (first, last) = (self.parts.first()?, self.parts.last()?);
        if self.parts.iter().all(|part| part.clean_end == Offset(0)) {
            return None;
        }
        let clean = self.parts.iter().take_while(|part| part.clean_end > part.last_offset).count();
        // What is clean reaches from the partition's start to somewhere in the first part that is not wholly so.
        let partly = self.parts.get(clean).map(|part| part.clean_end);
        let wholly = self.parts.get(..clean).and_then(<[SpanPart]>::last).map(|part| part.last_offset.plus(1));
        let clean_end = partly.max(wholly).unwrap_or(Offset(0));
        Some(Coverage { base_offset: first.base_offset, last_offset: last.last_offset, clean_end })
    }
}

/// Lifetimes within a factor of four are of one class; the longest come first.
fn lifetime_class(span: &PlannedSpan, now_ms: i64) -> u32 {
    let dies_ms = span.parts.iter().map(|part| part.dies_ms.unwrap_or(i64::MAX)).max().unwrap_or(i64::MAX);
    (i64::BITS - dies_ms.saturating_sub(now_ms).max(1).ilog2()) / 2
}

impl Plan {
    /// Puts off those of `sources` of which much dies by itself in less time than they are old: moving that would be for nothing. Gives back
    /// whether there are any.
    pub fn put_off(&self, sources: &[Rc<SegmentFile>]) -> bool {
        let now_ms = time::unix_ms();
        let mut is_any = false;
        for source in sources {
            let soon_ms = now_ms + (now_ms - source.commits().wall_ms).max(DYING_MS_MIN);
            let parts = self.spans.iter().flat_map(|span| &span.parts);
            let own = parts.filter(|part| part.segment.header.sequence == source.header.sequence);
            let dying = own.filter_map(|part| Some((part.dies_ms.filter(|ms| *ms < soon_ms)?, part.bytes)));
            let (last_ms, bytes) = dying.fold((0, 0), |(last, bytes), (ms, more)| (ms.max(last), bytes + more));
            if bytes * DYING_DIVISOR > source.live_bytes() {
                source.set_settle_after_ms(last_ms.max(now_ms) + DYING_PAUSE_MS);
                is_any = true;
            }
        }
        is_any
    }

    /// Marks those of `sources` of which much dies before long: to sort that would be for nothing. It should live many times `after`, and most of its life
    /// should be to come. Gives back whether there are any.
    pub fn leave_short_lived(&self, sources: &[Rc<SegmentFile>], after: Duration) -> bool {
        let now_ms = time::unix_ms();
        let wait_ms = i64::try_from(after.as_millis()).unwrap_or(i64::MAX).saturating_mul(LIFETIMES_PER_WAIT);
        let mut is_any = false;
        for source in sources {
            let needed_ms = now_ms.saturating_add(wait_ms.max(now_ms - source.commits().wall_ms));
            let parts = self.spans.iter().flat_map(|span| &span.parts);
            let own = parts.filter(|part| part.segment.header.sequence == source.header.sequence);
            let dying: u64 = own.filter(|part| part.expected_end_ms < needed_ms).map(|part| part.bytes).sum();
            if dying * DYING_DIVISOR > source.live_bytes() {
                source.set_short_lived();
                is_any = true;
            }
        }
        is_any
    }
}
