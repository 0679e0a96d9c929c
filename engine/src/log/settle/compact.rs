//! Owns the compaction of partitions: what a later record of its key replaces goes, everything else stays where it is.
//!
//! A partition takes one pass or several. A pass reads what is new into a [`KeyMap`], as far as that goes, then writes the partition anew from its
//! start to where the map ends: span by span into settled segments, several partitions into one. Each span that is written stands for the whole
//! range of those that it came from, whatever is left in it, so that nothing in the range comes back from a source that a crash leaves.
//!
//! What decides is Kafka's: a record goes if the map knows a later one of its key; a tombstone if its delete horizon has passed, which is set when
//! compaction first sees it with nothing older left of its key. A batch that loses its last record goes too, unless it is the last of its
//! span or of an idempotent producer: then it stays without records. Records that cannot be read, control batches and those of transactions
//! stay as they are and replace nothing.
//!
//! Spans are published in the order of their offsets, so whatever is dropped has a newer record behind it in the log, durable, at any moment.

use super::copy::walk_part;
use super::dirty::{Dirty, find_dirty};
use super::keys::KeyMap;
use super::output::{Output, is_disk_full};
use super::pace::{Slices, appended};
use super::pass::{SettleError, Settler};
use super::plan::{Plan, SpanPart};
use crate::batch::{BatchHeader, Filtered, Left, Records, filter, record_bytes, without_records};
use crate::ids::{CommitSequence, Offset, PartitionKey, SegmentSequence};
use crate::limits::{BATCH_HEADER_BYTES, DECOMPRESSED_BYTES_MAX, SEGMENT_BYTES_MAX};
use crate::log::core::Core;
use crate::log::files::Taker;
use crate::log::footer::Coverage;
use crate::log::index::ExtentStore;
use crate::log::interface::CompactionStatistics;
use crate::log::segment_file::{ReadGuard, SegmentState};
use corelog_rt::map::HashSet;
use corelog_rt::time;
use std::borrow::Cow;
use std::ops::ControlFlow;
use std::rc::Rc;

/// Of a new segment, what its header, footer and last commit take.
const FRAME_BYTES: u64 = 24 << 10;
/// How much larger than what it came from a span may become at most: another encoder may compress less.
const GROWTH_MAX: u64 = 8;

/// Compacts what is due.
pub(super) struct Compactor {
    core: Rc<Core>,
    /// Partitions that cannot be read: their damage is told to readers, not at each round to the log.
    given_up: HashSet<PartitionKey>,
    writing: Option<Writing>,
    /// Makes room where a full disk has none.
    pub settler: Settler,
}

/// A segment that is being written.
struct Writing {
    plan: Plan,
    output: Output,
}

/// A part of the partition that is compacted.
struct Source {
    part: SpanPart,
    guard: ReadGuard,
    log_start: Offset,
}

/// What a pass knows.
struct Mapped {
    keys: KeyMap,
    /// Records at or beyond it are not in the map.
    end: Offset,
    /// When tombstones that it sees first may go, in ms since 1970.
    horizon_ms: i64,
    now_ms: i64,
    /// Where the last batches of idempotent producers end.
    producers: HashSet<Offset>,
}

/// Spans that were copied one after the other, to be one.
struct Group {
    base_offset: Offset,
    last_offset: Offset,
    sources: Vec<SegmentSequence>,
}

impl Compactor {
    /// Compacts for the log of `core`.
    pub fn new(core: &Rc<Core>) -> Compactor {
        let settler = Settler::new(core);
        Compactor { core: Rc::clone(core), given_up: HashSet::default(), writing: None, settler }
    }

    /// Compacts every partition that is due.
    ///
    /// # Errors
    /// `Stopping`, `Write`. What was published stays.
    pub async fn round(&mut self) -> Result<(), SettleError> {
        for dirty in find_dirty(&self.core, &self.given_up) {
            // On a full disk a file is taken from the reserve, and settling needs the other.
            let freed = self.core.signals.prepare.notified();
            let lacks_room = || self.core.queue.borrow().is_disk_full() && !self.core.files.borrow().is_reserve_whole();
            if lacks_room() {
                // What was settled last may be on its way.
                let _ = time::timeout(self.core.options.settle.interval, freed).await;
            }
            if lacks_room() {
                break;
            }
            match self.compact(&dirty).await {
                Ok(()) => {}
                Err(error @ (SettleError::Stopping | SettleError::Write(_))) => {
                    if let Some(writing) = self.writing.take() {
                        writing.output.discard().await;
                    }
                    return Err(error);
                }
                Err(error @ (SettleError::Read(_) | SettleError::TooLarge { .. } | SettleError::NoRoom)) => {
                    tracing::error!(dir = %self.core.dir.display(), partition = %dirty.key, %error, "a partition cannot be compacted; it stays as it is");
                    self.given_up.insert(dirty.key);
                    if let Some(writing) = &mut self.writing {
                        writing.output.abandon_span(dirty.key);
                    }
                    self.publish().await?;
                }
            }
        }
        self.publish().await
    }

