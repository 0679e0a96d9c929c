//! `corelog group delete`.
//!
//! Runs on the tool's shard. Each group has its own outcome; the first refusal ends the command after all were told.

use super::arguments::GroupDeleteArguments;
use crate::cli::client::cluster::Cluster;
use crate::cli::client::groups;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Deletes groups.
pub async fn delete(
    cluster: &mut Cluster,
    arguments: &GroupDeleteArguments,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut failure: Option<Failure> = None;
    for group in &arguments.groups {
        match groups::delete(cluster, group).await {
            Ok(()) => output.line(format_args!("deleted group {group}"))?,
            Err(error) => {
                failure = Some(match failure {
                    None => Failure::from(error),
                    Some(first) => first.advise(format!("also {error}")),
                });
            }
        }
    }
    failure.map_or(Ok(()), Err)
}
