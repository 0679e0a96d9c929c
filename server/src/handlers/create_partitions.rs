//! `CreatePartitions`: decided by the metadata state machine on shard 0.

use std::rc::Rc;

use corelog_engine::metadata::{MetadataError, NewPartitions};
use corelog_protocol::Text;
use corelog_protocol::messages::create_partitions_request::{CreatePartitionsRequest, CreatePartitionsTopic};
use corelog_protocol::messages::create_partitions_response::{CreatePartitionsResponse, CreatePartitionsTopicResult};
use corelog_rt::map::HashSet;

use super::refusal::metadata_result;
use crate::broker::Broker;
use crate::net::request::Call;

/// Adds the partitions, or only says whether it would.
pub async fn handle(broker: Rc<Broker>, _call: Call, request: CreatePartitionsRequest) -> CreatePartitionsResponse {
    let commands = request.topics.iter().map(|topic| new_partitions(&broker, topic)).collect();
    let results = broker.create_partitions(commands, request.validate_only).await;
    let mut seen: HashSet<Text> = HashSet::default();
    let answer = |(topic, result): (CreatePartitionsTopic, Result<(), MetadataError>)| {
        let (error_code, message) = metadata_result(&result);
        // Kafka sends no message for a topic that it does not know.
        let is_unknown = matches!(result, Err(MetadataError::UnknownTopicOrPartition(_)));
        let error_message = message.filter(|_| !is_unknown);
        // A topic that comes twice is answered once.
        let is_first = seen.insert(topic.name.clone());
        is_first.then_some(CreatePartitionsTopicResult { name: topic.name, error_code, error_message })
    };
    CreatePartitionsResponse {
        results: request.topics.into_iter().zip(results).filter_map(answer).collect(),
        ..Default::default()
    }
}

fn new_partitions(broker: &Broker, topic: &CreatePartitionsTopic) -> NewPartitions {
    let assignments = topic.assignments.as_ref();
    NewPartitions {
        topic: topic.name.as_str().to_owned(),
        count: topic.count,
        assignments: assignments.map(|all| all.iter().map(|one| broker.meant_replicas(&one.broker_ids)).collect()),
    }
}