    /// Compacts a partition, in as many passes as the map needs.
    async fn compact(&mut self, dirty: &Dirty) -> Result<(), SettleError> {
        let began = time::now();
        self.core.pace.begin(&self.core);
        let mut counts = CompactionStatistics::default();
        let mut keys = 0;
        let mut from = dirty.from;
        while from < dirty.until {
            if counts.passes > 0 {
                // The next pass reads what this one wrote.
                self.publish().await?;
            }
            let mapped = self.map(dirty, from).await?;
            if mapped.end <= from {
                break;
            }
            from = mapped.end;
            keys += mapped.keys.len();
            let rewritten = self.rewrite(dirty, &mapped, &mut counts).await;
            counts.passes += 1;
            rewritten?;
        }
        if counts.passes == 0 {
            return Ok(());
        }
        let mut all = self.core.compaction.get();
        all.add(&counts);
        self.core.compaction.set(all);
        tracing::info!(dir = %self.core.dir.display(), partition = %dirty.key, reason = dirty.reason(), offsets = %format_args!("{} to {from}", dirty.from),
            dirty_bytes = dirty.dirty_bytes, bytes_before = counts.bytes_read / counts.passes.max(1), bytes_after = counts.bytes_written / counts.passes.max(1),
            keys, records_removed = counts.records_removed, passes = counts.passes, milliseconds = began.elapsed().as_millis() as u64, "compacted");
        Ok(())
    }

