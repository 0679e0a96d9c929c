//! Owns what the log holds: per partition the segments with its batches, per segment how much of it is live.
//!
//! In memory alone, on the log's shard. The appender adds, log starts, truncations and deletions take away, readers look up, recovery rebuilds it.
//! The extents of segments without a footer are here; those of sealed ones are in their footers. It never does I/O, and never
//! searches for what became dead: a segment that lost its last span is put aside at that moment.

use super::footer::{Coverage, Extent, Summary};
use super::interface::BatchMeta;
use super::segment_file::{SegmentFile, SegmentState};
use crate::ids::{LeaderEpoch, Offset, PartitionKey, SegmentSequence};
use corelog_rt::map::HashMap;
use smallvec::SmallVec;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// Where the extents of a span are.
#[derive(Debug)]
pub enum ExtentStore {
    /// Here: the segment has no footer yet.
    Resident(VecDeque<Extent>),
    /// In the segment's footer.
    Footer(FooterPlace),
}

/// A partition's extents in a footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FooterPlace {
    /// Index of the first.
    pub first: u32,
    /// Their number.
    pub count: u32,
    /// CRC-32 over them.
    pub crc: u32,
}

/// A partition's batches in one segment.
#[derive(Debug)]
pub struct Span {
    /// The segment.
    pub segment: Rc<SegmentFile>,
    /// First offset.
    pub base_offset: Offset,
    /// Last offset that counts.
    pub last_offset: Offset,
    /// Largest timestamp in ms, -1 for none.
    pub max_timestamp_ms: i64,
    /// Bytes of its batches.
    pub bytes: u64,
    /// Its extents.
    pub extents: ExtentStore,
    /// Below it no key occurs twice in the partition; 0 where compaction was not.
    pub clean_end: Offset,
}

impl Span {
    /// What a footer says, up to `last_offset`.
    fn of(segment: &Rc<SegmentFile>, summary: &Summary, last_offset: Offset) -> Span {
        Span {
            segment: Rc::clone(segment),
            base_offset: summary.base_offset,
            last_offset,
            max_timestamp_ms: summary.max_timestamp_ms,
            bytes: summary.bytes,
            extents: ExtentStore::Footer(FooterPlace::of(summary)),
            clean_end: summary.clean_end,
        }
    }

    /// What it stands for, if that is more than its extents hold.
    pub fn coverage(&self) -> Option<Coverage> {
        let (base_offset, last_offset, clean_end) = (self.base_offset, self.last_offset, self.clean_end);
        (clean_end > Offset(0)).then_some(Coverage { base_offset, last_offset, clean_end })
    }

    /// Compaction has seen all of it.
    pub fn is_clean(&self) -> bool {
        self.clean_end > self.last_offset
    }
}

/// A span of a settled segment.
#[derive(Debug)]
pub struct SettledSpan {
    /// What the footer says of it.
    pub summary: Summary,
    /// The segments whose spans it was copied from, which follow each other in the partition.
    pub sources: Vec<SegmentSequence>,
}

/// "In segments before `before`, nothing at or beyond `offset` counts": a truncation that footers do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// The segment in which the truncation was appended.
    pub before: SegmentSequence,
    /// What it truncated to.
    pub offset: Offset,
}

/// What the log knows of one partition.
#[derive(Debug)]
pub struct PartitionIndex {
    /// First offset that can be asked for.
    pub log_start: Offset,
    /// The offset after the last appended.
    pub end: Offset,
    /// Epoch of the last append or truncation.
    pub leader_epoch: LeaderEpoch,
    /// Older segments hold nothing of it but what a deleted namesake left.
    pub born: SegmentSequence,
    /// Bytes of all its batches.
    pub bytes: u64,
    /// Its segments, oldest first, without gaps in their order.
    pub spans: VecDeque<Span>,
    /// Truncations that footers do not know, oldest first.
    pub hidden: SmallVec<[Hidden; 1]>,
}

impl PartitionIndex {
    fn new(log_start: Offset, end: Offset, leader_epoch: LeaderEpoch, born: SegmentSequence) -> PartitionIndex {
        PartitionIndex { log_start, end, leader_epoch, born, bytes: 0, spans: VecDeque::new(), hidden: SmallVec::new() }
    }

    fn drop_span(&mut self, span: Option<Span>, dying: &mut Vec<Rc<SegmentFile>>) {
        let Some(span) = span else { return };
        self.bytes -= span.bytes;
        span.segment.bytes_dropped(span.bytes);
        span.segment.span_dropped();
        if span.segment.live_spans() == 0 && span.segment.state() == SegmentState::Sealed {
            dying.push(span.segment);
        }
    }

