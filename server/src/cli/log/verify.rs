//! `corelog log verify`: the proof that index, footers and data agree.
//!
//! Runs on the tool's shard. Only reads.

use corelog_rt::fatal::Reason;
use corelog_tuning::check::bytes_text;

use super::directory;
use crate::cli::arguments::LogVerifyArguments;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::shard;

/// Does what the arguments say.
pub fn run(arguments: LogVerifyArguments) -> Result<(), Failure> {
    let arguments = std::sync::Arc::new(arguments);
    shard::run(move || async move {
        let mut output = Output::new();
        let _lock = directory::lock(&arguments.dir).await?;
        let mut flaws = 0;
        for (number, path) in directory::logs(&arguments.dir).await? {
            let log = directory::open(number, &path).await?;
            let found = log.verify().await;
            for (key, flaw) in &found.flaws {
                output.line(format_args!("topic {} partition {}: {flaw}", key.topic.0, key.partition))?;
            }
            flaws += found.flaws.len();
            let (partitions, batches, bytes) = (found.partitions, found.batches, bytes_text(found.bytes));
            output.line(format_args!(
                "log {number}: {partitions} partitions, {batches} batches, {bytes}: {} partitions with flaws",
                found.flaws.len()
            ))?;
        }
        output.flush()?;
        match flaws {
            0 => Ok(()),
            _ => Err(Failure::of(Reason::CorruptSegment, format!("{}: {flaws} flaws", arguments.dir.display()))),
        }
    })
}
