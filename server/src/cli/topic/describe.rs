//! `corelog topic describe`: partitions with their leaders and offsets, and settings.
//!
//! Runs on the tool's shard.

use corelog_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use corelog_protocol::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};
use corelog_rt::map::HashMap;
use serde::Serialize;

use crate::cli::arguments::TopicDescribeArguments;
use crate::cli::client::cluster::Cluster;
use crate::cli::client::error::check;
use crate::cli::client::{offsets, topics};
use crate::cli::failure::Failure;
use crate::cli::output::{Output, table};

/// Kafka's number for a setting that the topic itself has.
const SOURCE_TOPIC: i8 = 1;
/// Kafka's names for where a setting comes from, by number from 1.
const SOURCES: [&str; 8] =
    ["topic", "broker-dynamic", "cluster-dynamic", "broker", "default", "logger", "client", "group"];

#[derive(Debug, Serialize)]
struct Described {
    name: String,
    id: String,
    internal: bool,
    configs: Vec<Config>,
    partitions: Vec<Partition>,
}

#[derive(Debug, Serialize)]
struct Config {
    name: String,
    value: Option<String>,
    source: &'static str,
}

#[derive(Debug, Serialize)]
struct Partition {
    partition: i32,
    leader: Option<i32>,
    leader_epoch: i32,
    replicas: Vec<i32>,
    in_sync: Vec<i32>,
    start_offset: Option<i64>,
    end_offset: Option<i64>,
}

/// Prints the named topics, or all but the broker's own.
pub async fn describe(
    cluster: &mut Cluster,
    arguments: &TopicDescribeArguments,
    output: &mut Output,
) -> Result<(), Failure> {
    let asked = (!arguments.topics.is_empty()).then_some(arguments.topics.as_slice());
    let response = cluster.metadata(asked, false).await?;
    let mut topics: Vec<_> =
        response.topics.into_iter().filter(|topic| asked.is_some() || !topic.is_internal).collect();
    topics.sort_by(|left, right| left.name.cmp(&right.name));
    let mut described = Vec::new();
    for topic in &mut topics {
        let name = topic.name.as_deref().unwrap_or_default().to_owned();
        check(topic.error_code, None, || format!("topic \"{name}\""))?;
        topic.partitions.sort_by_key(|partition| partition.partition_index);
        described.push(one(cluster, topic, name, arguments.all_configs).await?);
    }
    if arguments.json {
        return output.json(&described);
    }
    if described.is_empty() {
        return output.line("there are no topics; `corelog topic create NAME` makes one");
    }
    for (index, topic) in described.iter().enumerate() {
        if index > 0 {
            output.line("")?;
        }
        print(topic, output)?;
    }
    Ok(())
}

async fn one(
    cluster: &mut Cluster,
    topic: &MetadataResponseTopic,
    name: String,
    all_configs: bool,
) -> Result<Described, Failure> {
    let led: Vec<i32> =
        topic.partitions.iter().filter(|partition| partition.leader_id >= 0).map(|p| p.partition_index).collect();
    let starts = offsets::list(cluster, topic, &led, offsets::EARLIEST, false).await?;
    let ends = offsets::list(cluster, topic, &led, offsets::LATEST, false).await?;
    let mut configs = Vec::new();
    for result in topics::configs(cluster, std::slice::from_ref(&name)).await? {
        let shown = result.configs.iter().filter(|config| all_configs || config.config_source == SOURCE_TOPIC);
        configs.extend(shown.map(config));
    }
    configs.sort_by(|left, right| left.name.cmp(&right.name));
    let partitions = topic.partitions.iter().map(|partition| self::partition(partition, &starts, &ends)).collect();
    Ok(Described { name, id: topic.topic_id.to_string(), internal: topic.is_internal, configs, partitions })
}

fn config(config: &DescribeConfigsResourceResult) -> Config {
    let index = usize::try_from(config.config_source).ok().and_then(|source| source.checked_sub(1));
    Config {
        name: config.name.to_string(),
        value: config.value.as_deref().map(str::to_owned),
        source: index.and_then(|index| SOURCES.get(index)).copied().unwrap_or("unknown"),
    }
}

fn partition(partition: &MetadataResponsePartition, starts: &HashMap<i32, i64>, ends: &HashMap<i32, i64>) -> Partition {
    Partition {
        partition: partition.partition_index,
        leader: (partition.leader_id >= 0).then_some(partition.leader_id),
        leader_epoch: partition.leader_epoch,
        replicas: partition.replica_nodes.clone(),
        in_sync: partition.isr_nodes.clone(),
        start_offset: starts.get(&partition.partition_index).copied(),
        end_offset: ends.get(&partition.partition_index).copied(),
    }
}

fn print(topic: &Described, output: &mut Output) -> Result<(), Failure> {
    let internal = if topic.internal { ", internal" } else { "" };
    output.line(format_args!("topic {} (id {}{internal})", topic.name, topic.id))?;
    if !topic.configs.is_empty() {
        output.line("")?;
        let mut rows = table(&["setting", "value", "from"]);
        for config in &topic.configs {
            rows.add_row([&config.name, config.value.as_deref().unwrap_or("-"), config.source]);
        }
        output.table(&rows)?;
    }
    output.line("")?;
    let mut rows = table(&["partition", "leader", "epoch", "replicas", "in sync", "start", "end", "records"]);
    let number = |number: Option<i64>| number.map_or("-".to_owned(), |number| number.to_string());
    for partition in &topic.partitions {
        let records = partition.end_offset.zip(partition.start_offset).map(|(end, start)| end - start);
        rows.add_row([
            partition.partition.to_string(),
            number(partition.leader.map(i64::from)),
            partition.leader_epoch.to_string(),
            nodes(&partition.replicas),
            nodes(&partition.in_sync),
            number(partition.start_offset),
            number(partition.end_offset),
            number(records),
        ]);
    }
    output.table(&rows)
}

fn nodes(nodes: &[i32]) -> String {
    nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
