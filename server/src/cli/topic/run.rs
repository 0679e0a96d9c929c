//! From the arguments of `corelog topic` to its commands.
//!
//! Runs on the first thread; the commands run on the tool's shard.

use super::{change, describe, list};
use crate::cli::arguments::TopicCommand;
use crate::cli::client::cluster::Cluster;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::shard;

/// Does what the command says.
pub fn run(command: TopicCommand, bootstrap: String) -> Result<(), Failure> {
    let command = std::sync::Arc::new(command);
    shard::run(move || async move {
        let mut cluster = Cluster::connect(&bootstrap).await?;
        let mut output = Output::new();
        let done = match &*command {
            TopicCommand::Create(arguments) => change::create(&mut cluster, arguments, &mut output).await,
            TopicCommand::List(arguments) => list::list(&mut cluster, arguments, &mut output).await,
            TopicCommand::Describe(arguments) => describe::describe(&mut cluster, arguments, &mut output).await,
            TopicCommand::Delete(arguments) => change::delete(&mut cluster, arguments, &mut output).await,
            TopicCommand::Alter(arguments) => change::alter(&mut cluster, arguments, &mut output).await,
        };
        // What was done is told even where the rest failed.
        output.flush().and(done)
    })
}
