//! `corelog topic create`, `delete` and `alter`.
//!
//! Runs on the tool's shard. Each topic has its own outcome; the first refusal ends the command after all were told.

use corelog_protocol::ErrorCode;

use crate::cli::arguments::{TopicAlterArguments, TopicCreateArguments, TopicDeleteArguments};
use crate::cli::client::cluster::Cluster;
use crate::cli::client::error::ClientError;
use crate::cli::client::topics::{self, NewTopic};
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Creates topics.
pub async fn create(
    cluster: &mut Cluster,
    arguments: &TopicCreateArguments,
    output: &mut Output,
) -> Result<(), Failure> {
    let new = |name: &String| NewTopic {
        name: name.clone(),
        partitions: arguments.partitions,
        replication_factor: arguments.replication_factor,
        configs: arguments.configs.clone(),
    };
    let wanted: Vec<NewTopic> = arguments.topics.iter().map(new).collect();
    let mut outcomes = Vec::new();
    for outcome in topics::create(cluster, &wanted, arguments.dry_run).await? {
        match outcome {
            Ok(created) => {
                let verb = if arguments.dry_run { "could create" } else { "created" };
                let size = match (created.num_partitions, created.replication_factor) {
                    (-1, _) => String::new(),
                    (partitions, replicas) => format!(" with {}", size_text(partitions, replicas)),
                };
                output.line(format_args!("{verb} topic {}{size}", created.name))?;
            }
            Err(error) if arguments.if_not_exists && error.code() == Some(ErrorCode::TopicAlreadyExists) => {}
            Err(error) => outcomes.push(error),
        }
    }
    first_of(outcomes)
}

fn size_text(partitions: i32, replicas: i16) -> String {
    let plural = |count: i32| if count == 1 { "" } else { "s" };
    format!("{partitions} partition{}, {replicas} replica{} each", plural(partitions), plural(replicas.into()))
}

/// Deletes topics.
pub async fn delete(
    cluster: &mut Cluster,
    arguments: &TopicDeleteArguments,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut outcomes = Vec::new();
    for (name, outcome) in topics::delete(cluster, &arguments.topics).await? {
        match outcome {
            Ok(()) => output.line(format_args!("deleted topic {name}"))?,
            Err(error) if arguments.if_exists && error.code() == Some(ErrorCode::UnknownTopicOrPartition) => {}
            Err(error) => outcomes.push(error),
        }
    }
    first_of(outcomes)
}

/// Changes a topic.
pub async fn alter(cluster: &mut Cluster, arguments: &TopicAlterArguments, output: &mut Output) -> Result<(), Failure> {
    let name = &arguments.topic;
    // The broker answers an unknown topic in different ways; asked first, it says so plainly.
    cluster.topic(name, false).await?;
    if !arguments.configs.is_empty() || !arguments.removed_configs.is_empty() {
        topics::alter_configs(cluster, name, &arguments.configs, &arguments.removed_configs).await?;
        for (config, value) in &arguments.configs {
            output.line(format_args!("topic {name}: {config} is now {value}"))?;
        }
        for config in &arguments.removed_configs {
            output.line(format_args!("topic {name}: {config} has its default again"))?;
        }
    }
    if let Some(partitions) = arguments.partitions {
        topics::grow(cluster, name, partitions).await?;
        output.line(format_args!("topic {name}: now {partitions} partitions"))?;
    }
    Ok(())
}

/// The first refusal as the failure of the command, with the others below it.
fn first_of(errors: Vec<ClientError>) -> Result<(), Failure> {
    let mut errors = errors.into_iter();
    match errors.next() {
        None => Ok(()),
        Some(first) => Err(errors.fold(Failure::from(first), |failure, error| failure.advise(format!("also {error}")))),
    }
}
