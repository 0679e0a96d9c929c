//! `corelog log segments`: what each segment holds and wastes.
//!
//! Runs on the tool's shard. Only reads: a directory that no broker has open, or what a running broker tells.

use std::path::Path;

use corelog_engine::ids::LogId;
use corelog_tuning::check::bytes_text;

use super::{directory, live};
use crate::cli::arguments::LogSegmentsArguments;
use crate::cli::failure::Failure;
use crate::cli::moment::format_ms;
use crate::cli::output::{Output, table};
use crate::cli::shard;
use crate::metrics::segments::SegmentRow;

/// Does what the arguments say.
pub fn run(arguments: LogSegmentsArguments) -> Result<(), Failure> {
    let arguments = std::sync::Arc::new(arguments);
    shard::run(move || async move {
        let mut output = Output::new();
        let segments = match (&arguments.dir, &arguments.live) {
            (Some(dir), _) => of_directory(dir).await?,
            (None, Some(address)) => live::segments(address).await?,
            (None, None) => return Err(Failure::usage("name a directory, or ask a running broker with --live")),
        };
        print(&segments, arguments.json, &mut output)?;
        output.flush()
    })
}

async fn of_directory(dir: &Path) -> Result<Vec<SegmentRow>, Failure> {
    let _lock = directory::lock(dir).await?;
    let mut segments = Vec::new();
    for (number, path) in directory::logs(dir).await? {
        let log = directory::open(number, &path).await?;
        segments.extend(log.segments().iter().map(|report| SegmentRow::of(LogId(number), report)));
    }
    Ok(segments)
}

fn print(segments: &[SegmentRow], json: bool, output: &mut Output) -> Result<(), Failure> {
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
