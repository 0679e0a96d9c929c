//! Owns the task: looks for segments worth settling, copies what is live in them, gives up what cannot be copied.

use super::choice::{self, Candidate};
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
    /// The log stops.
    #[error("the log stops")]
    Stopping,
}

/// Settles until the log stops.
pub async fn settle_segments(core: Rc<Core>) {
    // Segments that could not be settled: their damage is told to readers, not every second to the log.
    let mut given_up: HashSet<SegmentSequence> = HashSet::default();
    loop {
        let stopping = core.signals.settle.notified();
        if core.stopping.get() {
            return;
        }
        let sources = choose(&core, &given_up);
        if sources.is_empty() {
            let _ = time::timeout(core.options.settle.interval, stopping).await;
            continue;
        }
        match settle(&core, &sources).await {
            Ok(()) => {}
            Err(SettleError::Stopping) => return,
            Err(error @ (SettleError::Read(_) | SettleError::TooLarge { .. })) => {
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
    let index = core.index.borrow();
    let sealed = |segment: &&Rc<SegmentFile>| {
        segment.state() == SegmentState::Sealed
            && segment.trailer().is_some()
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
    let file_bytes: u64 = sources.iter().map(|segment| segment.header.bytes).sum();
    let live_bytes: u64 = sources.iter().map(|segment| segment.live_bytes()).sum();
    tracing::info!(dir = %core.dir.display(), segments = sources.len(), file_bytes, live_bytes, spans = plan.spans.len(),
        "settling segments: what they waste is worth a file");
    let mut segment_count = 0;
    let mut rest = plan.spans.as_slice();
    while let Some(first) = rest.first() {
        let mut output = Output::begin(core, &plan).await?;
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
        output.publish(&plan).await?;
        segment_count += 1;
        rest = rest.get(taken..).unwrap_or_default();
    }
    tracing::info!(dir = %core.dir.display(), segments = segment_count, milliseconds = began.elapsed().as_millis() as u64, "settled");
    Ok(())
}

/// Copies spans from the front of `spans` while they fit. Gives back how many.
async fn fill(core: &Core, output: &mut Output, plan: &Plan, spans: &[PlannedSpan]) -> Result<usize, SettleError> {
    let mut taken = 0;
    for span in spans {
        if !output.has_room_for(span) {
            break;
        }
        copy_span(core, output, plan, span).await?;
        taken += 1;
    }
    Ok(taken)
}
