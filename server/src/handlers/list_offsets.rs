//! `ListOffsets`: the ends of partitions, and records by timestamp.

use std::rc::Rc;

use corelog_engine::ids::{LeaderEpoch, PartitionKey};
use corelog_engine::partition::{EpochError, FetchError, Isolation, OffsetSpec};
use corelog_engine::shard::Shard;
use corelog_protocol::ErrorCode;
use corelog_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use corelog_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsResponse, ListOffsetsTopicResponse,
};
use corelog_rt::map::HashSet;

use super::fan_out;
use crate::broker::Broker;
use crate::net::request::Call;

/// The isolation level that stops at the first open transaction.
const READ_COMMITTED: i8 = 1;
/// Consumers ask with this replica; a positive one would be a broker, of which there is no other.
const CONSUMER: i32 = -1;
/// Debugging consumers ask with this replica.
const DEBUGGING_CONSUMER: i32 = -2;

/// The first version that carries leader epochs.
const VERSION_LEADER_EPOCHS: i16 = 4;

/// Answers for each partition.
pub async fn handle(broker: Rc<Broker>, call: Call, request: ListOffsetsRequest) -> ListOffsetsResponse {
    let isolation =
        if request.isolation_level == READ_COMMITTED { Isolation::ReadCommitted } else { Isolation::ReadUncommitted };
    let repeated = repeated(&request.topics);
    let is_replica = request.replica_id != CONSUMER && request.replica_id != DEBUGGING_CONSUMER;
    let asked = request.topics.iter().map(|topic| (topic.name.as_str(), topic.partitions.as_slice()));
    let version = call.version;
    let look_up = move |shard, key, asked| look_up(shard, key, asked, version, isolation);
    let answers = fan_out::by_name(&broker, asked, |partition| partition.partition_index, look_up).await;
    let answer = |(topic, answers): (ListOffsetsTopic, Vec<Option<ListOffsetsPartitionResponse>>)| {
        let partition = |(asked, answer): (&ListOffsetsPartition, Option<ListOffsetsPartitionResponse>)| {
            let index = asked.partition_index;
            if repeated.contains(&(topic.name.clone(), index)) {
                return failed(index, ErrorCode::InvalidRequest);
            }
            match answer {
                Some(_) if is_replica => failed(index, ErrorCode::NotLeaderOrFollower),
                Some(answer) => answer,
                None => failed(index, ErrorCode::UnknownTopicOrPartition),
            }
        };
        let partitions = topic.partitions.iter().zip(answers).map(partition).collect();
        ListOffsetsTopicResponse { name: topic.name, partitions }
    };
    ListOffsetsResponse { topics: request.topics.into_iter().zip(answers).map(answer).collect(), ..Default::default() }
}

/// Partitions that a request names more than once: refused, as in Kafka.
fn repeated(topics: &[ListOffsetsTopic]) -> HashSet<(corelog_protocol::Text, i32)> {
    let mut seen = HashSet::default();
    let all = topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(|partition| (topic.name.clone(), partition.partition_index)));
    all.filter(|partition| !seen.insert(partition.clone())).collect()
}

async fn look_up(
    shard: Rc<Shard>,
    key: PartitionKey,
    asked: ListOffsetsPartition,
    version: i16,
    isolation: Isolation,
) -> ListOffsetsPartitionResponse {
    let index = asked.partition_index;
    let Some(partition) = shard.partition(key) else { return failed(index, ErrorCode::NotLeaderOrFollower) };
    match partition.check_epoch(LeaderEpoch(asked.current_leader_epoch)) {
        Err(EpochError::Fenced) => return failed(index, ErrorCode::FencedLeaderEpoch),
        Err(EpochError::Unknown) => return failed(index, ErrorCode::UnknownLeaderEpoch),
        Ok(()) => {}
    }
    let Some(spec) = OffsetSpec::from_timestamp(asked.timestamp).filter(|spec| version >= version_min(*spec)) else {
        return failed(index, ErrorCode::UnsupportedVersion);
    };
    match partition.list_offset(spec, isolation).await {
        Ok(found) => ListOffsetsPartitionResponse {
            partition_index: index,
            error_code: ErrorCode::None.code(),
            timestamp: found.timestamp_ms,
            offset: found.offset.0,
            leader_epoch: match found.leader_epoch {
                Some(leader_epoch) if version >= VERSION_LEADER_EPOCHS => leader_epoch.0,
                _ => LeaderEpoch::UNKNOWN.0,
            },
        },
        Err(error) => failed(index, fetch_code(&error)),
    }
}

/// The first version that may ask for it.
fn version_min(spec: OffsetSpec) -> i16 {
    match spec {
        OffsetSpec::Latest | OffsetSpec::Earliest | OffsetSpec::AtOrAfter(_) => 1,
        OffsetSpec::MaxTimestamp => 7,
        OffsetSpec::EarliestLocal => 8,
        OffsetSpec::LatestTiered => 9,
        OffsetSpec::EarliestPendingUpload => 11,
    }
}

/// The code of a failed read.
pub fn fetch_code(error: &FetchError) -> ErrorCode {
    match error {
        FetchError::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        FetchError::Deleted => ErrorCode::NotLeaderOrFollower,
        FetchError::Storage(_) => ErrorCode::KafkaStorageError,
    }
}

fn failed(partition_index: i32, error: ErrorCode) -> ListOffsetsPartitionResponse {
    ListOffsetsPartitionResponse {
        partition_index,
        error_code: error.code(),
        timestamp: -1,
        offset: -1,
        leader_epoch: -1,
    }
}
