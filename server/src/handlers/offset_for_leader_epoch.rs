//! `OffsetForLeaderEpoch`: where a term of a partition's leader ended, for clients that look for divergence.

use std::rc::Rc;

use corelog_engine::ids::{LeaderEpoch, PartitionKey};
use corelog_engine::partition::EpochError;
use corelog_engine::shard::Shard;
use corelog_protocol::ErrorCode;
use corelog_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use corelog_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderEpochResponse, OffsetForLeaderTopicResult,
};

use super::fan_out;
use crate::broker::Broker;
use crate::net::request::Call;

/// Answers for each partition.
pub async fn handle(
    broker: Rc<Broker>,
    _call: Call,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let asked = request.topics.iter().map(|topic| (topic.topic.as_str(), topic.partitions.as_slice()));
    let answers = fan_out::by_name(&broker, asked, |partition| partition.partition, look_up).await;
    let answer = |(topic, answers): (OffsetForLeaderTopic, Vec<Option<EpochEndOffset>>)| OffsetForLeaderTopicResult {
        partitions: (topic.partitions.iter().zip(answers))
            .map(|(asked, answer)| {
                answer.unwrap_or_else(|| failed(asked.partition, ErrorCode::UnknownTopicOrPartition))
            })
            .collect(),
        topic: topic.topic,
    };
    OffsetForLeaderEpochResponse {
        topics: request.topics.into_iter().zip(answers).map(answer).collect(),
        ..Default::default()
    }
}

async fn look_up(shard: Rc<Shard>, key: PartitionKey, asked: OffsetForLeaderPartition) -> EpochEndOffset {
    let Some(partition) = shard.partition(key) else {
        return failed(asked.partition, ErrorCode::NotLeaderOrFollower);
    };
    match partition.check_epoch(LeaderEpoch(asked.current_leader_epoch)) {
        Err(EpochError::Fenced) => return failed(asked.partition, ErrorCode::FencedLeaderEpoch),
        Err(EpochError::Unknown) => return failed(asked.partition, ErrorCode::UnknownLeaderEpoch),
        Ok(()) => {}
    }
    match partition.epoch_end(LeaderEpoch(asked.leader_epoch)).filter(|_| asked.leader_epoch >= 0) {
        Some(found) => EpochEndOffset {
            partition: asked.partition,
            leader_epoch: found.leader_epoch.0,
            end_offset: found.end.0,
            ..Default::default()
        },
        None => failed(asked.partition, ErrorCode::None),
    }
}

fn failed(partition: i32, error: ErrorCode) -> EpochEndOffset {
    EpochEndOffset { error_code: error.code(), partition, leader_epoch: -1, end_offset: -1 }
}
