//! `corelog log segments`: what each segment holds and wastes.
//!
//! Runs on the tool's shard. Only reads.

use corelog_engine::log::inspect::SegmentReport;
use corelog_tuning::check::bytes_text;
use serde::Serialize;

use super::directory;
use crate::cli::arguments::LogSegmentsArguments;
use crate::cli::failure::Failure;
use crate::cli::moment::format_ms;
use crate::cli::output::{Output, table};
use crate::cli::shard;

/// A segment, as JSON has it.
#[derive(Debug, Serialize)]
struct Listed {
    log: u32,
    segment: u64,
    settled: bool,
    holds_up_to: u64,
    state: String,
    file_bytes: u64,
    live_bytes: u64,
    partitions: u32,
    extents: Option<u32>,
    created_ms: i64,
    written_ms: i64,
}

/// Does what the arguments say.
pub fn run(arguments: LogSegmentsArguments) -> Result<(), Failure> {
    let arguments = std::sync::Arc::new(arguments);
    shard::run(move || async move {
        let mut output = Output::new();
        let _lock = directory::lock(&arguments.dir).await?;
        let mut segments = Vec::new();
        for (number, path) in directory::logs(&arguments.dir).await? {
            let log = directory::open(number, &path).await?;
            segments.extend(log.segments().iter().map(|report| listed(number, report)));
        }
        print(&segments, arguments.json, &mut output)?;
        output.flush()
    })
}

fn listed(log: u32, report: &SegmentReport) -> Listed {
    Listed {
        log,
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

fn print(segments: &[Listed], json: bool, output: &mut Output) -> Result<(), Failure> {
    if json {
        return output.json(&segments);
    }
    let mut rows = table(&["log", "segment", "state", "live", "waste", "partitions", "extents", "created"]);
    for segment in segments {
        let name = if segment.settled {
            format!("settled {} (up to {})", segment.segment, segment.holds_up_to)
        } else {
            segment.segment.to_string()
        };
        rows.add_row([
            segment.log.to_string(),
            name,
            segment.state.clone(),
            bytes_text(segment.live_bytes),
            bytes_text(segment.file_bytes.saturating_sub(segment.live_bytes)),
            segment.partitions.to_string(),
            segment.extents.map_or_else(|| "-".to_owned(), |extents| extents.to_string()),
            format_ms(segment.created_ms),
        ]);
    }
    output.table(&rows)?;
    let live: u64 = segments.iter().map(|segment| segment.live_bytes).sum();
    let files: u64 = segments.iter().map(|segment| segment.file_bytes).sum();
    output.line(format_args!("{} segments of {}, {} of it live", segments.len(), bytes_text(files), bytes_text(live)))
}
