//! Owns what is told of each segment: by a running broker to whoever asks its metrics port, and by the tool that looks into a directory.
//!
//! Taken on each shard by a job that shard 0 sends.

use std::rc::Rc;

use corelog_engine::ids::LogId;
use corelog_engine::log::inspect::SegmentReport;
use corelog_engine::shard::Shard;
use serde::{Deserialize, Serialize};

use crate::broker::Broker;

/// A segment, as JSON has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRow {
    /// The log.
    pub log: u32,
    /// Its number among those of its kind.
    pub segment: u64,
    /// It was written by settling.
    pub settled: bool,
    /// The youngest segment whose batches it holds: itself, unless it was settled.
    pub holds_up_to: u64,
    /// Where it is in its life.
    pub state: String,
    /// Bytes of its file.
    pub file_bytes: u64,
    /// Bytes of batches in it that can still be asked for.
    pub live_bytes: u64,
    /// Parts of partitions in it that can still be asked for.
    pub partitions: u32,
    /// Pieces in which its batches lie; none before it is sealed.
    pub extents: Option<u32>,
    /// When its file was put to use, in ms since 1970.
    pub created_ms: i64,
    /// When its last commit was written, in ms since 1970.
    pub written_ms: i64,
}

impl SegmentRow {
    /// What is told of a segment of `log`.
    pub fn of(log: LogId, report: &SegmentReport) -> SegmentRow {
        SegmentRow {
            log: log.0,
            segment: report.sequence.number(),
            settled: report.sequence.is_settled(),
            holds_up_to: report.age.number(),
            state: format!("{:?}", report.state).to_lowercase(),
            file_bytes: report.file_bytes,
            live_bytes: report.live_bytes,
            partitions: report.live_spans,
            extents: report.extents,
            created_ms: report.created_ms,
            written_ms: report.written_ms,
        }
    }
}

/// The segments of this shard; none while it does not serve.
pub async fn take(shard: Rc<Shard>) -> Option<Vec<SegmentRow>> {
    shard.attached::<Broker>()?;
    let logs = shard.log_segments();
    Some(logs.iter().flat_map(|(log, segments)| segments.iter().map(|report| SegmentRow::of(*log, report))).collect())
}
