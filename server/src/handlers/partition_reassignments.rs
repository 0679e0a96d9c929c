//! `AlterPartitionReassignments` and `ListPartitionReassignments`: decided by the metadata state machine on shard 0.
//!
//! With one broker every reassignment that is accepted is complete when it is answered, so none is ever listed.

use std::rc::Rc;

use corelog_engine::metadata::{MetadataError, Reassignment, TopicPartitions};
use corelog_protocol::Text;
use corelog_protocol::messages::alter_partition_reassignments_request::{
    AlterPartitionReassignmentsRequest, ReassignableTopic,
};
use corelog_protocol::messages::alter_partition_reassignments_response::{
    AlterPartitionReassignmentsResponse, ReassignablePartitionResponse, ReassignableTopicResponse,
};
use corelog_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsRequest;
use corelog_protocol::messages::list_partition_reassignments_response::ListPartitionReassignmentsResponse;

use super::refusal::{metadata_code, metadata_result};
use crate::broker::Broker;
use crate::net::request::Call;

/// Moves partitions to other brokers, or calls such moves off.
pub async fn handle_alter(
    broker: Rc<Broker>,
    _call: Call,
    request: AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let may_resize = request.allow_replication_factor_change;
    let wanted: Vec<TopicPartitions<Reassignment>> =
        request.topics.iter().map(|topic| wanted(&broker, topic)).collect();
    let response =
        AlterPartitionReassignmentsResponse { allow_replication_factor_change: may_resize, ..Default::default() };
    match broker.shard().command(move |state| state.reassign_partitions(&wanted, may_resize)).await {
        Ok(results) => {
            // Without topics, Kafka leaves the empty message that a fresh answer has.
            let error_message = request.topics.is_empty().then(Text::default);
            let responses = request.topics.into_iter().zip(results).map(|(topic, results)| answer(topic, &results));
            AlterPartitionReassignmentsResponse { responses: responses.collect(), error_message, ..response }
        }
        Err(error) => AlterPartitionReassignmentsResponse {
            error_code: metadata_code(&error).code(),
            error_message: Some(Text::from(error.to_string())),
            ..response
        },
    }
}

fn wanted(broker: &Broker, topic: &ReassignableTopic) -> TopicPartitions<Reassignment> {
    let partitions = topic.partitions.iter().map(|partition| Reassignment {
        partition: partition.partition_index,
        replicas: partition.replicas.as_ref().map(|ids| broker.meant_replicas(ids)),
    });
    TopicPartitions { topic: topic.name.as_str().to_owned(), partitions: partitions.collect() }
}

fn answer(topic: ReassignableTopic, results: &[Result<(), MetadataError>]) -> ReassignableTopicResponse {
    let partitions = topic.partitions.iter().zip(results).map(|(partition, result)| {
        let (error_code, message) = metadata_result(result);
        // Kafka has nothing to say about a reassignment that is not there.
        let error_message = message.filter(|_| !matches!(result, Err(MetadataError::NoReassignmentInProgress)));
        ReassignablePartitionResponse { partition_index: partition.partition_index, error_code, error_message }
    });
    ReassignableTopicResponse { partitions: partitions.collect(), name: topic.name }
}

/// Lists the reassignments in progress.
pub async fn handle_list(
    _broker: Rc<Broker>,
    _call: Call,
    _request: ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    ListPartitionReassignmentsResponse { error_message: None, ..Default::default() }
}
