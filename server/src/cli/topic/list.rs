//! `corelog topic list`.
//!
//! Runs on the tool's shard.

use serde::Serialize;

use crate::cli::arguments::TopicListArguments;
use crate::cli::client::cluster::Cluster;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, table};

/// One topic of the list.
#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    partitions: usize,
    replication_factor: usize,
    internal: bool,
    id: String,
}

/// Prints the topics by name.
pub async fn list(cluster: &mut Cluster, arguments: &TopicListArguments, output: &mut Output) -> Result<(), Failure> {
    let response = cluster.metadata(None, false).await?;
    let mut topics: Vec<Listed> = response
        .topics
        .iter()
        .filter(|topic| arguments.internal || !topic.is_internal)
        .map(|topic| Listed {
            name: topic.name.as_deref().unwrap_or_default().to_owned(),
            partitions: topic.partitions.len(),
            replication_factor: topic.partitions.first().map_or(0, |partition| partition.replica_nodes.len()),
            internal: topic.is_internal,
            id: topic.topic_id.to_string(),
        })
        .collect();
    topics.sort_by(|left, right| left.name.cmp(&right.name));
    if arguments.json {
        return output.json(&topics);
    }
    if topics.is_empty() {
        return output.line("there are no topics; `corelog topic create NAME` makes one");
    }
    let mut rows = table(&["topic", "partitions", "replicas", "id"]);
    for topic in &topics {
        rows.add_row([
            topic.name.clone(),
            topic.partitions.to_string(),
            topic.replication_factor.to_string(),
            topic.id.clone(),
        ]);
    }
    output.table(&rows)
}
