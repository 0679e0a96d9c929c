//! Offsets of partitions by time, asked of their leaders.
//!
//! Runs on the tool's shard; called by `consume` and `topic describe`.

use corelog_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use corelog_protocol::messages::metadata_response::MetadataResponseTopic;
use corelog_rt::map::HashMap;

use super::cluster::Cluster;
use super::error::{ClientError, check};

/// Stands for the offset after the last record.
pub const LATEST: i64 = -1;
/// Stands for the offset of the first record.
pub const EARLIEST: i64 = -2;

/// The offset of the first record at or after `timestamp_ms`, or one of the special ones, of each of `partitions`; -1
/// where there is none so late.
pub async fn list(
    cluster: &mut Cluster,
    topic: &MetadataResponseTopic,
    partitions: &[i32],
    timestamp_ms: i64,
    committed: bool,
) -> Result<HashMap<i32, i64>, ClientError> {
    let name = topic.name.clone().unwrap_or_default();
    let mut leaders: Vec<(i32, ListOffsetsRequest)> = Vec::new();
    for partition in topic.partitions.iter().filter(|partition| partitions.contains(&partition.partition_index)) {
        let asked = ListOffsetsPartition {
            partition_index: partition.partition_index,
            timestamp: timestamp_ms,
            ..Default::default()
        };
        let known = leaders.iter_mut().find(|(leader, _)| *leader == partition.leader_id);
        if let Some(topic) = known.and_then(|(_, request)| request.topics.first_mut()) {
            topic.partitions.push(asked);
            continue;
        }
        let request = ListOffsetsRequest {
            replica_id: -1,
            isolation_level: i8::from(committed),
            topics: vec![ListOffsetsTopic { name: name.clone(), partitions: vec![asked] }],
            timeout_ms: 10_000,
        };
        leaders.push((partition.leader_id, request));
    }
    let mut offsets = HashMap::default();
    for (_, response) in cluster.call_each(&leaders, i16::MAX).await {
        for partition in response?.topics.iter().flat_map(|topic| &topic.partitions) {
            check(partition.error_code, None, || {
                format!("offsets of topic \"{name}\", partition {}", partition.partition_index)
            })?;
            offsets.insert(partition.partition_index, partition.offset);
        }
    }
    Ok(offsets)
}