    fn insert_span(&mut self, place: usize, span: Span) {
        self.bytes += span.bytes;
        span.segment.span_added();
        span.segment.bytes_added(span.bytes);
        self.spans.insert(place, span);
    }

    fn drop_bytes(&mut self, segment: &SegmentFile, bytes: u64) {
        self.bytes -= bytes;
        segment.bytes_dropped(bytes);
    }

    /// Takes away what lies below the log start.
    fn trim_front(&mut self, dying: &mut Vec<Rc<SegmentFile>>) {
        while self.spans.front().is_some_and(|span| span.last_offset < self.log_start) {
            let span = self.spans.pop_front();
            self.drop_span(span, dying);
        }
        let log_start = self.log_start;
        let Some(span) = self.spans.front_mut() else { return };
        let ExtentStore::Resident(extents) = &mut span.extents else { return };
        let mut dropped = 0;
        while extents.front().is_some_and(|extent| extent.last_offset < log_start) {
            dropped += extents.pop_front().map_or(0, |extent| u64::from(extent.bytes));
        }
        span.bytes -= dropped;
        span.base_offset = extents.front().map_or(span.base_offset, |extent| extent.base_offset);
        let segment = Rc::clone(&span.segment);
        self.drop_bytes(&segment, dropped);
    }

    /// Takes away what lies at or beyond the end.
    fn trim_back(&mut self, dying: &mut Vec<Rc<SegmentFile>>) {
        while self.spans.back().is_some_and(|span| span.base_offset >= self.end) {
            let span = self.spans.pop_back();
            self.drop_span(span, dying);
        }
        let end = self.end;
        let Some(span) = self.spans.back_mut() else { return };
        let last = Offset(end.0 - 1);
        span.last_offset = span.last_offset.min(last);
        let ExtentStore::Resident(extents) = &mut span.extents else { return };
        let mut dropped = 0;
        while extents.back().is_some_and(|extent| extent.base_offset >= end) {
            dropped += extents.pop_back().map_or(0, |extent| u64::from(extent.bytes));
        }
        if let Some(extent) = extents.back_mut() {
            extent.cut(end);
        }
        span.bytes -= dropped;
        let segment = Rc::clone(&span.segment);
        self.drop_bytes(&segment, dropped);
    }
}

/// What the log holds.
#[derive(Debug, Default)]
pub struct Index {
    partitions: HashMap<PartitionKey, PartitionIndex>,
    segments: BTreeMap<SegmentSequence, Rc<SegmentFile>>,
    dying: Vec<Rc<SegmentFile>>,
    /// Dead segments whose files a crash would bring back, with their age.
    leaving: BTreeMap<SegmentSequence, SegmentSequence>,
}

impl Index {
    /// The partition, if the log knows it.
    pub fn partition(&self, key: PartitionKey) -> Option<&PartitionIndex> {
        self.partitions.get(&key)
    }

    /// All partitions, in an order that depends on the log's history alone.
    pub fn partitions(&self) -> impl Iterator<Item = (&PartitionKey, &PartitionIndex)> {
        self.partitions.iter()
    }

    /// Segments in use, oldest first; without the prepared one.
    pub fn segments(&self) -> impl Iterator<Item = &Rc<SegmentFile>> {
        self.segments.values()
    }

    /// Takes a segment into the index.
    pub fn add_segment(&mut self, segment: &Rc<SegmentFile>) {
        self.segments.insert(segment.header.sequence, Rc::clone(segment));
    }

    /// Adds batches that lie at `position` of `segment`. `joins`: they follow the partition's last extent without a gap.
    ///
    /// # Panics
    /// If the offsets do not continue the partition: offsets are assigned by the caller from its own end.
    pub fn append(
        &mut self,
        segment: &Rc<SegmentFile>,
        key: PartitionKey,
        meta: &BatchMeta,
        position: u32,
        bytes: u32,
        joins: bool,
    ) {
        let sequence = segment.header.sequence;
        let partition = self
            .partitions
            .entry(key)
            .or_insert_with(|| PartitionIndex::new(Offset(0), Offset(0), meta.leader_epoch, sequence));
        assert!(
            meta.base_offset >= partition.end,
            "{key}: batch at {} below the end {}",
            meta.base_offset,
            partition.end
        );
        assert!(meta.last_offset >= meta.base_offset, "{key}: a batch ends where it starts, or later");
        partition.end = meta.last_offset.plus(1);
        partition.leader_epoch = meta.leader_epoch;
        partition.bytes += u64::from(bytes);
        segment.bytes_added(u64::from(bytes));
        let extent = Extent {
            base_offset: meta.base_offset,
            last_offset: meta.last_offset,
            max_timestamp_ms: meta.max_timestamp_ms,
            position,
            bytes,
            leader_epoch: meta.leader_epoch,
            flags: 0,
        };
        if let Some(span) = partition.spans.back_mut().filter(|span| span.segment.header.sequence == sequence)
            && let ExtentStore::Resident(extents) = &mut span.extents
        {
            span.last_offset = meta.last_offset;
            span.max_timestamp_ms = span.max_timestamp_ms.max(meta.max_timestamp_ms);
            span.bytes += u64::from(bytes);
            match extents.back_mut().filter(|last| joins && last.end() == u64::from(position)) {
                Some(last) => {
                    last.last_offset = meta.last_offset;
                    last.max_timestamp_ms = last.max_timestamp_ms.max(meta.max_timestamp_ms);
                    last.bytes += bytes;
                }
                None => extents.push_back(extent),
            }
            return;
        }
        segment.span_added();
        partition.spans.push_back(Span {
            segment: Rc::clone(segment),
            base_offset: meta.base_offset,
            last_offset: meta.last_offset,
            max_timestamp_ms: meta.max_timestamp_ms,
            bytes: u64::from(bytes),
            extents: ExtentStore::Resident(VecDeque::from([extent])),
            clean_end: Offset(0),
        });
    }

