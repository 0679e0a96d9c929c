//! `DescribeQuorum`: who keeps the metadata log, and how far it is. A quorum of one.

use std::rc::Rc;

use corelog_engine::ids::ShardId;
use corelog_engine::metadata::name::METADATA_TOPIC;
use corelog_protocol::messages::describe_quorum_request::DescribeQuorumRequest;
use corelog_protocol::messages::describe_quorum_response::{
    DescribeQuorumResponse, Listener, Node, PartitionData, ReplicaState, TopicData,
};
use corelog_protocol::{ErrorCode, Text};
use corelog_rt::time;

use super::refusal::metadata_code;
use crate::broker::Broker;
use crate::net::request::Call;

/// The first version that says where the voters listen.
const VERSION_NODES: i16 = 2;

/// Answers for the one partition of the metadata log. A request for anything else is answered as if nothing were here.
pub async fn handle(broker: Rc<Broker>, call: Call, request: DescribeQuorumRequest) -> DescribeQuorumResponse {
    let is_metadata = matches!(request.topics.as_slice(), [only]
        if only.topic_name == METADATA_TOPIC && matches!(only.partitions.as_slice(), [partition] if partition.partition_index == 0));
    let response = DescribeQuorumResponse { error_message: Some(Text::default()), ..Default::default() };
    if !is_metadata {
        let topics = request.topics.into_iter().map(|topic| TopicData {
            topic_name: topic.topic_name,
            partitions: topic.partitions.iter().map(|partition| unknown(partition.partition_index)).collect(),
        });
        return DescribeQuorumResponse { topics: topics.collect(), ..response };
    }
    let end = match broker.shard().metadata_log_end().await {
        Ok(end) => end.0,
        Err(error) => {
            let (error_code, message) = (metadata_code(&error).code(), Some(Text::from(error.to_string())));
            return DescribeQuorumResponse { error_code, error_message: message, ..response };
        }
    };
    let now_ms = time::unix_ms();
    let voter = ReplicaState {
        replica_id: broker.node_id(),
        log_end_offset: end,
        last_fetch_timestamp: now_ms,
        last_caught_up_timestamp: now_ms,
        ..Default::default()
    };
    let partition = PartitionData {
        error_message: Some(Text::default()),
        leader_id: broker.node_id(),
        leader_epoch: broker.image().term(),
        high_watermark: end,
        current_voters: vec![voter],
        ..Default::default()
    };
    let topic = TopicData { topic_name: Text::from_static(METADATA_TOPIC), partitions: vec![partition] };
    let topics = vec![topic];
    if call.version < VERSION_NODES {
        return DescribeQuorumResponse { topics, ..response };
    }
    let told = broker.endpoints().of_shard(call.connection.entrance.listener, ShardId(0)).endpoint;
    let port = u16::try_from(told.port).unwrap_or(0);
    let listeners = vec![Listener { name: told.name.clone(), host: told.host.clone(), port }];
    DescribeQuorumResponse { topics, nodes: vec![Node { node_id: broker.node_id(), listeners }], ..response }
}

fn unknown(partition_index: i32) -> PartitionData {
    PartitionData {
        partition_index,
        error_code: ErrorCode::UnknownTopicOrPartition.code(),
        error_message: Some(Text::from_static("There is no such partition of the metadata log.")),
        ..Default::default()
    }
}