    /// Reads the keys from `from` on.
    async fn map(&self, dirty: &Dirty, from: Offset) -> Result<Mapped, SettleError> {
        let core = &*self.core;
        let now_ms = time::unix_ms();
        let mut mapped = Mapped {
            keys: KeyMap::new(core.options.compaction.map_bytes_max),
            end: from,
            horizon_ms: now_ms.saturating_add(dirty.rules.tombstone_ms),
            now_ms,
            producers: HashSet::default(),
        };
        core.observe(|observer| {
            observer.producers_last(dirty.key, &mut |offset| {
                mapped.producers.insert(offset);
            });
        });
        let mut slices = Slices::default();
        let mut is_full = false;
        while !is_full && mapped.end < dirty.until {
            let Some(source) = next_source(core, dirty.key, mapped.end, dirty.until) else { break };
            let first = from.max(source.log_start);
            walk_part(core, &source.part, first, async |header, batch| {
                is_full = !mapped.take(header, batch, first);
                slices.worked(batch.len()).await;
                Ok(if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })
            .await?;
            if !is_full {
                mapped.end = source.part.last_offset.plus(1);
            }
        }
        Ok(mapped)
    }

    /// Writes everything before the end of the map anew.
    async fn rewrite(
        &mut self,
        dirty: &Dirty,
        mapped: &Mapped,
        counts: &mut CompactionStatistics,
    ) -> Result<(), SettleError> {
        let (key, mut next) = (dirty.key, Offset::ZERO);
        let mut group: Option<Group> = None;
        let mut growth = 1;
        while let Some(mut source) = next_source(&self.core, key, next, mapped.end) {
            let wanted_bytes = source.part.bytes * growth;
            if !self.takes(&source.part, wanted_bytes) {
                self.end_group(key, mapped, group.take()).await?;
                self.publish().await?;
                self.begin(wanted_bytes).await?;
                // Settling may have moved it meanwhile.
                match next_source(&self.core, key, next, mapped.end) {
                    Some(found) => source = found,
                    None => break,
                }
            }
            let (base_offset, last_offset) = (source.part.base_offset, source.part.last_offset);
            let sequence = source.part.segment.header.sequence;
            match self.copy(dirty, source, mapped, counts).await {
                Ok(()) => {
                    let group = group.get_or_insert(Group { base_offset, last_offset, sources: Vec::new() });
                    group.last_offset = last_offset;
                    group.sources.push(sequence);
                    next = last_offset.plus(1);
                }
                Err(SettleError::NoRoom) if growth < GROWTH_MAX => {
                    if let Some(writing) = &mut self.writing {
                        writing.output.abandon_span(key);
                    }
                    self.publish().await?;
                    next = group.take().map_or(base_offset, |group| group.base_offset);
                    growth *= 2;
                }
                Err(error) => return Err(error),
            }
        }
        self.end_group(key, mapped, group).await
    }

    /// Whether the segment that is being written can take this part as well.
    fn takes(&self, part: &SpanPart, bytes: u64) -> bool {
        let fits =
            |writing: &Writing| part.segment.header.age <= writing.plan.age && writing.output.has_room_for(bytes);
        self.writing.as_ref().is_some_and(fits)
    }

    /// Begins a segment that has room for `bytes` of batches. On a full disk settling makes room for it.
    async fn begin(&mut self, bytes: u64) -> Result<(), SettleError> {
        loop {
            let freed = self.core.signals.prepare.notified();
            match self.try_begin(bytes).await {
                Err(SettleError::Write(error)) if is_disk_full(&error) => {
                    if !self.settler.step().await? {
                        return Err(error.into());
                    }
                    let _ = time::timeout(self.core.options.settle.interval, freed).await;
                }
                begun => return begun,
            }
        }
    }

    async fn try_begin(&mut self, bytes: u64) -> Result<(), SettleError> {
        let core = &self.core;
        let sealed = |segment: &&Rc<_>| crate::log::segment_file::SegmentFile::state(segment) == SegmentState::Sealed;
        let age = core.index.borrow().segments().filter(sealed).map(|segment| segment.header.age).max();
        let plan = Plan {
            spans: Vec::new(),
            age: age.unwrap_or_default(),
            wall_ms: 0,
            after: CommitSequence(0),
            guards: Vec::new(),
        };
        let needed_bytes = (FRAME_BYTES + bytes + bytes / 16).next_multiple_of(4096).min(SEGMENT_BYTES_MAX);
        let file_bytes = needed_bytes.max(core.options.segment_bytes);
        let output = Output::begin(core, &plan, file_bytes, Taker::Urgent).await?;
        self.writing = Some(Writing { plan, output });
        Ok(())
    }

    /// Copies what stays of one part.
    async fn copy(
        &mut self,
        dirty: &Dirty,
        source: Source,
        mapped: &Mapped,
        counts: &mut CompactionStatistics,
    ) -> Result<(), SettleError> {
        let Source { part, guard, log_start } = source;
        let (key, bytes_max) = (dirty.key, dirty.rules.batch_bytes_max);
        let core = &*self.core;
        let Writing { plan, output } = self.writing.as_mut().expect("a segment was begun");
        plan.guards.push(guard);
        plan.wall_ms = plan.wall_ms.max(part.segment.commits().wall_ms);
        let mut slices = Slices::default();
        let before = output.reached();
        let mut dropped: Option<(BatchHeader, [u8; BATCH_HEADER_BYTES])> = None;
        walk_part(core, &part, log_start, async |header, batch| {
            slices.worked(batch.len()).await;
            let Filtered { left, kept, removed } = mapped.judge(header, batch);
            counts.bytes_read += batch.len() as u64;
            counts.records_read += kept + removed;
            counts.records_removed += removed;
            let left = match left {
                Left::Whole => Cow::Borrowed(batch),
                Left::Rewritten(batch) => Cow::Owned(batch),
                Left::Nothing if header.last_offset() == part.last_offset || mapped.is_last_of_producer(header) => {
                    Cow::Owned(without_records(header, batch))
                }
                Left::Nothing => {
                    dropped = batch.first_chunk().map(|first| (*header, *first));
                    return Ok(ControlFlow::Continue(()));
                }
            };
            if left.len() > batch.len().max(bytes_max) {
                tracing::warn!(partition = %key, offset = %header.base_offset, bytes = left.len(), bytes_max, "a batch outgrew max.message.bytes when compaction encoded it anew");
            }
            counts.bytes_written += left.len() as u64;
            append(output, plan, key, &left).await?;
            Ok(ControlFlow::Continue(()))
        })
        .await?;
        // A truncation may have taken the batch that the part ended with.
        if let Some((header, first)) = dropped.filter(|_| output.reached() == before) {
            append(output, plan, key, &without_records(&header, &first)).await?;
        }
        Ok(())
    }

    async fn end_group(&mut self, key: PartitionKey, mapped: &Mapped, group: Option<Group>) -> Result<(), SettleError> {
        let (Some(Group { base_offset, last_offset, sources }), Some(Writing { plan, output })) =
            (group, &mut self.writing)
        else {
            return Ok(());
        };
        let clean_end = mapped.end.min(last_offset.plus(1));
        output.end_span(plan, key, sources, Some(Coverage { base_offset, last_offset, clean_end })).await
    }

    /// Makes what was written a segment of the log, if anything was.
    async fn publish(&mut self) -> Result<(), SettleError> {
        let Some(Writing { mut plan, output }) = self.writing.take() else { return Ok(()) };
        if output.is_empty() {
            output.discard().await;
            return Ok(());
        }
        plan.after = appended(&self.core);
        output.publish(&plan).await?;
        Ok(())
    }
}

async fn append(output: &mut Output, plan: &Plan, key: PartitionKey, batch: &[u8]) -> Result<(), SettleError> {
    let header = BatchHeader::parse(batch).expect("a batch that was verified, or made of one");
    output.append(plan, key, &header, batch).await
}

/// The first part of the partition that reaches `from` or beyond and begins before `until`, if it lies in a sealed segment.
fn next_source(core: &Core, key: PartitionKey, from: Offset, until: Offset) -> Option<Source> {
    let index = core.index.borrow();
    let partition = index.partition(key)?;
    let first = partition.spans.partition_point(|span| span.last_offset < from);
    let span = partition.spans.get(first).filter(|span| span.base_offset < until)?;
    let ExtentStore::Footer(place) = &span.extents else { return None };
    let is_sealed = span.segment.state() == SegmentState::Sealed;
    let source = || Source {
        part: SpanPart::of(span, *place),
        guard: span.segment.read_guard(),
        log_start: partition.log_start,
    };
    is_sealed.then(source)
}

impl Mapped {
    /// Takes the keys of a batch from `from` on. False if there is no room for all.
    fn take(&mut self, header: &BatchHeader, batch: &[u8], from: Offset) -> bool {
        if let Some(records) = sound_records(header, batch) {
            for record in Records::new(header, &records).map_while(Result::ok) {
                let offset = header.base_offset.plus(i64::from(record.offset_delta));
                let Some(key) = record.key.filter(|_| offset >= from) else { continue };
                if !self.keys.insert(key, offset) {
                    self.end = self.end.max(offset);
                    return false;
                }
            }
        }
        self.end = header.next_offset();
        true
    }

