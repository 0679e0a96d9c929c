//! Owns the task: looks for segments worth settling, copies what is live in them, gives up what cannot be copied.

use super::choice::{self, Candidate};
use super::compact::Compactor;
use super::copy::copy_span;
use super::output::Output;
use super::plan::{Plan, PlannedSpan, make_plan};
use crate::ids::SegmentSequence;
use crate::log::core::Core;
use crate::log::error::ReadError;
use crate::log::segment_file::{SegmentFile, SegmentState};
use corelog_rt::map::HashSet;
use corelog_rt::time;
use std::io;
use std::rc::Rc;
use thiserror::Error;

/// How long segments are left alone whose settling freed nothing, in ms.
const FRUITLESS_MS: i64 = 60 * 1000;

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
    // Segments that could not be settled: their damage is told to readers, not every second to the log.
    let mut given_up: HashSet<SegmentSequence> = HashSet::default();
    let mut compactor = Compactor::new(&core);
    let mut compact_at = time::now() + core.options.compaction.interval;
    loop {
        let stopping = core.signals.settle.notified();
        if core.stopping.get() {
            return;
        }
        if core.options.compaction.is_on && time::now() >= compact_at {
            match compactor.round().await {
                Err(SettleError::Stopping) => return,
                Err(error) => {
                    tracing::warn!(dir = %core.dir.display(), %error, "nothing can be compacted now");
                }
                Ok(()) => {}
            }
            compact_at = time::now() + core.options.compaction.interval;
        }
        let sources = choose(&core, &given_up);
        if sources.is_empty() {
            let pause = core.options.settle.interval.min(core.options.compaction.interval);
            let _ = time::timeout(pause, stopping).await;
            continue;
        }
        match settle(&core, &sources).await {
            Ok(()) => {}
            Err(SettleError::Stopping) => return,
            Err(error @ (SettleError::Read(_) | SettleError::TooLarge { .. } | SettleError::NoRoom)) => {
                tracing::error!(dir = %core.dir.display(), %error, "segments cannot be settled; they stay as they are");
                given_up.extend(sources.iter().map(|segment| segment.header.sequence));
            }
            Err(SettleError::Write(error)) => {
                tracing::warn!(dir = %core.dir.display(), %error, "no segment can be settled now");
                let _ = time::timeout(core.options.settle.interval, stopping).await;
            }
        }
    }
}

fn choose(core: &Core, given_up: &HashSet<SegmentSequence>) -> Vec<Rc<SegmentFile>> {
    let (now_ms, is_short) = (time::unix_ms(), core.queue.borrow().is_disk_full());
    let index = core.index.borrow();
    let sealed = |segment: &&Rc<SegmentFile>| {
        segment.state() == SegmentState::Sealed
            && segment.trailer().is_some()
            && (segment.settle_after_ms() <= now_ms || is_short)
            && !given_up.contains(&segment.header.sequence)
    };
    let segments: Vec<&Rc<SegmentFile>> = index.segments().filter(sealed).collect();
    let candidates: Vec<Candidate> = segments
        .iter()
        .map(|segment| Candidate { file_bytes: segment.header.bytes, live_bytes: segment.live_bytes() })
        .collect();
    let chosen = choice::choose(&candidates, core.options.segment_bytes, core.options.settle.waste_share_min);
    chosen.into_iter().filter_map(|index| segments.get(index)).map(|segment| Rc::clone(segment)).collect()
}

/// Copies what is live in `sources` into as many new segments as it takes.
async fn settle(core: &Rc<Core>, sources: &[Rc<SegmentFile>]) -> Result<(), SettleError> {
    let began = time::now();
    let plan = make_plan(core, sources).await?;
    if !core.queue.borrow().is_disk_full() && plan.put_off(sources) {
        return Ok(());
    }
    let file_bytes: u64 = sources.iter().map(|segment| segment.header.bytes).sum();
    let live_bytes: u64 = sources.iter().map(|segment| segment.live_bytes()).sum();
    tracing::info!(dir = %core.dir.display(), segments = sources.len(), file_bytes, live_bytes, spans = plan.spans.len(),
        "settling segments: what they waste is worth a file");
    let mut segments = Vec::new();
    let mut rest = plan.spans.as_slice();
    while let Some(first) = rest.first() {
        let mut output = Output::begin(core, &plan, core.options.segment_bytes).await?;
        let copied = fill(core, &mut output, &plan, rest).await;
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
        rest = rest.get(taken..).unwrap_or_default();
    }
    if segments.len() >= sources.len() {
        // Nothing was gained after all: once more would gain no more.
        let later_ms = time::unix_ms() + FRUITLESS_MS;
        for segment in &segments {
            segment.set_settle_after_ms(later_ms);
        }
    }
    core.meters.settle_passes.add(1);
    core.meters.settle_sources.add(sources.len() as u64);
    tracing::info!(dir = %core.dir.display(), segments = segments.len(), milliseconds = began.elapsed().as_millis() as u64, "settled");
    Ok(())
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