    /// Moves a partition's start up, never down. `segment` is the one that the entry is appended to.
    pub fn log_start(&mut self, segment: SegmentSequence, key: PartitionKey, offset: Offset) {
        let partition =
            self.partitions.entry(key).or_insert_with(|| PartitionIndex::new(offset, offset, LeaderEpoch(0), segment));
        partition.log_start = partition.log_start.max(offset);
        partition.end = partition.end.max(offset);
        partition.trim_front(&mut self.dying);
    }

    /// Moves a partition's end down, never up, and its start with it where it must. `segment` is the one that the entry is appended to.
    pub fn truncate(&mut self, segment: SegmentSequence, key: PartitionKey, to: Offset, leader_epoch: LeaderEpoch) {
        let Some(partition) = self.partitions.get_mut(&key) else { return };
        partition.leader_epoch = leader_epoch;
        if to >= partition.end {
            return;
        }
        partition.end = to;
        partition.log_start = partition.log_start.min(to);
        partition.hidden.retain(|hidden| hidden.offset < to);
        partition.hidden.push(Hidden { before: segment, offset: to });
        partition.trim_back(&mut self.dying);
    }

    /// Forgets a partition.
    pub fn delete(&mut self, key: PartitionKey) {
        let Some(mut partition) = self.partitions.remove(&key) else { return };
        while let Some(span) = partition.spans.pop_front() {
            partition.drop_span(Some(span), &mut self.dying);
        }
    }

    /// Sealed segments that lost their last live span, each once; the index has forgotten them.
    pub fn take_dying(&mut self) -> Vec<Rc<SegmentFile>> {
        let mut dead = std::mem::take(&mut self.dying);
        dead.retain(|segment| segment.state() != SegmentState::Dead && segment.live_spans() == 0);
        dead.dedup_by_key(|segment| segment.header.sequence);
        for segment in &dead {
            segment.set_state(SegmentState::Dead);
            self.segments.remove(&segment.header.sequence);
            self.leaving.insert(segment.header.sequence, segment.header.age);
        }
        dead
    }

    /// The file of a dead segment is no segment any more, whatever comes.
    pub fn gone(&mut self, segment: SegmentSequence) {
        self.leaving.remove(&segment);
    }

    /// The partitions with resident extents in `segment`, by ascending key and offset, and what these stand for.
    pub fn resident(&self, segment: SegmentSequence) -> Vec<(PartitionKey, &VecDeque<Extent>, Option<Coverage>)> {
        let mut found: Vec<_> = self
            .partitions
            .iter()
            .flat_map(|(key, partition)| partition.spans.iter().map(move |span| (*key, span)))
            .filter(|(_, span)| span.segment.header.sequence == segment)
            .filter_map(|(key, span)| match &span.extents {
                ExtentStore::Resident(extents) => Some((key, extents, span.coverage())),
                ExtentStore::Footer(_) => None,
            })
            .collect();
        found.sort_unstable_by_key(|(key, extents, _)| (*key, extents.front().map(|first| first.base_offset)));
        found
    }

    /// The footer of `segment` is on the device: its extents live there from now on.
    pub fn sealed(&mut self, segment: &Rc<SegmentFile>, summaries: &[Summary]) {
        let sequence = segment.header.sequence;
        for summary in summaries {
            let Some(partition) = self.partitions.get_mut(&summary.key) else { continue };
            let here = |span: &&mut Span| {
                span.segment.header.sequence == sequence
                    && (summary.base_offset..=summary.last_offset).contains(&span.base_offset)
            };
            for span in partition.spans.iter_mut().rev().filter(here) {
                span.extents = ExtentStore::Footer(FooterPlace::of(summary));
            }
        }
        if segment.live_spans() == 0 {
            self.dying.push(Rc::clone(segment));
        }
    }