    /// What stays of a batch.
    fn judge(&self, header: &BatchHeader, batch: &[u8]) -> Filtered {
        let whole = Filtered { left: Left::Whole, kept: header.record_count.max(0) as u64, removed: 0 };
        if header.base_offset >= self.end {
            return whole;
        }
        let Some(records) = sound_records(header, batch) else { return whole };
        let horizon_ms = (header.last_offset() < self.end).then_some(self.horizon_ms);
        let keeps_tombstones = header.delete_horizon_ms().is_none_or(|horizon_ms| self.now_ms < horizon_ms);
        let filtered = filter(header, batch, &records, horizon_ms, |record| {
            let offset = header.base_offset.plus(i64::from(record.offset_delta));
            if offset >= self.end {
                return true;
            }
            let Some(key) = record.key else { return false };
            let is_newest = self.keys.newest(key).is_none_or(|newest| offset >= newest);
            is_newest && (record.value.is_some() || keeps_tombstones)
        });
        filtered.unwrap_or(whole)
    }

    fn is_last_of_producer(&self, header: &BatchHeader) -> bool {
        header.has_producer() && self.producers.contains(&header.last_offset())
    }
}

/// The records of a batch that compaction may touch; none of one that stays as it is.
fn sound_records<'a>(header: &BatchHeader, batch: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    if header.attributes.is_control() || header.attributes.is_transactional() {
        return None;
    }
    let records = record_bytes(header, batch, DECOMPRESSED_BYTES_MAX).ok()?;
    let inside = |delta: i32| (0..=header.last_offset_delta).contains(&delta);
    let is_sound = Records::new(header, &records).all(|record| record.is_ok_and(|record| inside(record.offset_delta)));
    is_sound.then_some(records)
}
