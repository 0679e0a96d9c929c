//! Owns the task: looks for segments worth settling, copies what is live in them, gives up what cannot be copied.

use super::choice::{self, Candidate, Reason};
use super::compact::Compactor;
use super::copy::copy_span;
use super::output::{Output, is_disk_full};
use super::plan::{Plan, PlannedSpan, make_plan};
use crate::ids::SegmentSequence;
use crate::log::core::Core;
use crate::log::error::ReadError;
use crate::log::files::Taker;
use crate::log::segment_file::{SegmentFile, SegmentState};
use corelog_rt::map::{HashMap, HashSet};
use corelog_rt::time;
use std::io;
use std::rc::Rc;
use std::time::Duration;
use thiserror::Error;

/// How long segments are left alone whose settling freed nothing, in ms.
const FRUITLESS_MS: i64 = 60 * 1000;
/// Passes for room in a row that give none: emptying one segment into others takes a few, but large parts may not fit anywhere.
const BARREN_MAX: u32 = 24;
/// On a full disk a pass that frees no file must at least empty so much of another, as a part of a segment.
const GAIN_DIVISOR: u64 = 64;
/// Segments that may be sorted wait for others for so many times as long as they had to be old.
const SORT_WAITS_MAX: u128 = 4;

/// Why a pass was given up. Nothing was changed.
#[derive(Debug, Error)]
pub(super) enum SettleError {
    /// A source cannot be read.
    #[error("{0}")]
    Read(#[from] ReadError),
    /// The new segment cannot be written.
    #[error("{0}")]
    Write(#[from] io::Error),
    /// A span from segments of a larger size than today's.
    #[error("a span of {bytes} bytes does not fit into a segment of the present size")]
    TooLarge {
        /// Bytes of the span.
        bytes: u64,
    },
    /// The span does not fit behind those that are there.
    #[error("no room for another span")]
    NoRoom,
    /// The log stops.
    #[error("the log stops")]
    Stopping,
}

/// Settles until the log stops.
pub async fn settle_segments(core: Rc<Core>) {
    let mut compactor = Compactor::new(&core);
    let mut compact_at = time::now() + core.options.compaction.interval;
    loop {
        let (stopping, freed) = (core.signals.settle.notified(), core.signals.prepare.notified());
        if core.stopping.get() {
            return;
        }
        if core.options.compaction.is_on && time::now() >= compact_at {
            match compactor.round().await {
                Err(SettleError::Stopping) => return,
                Err(error) => tell("nothing can be compacted now", &core, &error),
                Ok(()) => {}
            }
            compact_at = time::now() + core.options.compaction.interval;
        }
        match compactor.settler.step().await {
            Ok(true) => {}
            Ok(false) => {
                core.pace.end();
                let pause = core.options.settle.interval.min(core.options.compaction.interval);
                let _ = time::timeout(pause, stopping).await;
            }
            Err(SettleError::Stopping) => return,
            Err(error) => {
                tell("no segment can be settled now", &core, &error);
                core.pace.end();
                let _ = time::timeout(core.options.settle.interval, freed).await;
            }
        }
    }
}

/// What a full disk refuses is nothing new.
fn tell(what: &str, core: &Core, error: &SettleError) {
    if matches!(error, SettleError::Write(error) if is_disk_full(error)) {
        tracing::debug!(dir = %core.dir.display(), %error, "{what}");
    } else {
        tracing::warn!(dir = %core.dir.display(), %error, "{what}");
    }
}

/// Settles segments, a few at a time.
pub(super) struct Settler {
    core: Rc<Core>,
    /// Segments that could not be settled: their damage is told to readers, not every second to the log.
    given_up: HashSet<SegmentSequence>,
    /// Segments that are left alone until then, because settling them for room gave none, in ms since 1970.
    fruitless: HashMap<SegmentSequence, i64>,
    /// Passes for room in a row that gave none.
    barren: u32,
    /// No file could be had: there is room for as much as the reserve holds.
    is_short: bool,
}

impl Settler {
    /// Settles segments of the log of `core`.
    pub fn new(core: &Rc<Core>) -> Settler {
        Settler {
            core: Rc::clone(core),
            given_up: HashSet::default(),
            fruitless: HashMap::default(),
            barren: 0,
            is_short: false,
        }
    }

    /// Settles those segments that are worth it most. Gives back whether there were any.
    ///
    /// # Errors
    /// `Stopping`, `Write`. Nothing was changed, or a part of it was done.
    pub async fn step(&mut self) -> Result<bool, SettleError> {
        let Some((reason, sources)) = self.choose() else {
            self.is_short = false;
            return Ok(false);
        };
        self.is_short = false;
        match self.settle(reason, &sources).await {
            Ok(()) => {}
            Err(SettleError::NoRoom) if reason == Reason::DiskFull => self.leave_alone(sources.iter().take(1)),
            Err(SettleError::Write(error)) => {
                self.is_short = is_disk_full(&error);
                return Err(error.into());
            }
            Err(SettleError::Stopping) => return Err(SettleError::Stopping),
            Err(error @ (SettleError::Read(_) | SettleError::TooLarge { .. } | SettleError::NoRoom)) => {
                tracing::error!(dir = %self.core.dir.display(), %error, "segments cannot be settled; they stay as they are");
                self.given_up.extend(sources.iter().map(|segment| segment.header.sequence));
            }
        }
        Ok(true)
    }

    fn choose(&mut self) -> Option<(Reason, Vec<Rc<SegmentFile>>)> {
        let now_ms = time::unix_ms();
        self.fruitless.retain(|_, until_ms| *until_ms > now_ms);
        let index = self.core.index.borrow();
        let is_free = |segment: &&Rc<SegmentFile>| {
            let sequence = segment.header.sequence;
            let is_sealed = segment.state() == SegmentState::Sealed && segment.trailer().is_some();
            is_sealed && !self.given_up.contains(&sequence) && !self.fruitless.contains_key(&sequence)
        };
        let segments: Vec<&Rc<SegmentFile>> = index.segments().filter(is_free).collect();
        let options = &self.core.options;
        let candidates: Vec<Candidate> =
            segments.iter().map(|segment| candidate(segment, now_ms, options.settle.sort_after)).collect();
        let (reason, chosen) = if self.is_short || self.core.queue.borrow().is_disk_full() {
            (Reason::DiskFull, choice::choose_for_room(&candidates, options.segment_bytes))
        } else {
            let chosen = choice::choose(&candidates, options.segment_bytes, options.settle.waste_share_min);
            if chosen.is_empty() && self.core.pace.is_relaxed() {
                (Reason::Fragments, choice::choose_fragmented(&candidates, options.read_block_bytes as u64))
            } else {
                (Reason::Waste, chosen)
            }
        };
        let sources: Vec<_> =
            chosen.into_iter().filter_map(|index| segments.get(index)).map(|one| Rc::clone(one)).collect();
        (!sources.is_empty()).then_some((reason, sources))
    }

    /// Copies what is live in `sources` into as many new segments as it takes; for room into one.
    async fn settle(&mut self, reason: Reason, sources: &[Rc<SegmentFile>]) -> Result<(), SettleError> {
        let core = &self.core;
        let began = time::now();
        core.pace.begin(core);
        let plan = make_plan(core, sources, reason).await?;
        let is_for_nothing = match (reason, core.options.settle.sort_after) {
            (Reason::Waste, _) => plan.put_off(sources),
            (Reason::Fragments, Some(after)) => plan.leave_short_lived(sources, after),
            _ => false,
        };
        if is_for_nothing {
            return Ok(());
        }
        let file_bytes: u64 = sources.iter().map(|segment| segment.header.bytes).sum();
        let live_bytes: u64 = sources.iter().map(|segment| segment.live_bytes()).sum();
        let partly = sources.first().map_or(0, |first| first.live_bytes());
        tracing::info!(dir = %core.dir.display(), segments = sources.len(), file_bytes, live_bytes, spans = plan.spans.len(), %reason, "settling segments");
        let mut segments = Vec::new();
        let mut rest = plan.spans.as_slice();
        while let Some(first) = rest.first() {
            // What frees files only at its end must not use up the reserve.
            let taker = if reason == Reason::DiskFull { Taker::Settling } else { Taker::Appends };
            let mut output = Output::begin(core, &plan, core.options.segment_bytes, taker).await?;
            let copied = match reason {
                Reason::DiskFull => fill_for_room(core, &mut output, &plan).await,
                Reason::Waste | Reason::Fragments => fill(core, &mut output, &plan, rest).await,
            };
            let copied = copied.and_then(|taken| match taken {
                0 => Err(SettleError::TooLarge { bytes: first.bytes }),
                taken => Ok(taken),
            });
            let taken = match copied {
                Ok(taken) => taken,
                Err(error) => {
                    output.discard().await;
                    return Err(error);
                }
            };
            segments.push(output.publish(&plan).await?);
            // Sorting takes as many files again until it is done: there must be room for them.
            let is_full = reason == Reason::Fragments && core.queue.borrow().is_disk_full();
            if reason == Reason::DiskFull || is_full {
                break;
            }
            rest = rest.get(taken..).unwrap_or_default();
        }
        core.meters.settle_passes(reason).add(1);
        core.meters.settle_sources.add(sources.len() as u64);
        tracing::info!(dir = %core.dir.display(), segments = segments.len(), milliseconds = began.elapsed().as_millis() as u64, "settled");
        self.remember_fruit(reason, sources, &segments, partly);
        Ok(())
    }

    /// Leaves alone for a while what gained nothing: once more would gain no more. `first_bytes` were live in the first source.
    fn remember_fruit(
        &mut self,
        reason: Reason,
        sources: &[Rc<SegmentFile>],
        segments: &[Rc<SegmentFile>],
        first_bytes: u64,
    ) {
        let later_ms = time::unix_ms() + FRUITLESS_MS;
        if reason == Reason::Fragments {
            return;
        }
        if reason == Reason::Waste {
            if segments.len() >= sources.len() {
                for segment in segments {
                    segment.set_settle_after_ms(later_ms);
                }
            }
            return;
        }
        let freed = sources.iter().filter(|segment| segment.live_spans() == 0).count();
        let moved_bytes: u64 = segments.iter().map(|segment| segment.live_bytes()).sum();
        let gained_bytes = moved_bytes.saturating_sub(first_bytes);
        self.barren = if freed > segments.len() { 0 } else { self.barren + 1 };
        let moved_something = gained_bytes >= self.core.options.segment_bytes / GAIN_DIVISOR;
        if freed == 0 || !moved_something || self.barren > BARREN_MAX {
            self.leave_alone(sources.iter().chain(segments));
        }
    }

    fn leave_alone<'a>(&mut self, segments: impl Iterator<Item = &'a Rc<SegmentFile>>) {
        let later_ms = time::unix_ms() + FRUITLESS_MS;
        self.fruitless.extend(segments.map(|segment| (segment.header.sequence, later_ms)));
    }
}

fn candidate(segment: &SegmentFile, now_ms: i64, sort_after: Option<Duration>) -> Candidate {
    let age_ms = u128::from(now_ms.saturating_sub(segment.commits().wall_ms).max(0).unsigned_abs());
    let is_older = |times: u128| sort_after.is_some_and(|after| age_ms >= times * after.as_millis());
    Candidate {
        file_bytes: segment.header.bytes,
        live_bytes: segment.live_bytes(),
        spans: segment.live_spans(),
        extents: segment.trailer().map_or(0, |trailer| trailer.extent_count),
        is_ripe: segment.settle_after_ms() <= now_ms,
        is_sortable: is_older(1) && !segment.header.sequence.is_settled() && !segment.is_short_lived(),
        is_overdue: is_older(SORT_WAITS_MAX),
    }
}

/// Copies spans from the front of `spans` while they fit. Gives back how many.
async fn fill(core: &Core, output: &mut Output, plan: &Plan, spans: &[PlannedSpan]) -> Result<usize, SettleError> {
    let mut taken = 0;
    let mut class = None;
    for span in spans {
        // What dies together lies together, if that does not leave segments half empty.
        let begins_class = class.replace(span.class).is_some_and(|before| before != span.class);
        if !output.has_room_for(span.bytes) || (begins_class && output.is_half_full()) {
            break;
        }
        match copy_span(core, output, plan, span).await {
            Ok(()) => taken += 1,
            Err(SettleError::NoRoom) => {
                output.abandon_span(span.key);
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(taken)
}

/// Copies the spans of the first source and what fits of the others. Gives back how many.
///
/// # Errors
/// `NoRoom` if the first source does not fit: nothing would be gained.
async fn fill_for_room(core: &Core, output: &mut Output, plan: &Plan) -> Result<usize, SettleError> {
    let source = |span: &PlannedSpan| span.parts.first().map(|part| part.segment.header.sequence);
    let first = plan.spans.first().and_then(source);
    let mut taken = 0;
    for span in &plan.spans {
        let is_first = source(span) == first;
        if !output.has_room_for(span.bytes) {
            if is_first {
                return Err(SettleError::NoRoom);
            }
            continue;
        }
        match copy_span(core, output, plan, span).await {
            Ok(()) => taken += 1,
            Err(SettleError::NoRoom) if !is_first => {
                output.abandon_span(span.key);
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(taken)
}