    /// Recovery: a partition as a checkpoint says.
    pub fn restore_partition(
        &mut self,
        key: PartitionKey,
        log_start: Offset,
        end: Offset,
        leader_epoch: LeaderEpoch,
        born: SegmentSequence,
    ) {
        self.partitions.insert(key, PartitionIndex::new(log_start, end, leader_epoch, born));
    }

    /// Recovery: a truncation that older footers do not know.
    pub fn restore_hidden(&mut self, key: PartitionKey, hidden: Hidden) {
        if let Some(partition) = self.partitions.get_mut(&key) {
            partition.hidden.push(hidden);
        }
    }

    /// Recovery: what a sealed segment's footer says. After the checkpoint's partitions come settled segments, newest first, then the others,
    /// oldest first. What the partition no longer has is left out, and so is what was copied into a settled segment.
    pub fn restore_span(&mut self, segment: &Rc<SegmentFile>, summary: &Summary, extents: Option<VecDeque<Extent>>) {
        let Some(partition) = self.partitions.get_mut(&summary.key) else { return };
        let age = segment.header.age;
        let cut = partition.hidden.iter().filter(|hidden| age < hidden.before).map(|hidden| hidden.offset);
        let end = cut.min().map_or(partition.end, |offset| offset.min(partition.end));
        let last_offset = summary.last_offset.min(Offset(end.0.saturating_sub(1)));
        let live = age >= partition.born && summary.base_offset < end && last_offset >= partition.log_start;
        if !live {
            return;
        }
        let place = partition.spans.partition_point(|span| span.base_offset < summary.base_offset);
        let before = place.checked_sub(1).and_then(|index| partition.spans.get(index));
        let stands_for = |span: &&Span| span.segment.header.sequence.is_settled();
        let is_settled = before.filter(stands_for).is_some_and(|span| span.last_offset >= summary.base_offset)
            || partition.spans.get(place).filter(stands_for).is_some_and(|span| span.base_offset <= last_offset);
        if is_settled {
            return;
        }
        let mut span = Span::of(segment, summary, last_offset);
        if let Some(extents) = extents {
            span.extents = ExtentStore::Resident(extents);
        }
        partition.insert_span(place, span);
    }

    /// A settled segment is on the device: each of its spans takes the place of those that were copied into it.
    pub fn settled(&mut self, segment: &Rc<SegmentFile>, spans: &[SettledSpan]) {
        self.add_segment(segment);
        for SettledSpan { summary, sources } in spans {
            let Some(partition) = self.partitions.get_mut(&summary.key) else { continue };
            // By their offsets too: several runs of a partition may come from the same segments, and some may be gone by now.
            let is_source = |span: &Span| {
                sources.contains(&span.segment.header.sequence)
                    && span.base_offset <= summary.last_offset
                    && span.last_offset >= summary.base_offset
            };
            let Some(place) = partition.spans.iter().position(is_source) else { continue };
            // Meanwhile log start and end may have moved into it.
            let mut last_offset = summary.last_offset;
            while partition.spans.get(place).is_some_and(is_source) {
                let span = partition.spans.remove(place);
                last_offset = span.as_ref().map_or(last_offset, |span| span.last_offset);
                partition.drop_span(span, &mut self.dying);
            }
            partition.insert_span(place, Span::of(segment, summary, last_offset.min(summary.last_offset)));
        }
        if segment.live_spans() == 0 {
            self.dying.push(Rc::clone(segment));
        }
    }

    /// Recovery is over: segments that turned out to hold nothing live are put aside.
    pub fn restored(&mut self) {
        let empty = self
            .segments
            .values()
            .filter(|segment| segment.state() == SegmentState::Sealed && segment.live_spans() == 0);
        self.dying.extend(empty.cloned());
        self.dying.sort_unstable_by_key(|segment| segment.header.sequence);
        self.forget_hidden();
    }

    /// Forgets truncations that no older segment can contradict any more, be it one that a crash brings back.
    pub fn forget_hidden(&mut self) {
        let ages = self.segments.values().map(|segment| segment.header.age).chain(self.leaving.values().copied());
        let oldest = ages.min().unwrap_or_default();
        for partition in self.partitions.values_mut() {
            partition.hidden.retain(|hidden| hidden.before > oldest);
        }
    }
}

impl FooterPlace {
    fn of(summary: &Summary) -> FooterPlace {
        FooterPlace { first: summary.extent_first, count: summary.extent_count, crc: summary.extents_crc }
    }
}
