//! From the arguments of `corelog group` to its commands.
//!
//! Runs on the first thread; the commands run on the tool's shard.

use super::arguments::GroupCommand;
use super::{delete, describe, list, reset};
use crate::cli::client::cluster::Cluster;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::shard;

/// Does what the command says.
pub fn run(command: GroupCommand, bootstrap: String) -> Result<(), Failure> {
    // A file that makes no sense is told before a broker is asked.
    let target = match &command {
        GroupCommand::ResetOffsets(arguments) => Some(super::target::of(arguments)?),
        _ => None,
    };
    let command = std::sync::Arc::new((command, target));
    shard::run(move || async move {
        let mut cluster = Cluster::connect(&bootstrap).await?;
        let mut output = Output::new();
        let done = match &*command {
            (GroupCommand::List(arguments), _) => list::list(&mut cluster, arguments, &mut output).await,
            (GroupCommand::Describe(arguments), _) => describe::describe(&mut cluster, arguments, &mut output).await,
            (GroupCommand::ResetOffsets(arguments), Some(target)) => {
                reset::reset(&mut cluster, arguments, target, &mut output).await
            }
            (GroupCommand::Delete(arguments), _) => delete::delete(&mut cluster, arguments, &mut output).await,
            (GroupCommand::ResetOffsets(_), None) => Ok(()),
        };
        // What was done is told even where the rest failed.
        output.flush().and(done)
    })
}
