//! `ElectLeaders`: decided by the metadata state machine on shard 0.

use std::rc::Rc;

use corelog_engine::metadata::{ElectionType, MetadataError, TopicPartitions};
use corelog_protocol::messages::elect_leaders_request::ElectLeadersRequest;
use corelog_protocol::messages::elect_leaders_response::{
    ElectLeadersResponse, PartitionResult, ReplicaElectionResult,
};
use corelog_protocol::{ErrorCode, Text};

use super::refusal::metadata_result;
use crate::broker::Broker;
use crate::net::request::Call;

/// Elects leaders of the partitions that are named, or of all.
pub async fn handle(broker: Rc<Broker>, _call: Call, request: ElectLeadersRequest) -> ElectLeadersResponse {
    let asks_for_all = request.topic_partitions.is_none();
    let topics = match request.topic_partitions {
        None => every_partition(&broker),
        Some(topics) => {
            let wanted = |topic: corelog_protocol::messages::elect_leaders_request::TopicPartitions| TopicPartitions {
                topic: topic.topic.as_str().to_owned(),
                partitions: topic.partitions,
            };
            topics.into_iter().map(wanted).collect()
        }
    };
    if topics.is_empty() && !asks_for_all {
        return response(ErrorCode::None, Vec::new());
    }
    let Some(kind) = ElectionType::from_number(request.election_type) else {
        let message = Text::from(format!("Unknown election type {}", request.election_type));
        let refuse = || (ErrorCode::InvalidRequest.code(), Some(message.clone()));
        // Where all were asked for, none is answered for.
        let topics = if asks_for_all { Vec::new() } else { topics };
        let results = topics.into_iter().map(|topic| answer(topic, |_| Some(refuse()))).collect();
        return response(ErrorCode::InvalidRequest, results);
    };
    let asked = topics.clone();
    match broker.shard().command(move |state| state.elect_leaders(kind, &asked)).await {
        Ok(elected) => {
            // Of all partitions, those are told that needed an election.
            let told = |result: &Result<(), MetadataError>| {
                let is_needed = !matches!(
                    result,
                    Err(MetadataError::Election(corelog_engine::metadata::error::ElectionError::NotNeeded))
                );
                (is_needed || !asks_for_all).then(|| metadata_result(result))
            };
            let results = topics.into_iter().zip(elected);
            let results = results.map(|(topic, results)| answer(topic, |index| results.get(index).and_then(told)));
            response(ErrorCode::None, results.collect())
        }
        Err(error) => response(super::refusal::metadata_code(&error), Vec::new()),
    }
}

fn response(error: ErrorCode, replica_election_results: Vec<ReplicaElectionResult>) -> ElectLeadersResponse {
    ElectLeadersResponse { error_code: error.code(), replica_election_results, ..Default::default() }
}

/// What is told of each partition of a topic, by its place in the request.
fn answer(topic: TopicPartitions<i32>, result: impl Fn(usize) -> Option<(i16, Option<Text>)>) -> ReplicaElectionResult {
    let partition = |(index, partition_id): (usize, i32)| {
        let (error_code, error_message) = result(index)?;
        Some(PartitionResult { partition_id, error_code, error_message })
    };
    let partition_result = topic.partitions.into_iter().enumerate().filter_map(partition).collect();
    ReplicaElectionResult { topic: Text::from(topic.topic), partition_result }
}

fn every_partition(broker: &Broker) -> Vec<TopicPartitions<i32>> {
    let image = broker.image();
    let topics = image.topics().map(|topic| TopicPartitions {
        topic: topic.name.to_string(),
        partitions: (0..topic.partitions.len() as i32).collect(),
    });
    topics.collect()
}
