//! The course of `corelog log dump`: every log of a directory, one after the other.
//!
//! Runs on the tool's shard. Only reads.

use std::ops::ControlFlow;
use std::path::Path;

use corelog_engine::log::dump::{DumpEvent, DumpReport, dump};
use corelog_rt::fatal::Reason;

use super::describe;
use super::directory::{logs, of_open};
use crate::cli::arguments::LogDumpArguments;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::shard;

/// Does what the arguments say.
pub fn run(arguments: LogDumpArguments) -> Result<(), Failure> {
    let arguments = std::sync::Arc::new(arguments);
    shard::run(move || async move {
        let mut output = Output::new();
        let dumped = dump_all(&arguments, &mut output).await;
        output.flush().and(dumped)
    })
}

async fn dump_all(arguments: &LogDumpArguments, output: &mut Output) -> Result<(), Failure> {
    let mut damaged = 0;
    let mut segments = 0;
    for (_, log) in logs(&arguments.dir).await? {
        output.line(format_args!("log {}", log.display()))?;
        let report = dump_one(&log, arguments.summary, output).await?;
        output.line(describe::report(&report))?;
        damaged += report.damaged;
        segments += report.segments;
    }
    if segments == 0 && damaged == 0 {
        return Err(Failure::new(format!("{} holds no log", arguments.dir.display()))
            .advise("name a data directory of corelog, or the directory of one log in it"));
    }
    match damaged {
        0 => Ok(()),
        places => {
            let place = if places == 1 { "1 place is" } else { &format!("{places} places are") };
            Err(Failure::of(Reason::CorruptSegment, format!("{}: {place} damaged", arguments.dir.display())))
        }
    }
}

async fn dump_one(log: &Path, summary: bool, output: &mut Output) -> Result<DumpReport, Failure> {
    let mut failed = None;
    let mut visit = |event: &DumpEvent<'_>| {
        let is_shown = !summary || matches!(event, DumpEvent::Segment { .. } | DumpEvent::Damaged(_));
        match if is_shown { output.line(describe::line(event)) } else { Ok(()) } {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => {
                failed = Some(failure);
                ControlFlow::Break(())
            }
        }
    };
    let dumped = dump(log, &mut visit).await;
    if let Some(failure) = failed {
        return Err(failure);
    }
    dumped.map_err(|error| of_open(&error))
}
