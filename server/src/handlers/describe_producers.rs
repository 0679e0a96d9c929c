//! `DescribeProducers`: the idempotent producers that partitions remember.

use std::rc::Rc;

use corelog_engine::ids::PartitionKey;
use corelog_engine::shard::Shard;
use corelog_protocol::ErrorCode;
use corelog_protocol::messages::describe_producers_request::{DescribeProducersRequest, TopicRequest};
use corelog_protocol::messages::describe_producers_response::{
    DescribeProducersResponse, PartitionResponse, ProducerState, TopicResponse,
};

use super::fan_out;
use crate::broker::Broker;
use crate::net::request::Call;

/// Answers for each partition.
pub async fn handle(broker: Rc<Broker>, _call: Call, request: DescribeProducersRequest) -> DescribeProducersResponse {
    let asked = request.topics.iter().map(|topic| (topic.name.as_str(), topic.partition_indexes.as_slice()));
    let answers = fan_out::by_name(&broker, asked, |index| *index, describe).await;
    let answer = |(topic, answers): (TopicRequest, Vec<Option<PartitionResponse>>)| {
        let partition = |(index, answer): (&i32, Option<PartitionResponse>)| {
            answer.unwrap_or_else(|| failed(*index, ErrorCode::UnknownTopicOrPartition))
        };
        let partitions = topic.partition_indexes.iter().zip(answers).map(partition).collect();
        TopicResponse { name: topic.name, partitions }
    };
    DescribeProducersResponse {
        topics: request.topics.into_iter().zip(answers).map(answer).collect(),
        ..Default::default()
    }
}

async fn describe(shard: Rc<Shard>, key: PartitionKey, index: i32) -> PartitionResponse {
    let Some(partition) = shard.partition(key) else { return failed(index, ErrorCode::NotLeaderOrFollower) };
    let producer = |(producer_id, state): (i64, corelog_engine::partition::ProducerState)| ProducerState {
        producer_id,
        producer_epoch: i32::from(state.epoch),
        last_sequence: state.batches.last().map_or(-1, |batch| batch.last_sequence),
        last_timestamp: state.last_timestamp_ms,
        coordinator_epoch: state.coordinator_epoch,
        current_txn_start_offset: -1,
    };
    PartitionResponse {
        partition_index: index,
        active_producers: partition.producers().into_iter().map(producer).collect(),
        ..Default::default()
    }
}

fn failed(partition_index: i32, error: ErrorCode) -> PartitionResponse {
    PartitionResponse { partition_index, error_code: error.code(), ..Default::default() }
}
