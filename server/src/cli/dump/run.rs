//! The course of `corelog log dump`: every log of a directory, one after the other.
//!
//! Runs on the tool's shard. Only reads.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use corelog_engine::log::OpenError;
use corelog_engine::log::dump::{DumpEvent, DumpReport, dump};
use corelog_rt::dir;
use corelog_rt::fatal::Reason;

use super::describe;
use crate::cli::arguments::LogDumpArguments;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::shard;

/// What the directories of logs are called, with their number behind it.
const LOG_DIR_PREFIX: &str = "log-";

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
    for log in logs(&arguments.dir).await? {
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

/// The logs of a data directory, or the directory itself if it has none below it.
async fn logs(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let names = dir::list(path).await.map_err(|error| of_io(path, &error))?;
    let number = |name: &String| name.strip_prefix(LOG_DIR_PREFIX)?.parse::<u32>().ok();
    let mut logs: Vec<(u32, PathBuf)> =
        names.iter().filter_map(|name| Some((number(name)?, path.join(name)))).collect();
    logs.sort();
    if logs.is_empty() {
        return Ok(vec![path.to_owned()]);
    }
    Ok(logs.into_iter().map(|(_, path)| path).collect())
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
    dumped.map_err(|error| match &error {
        OpenError::Io { path, error } => of_io(path, error),
        OpenError::NewerFormat { .. } => {
            Failure::of(Reason::NewerFormat, &error).advise("dump it with the newer corelog that wrote it")
        }
        OpenError::Damaged(_) => Failure::of(Reason::CorruptSegment, &error),
        OpenError::Options(_) => Failure::new(&error),
    })
}

fn of_io(path: &Path, error: &std::io::Error) -> Failure {
    let reason = if error.kind() == std::io::ErrorKind::NotFound {
        Reason::BadConfiguration
    } else {
        Reason::of_start_error(error)
    };
    Failure::of(reason, format!("{}: {error}", path.display()))
}
