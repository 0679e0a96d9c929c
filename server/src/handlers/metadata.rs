//! `Metadata`: brokers, topics and partitions, and the creation of topics that clients ask for before they exist.
//!
//! Answered from the image of the shard that owns the connection. A topic that is created on the way is in the answer:
//! no client has to ask twice.

use std::rc::Rc;

use corelog_engine::metadata::{MetadataError, NewTopic, PartitionImage, TopicId, TopicImage, name};
use corelog_protocol::messages::metadata_request::{MetadataRequest, MetadataRequestTopic};
use corelog_protocol::messages::metadata_response::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use corelog_protocol::{ErrorCode, Text, Uuid};
use corelog_rt::map::HashSet;

use super::refusal::metadata_code;
use crate::broker::Broker;
use crate::net::request::Call;

/// What a client may do with a topic where nobody forbids anything: bits of Kafka's operation numbers.
pub const TOPIC_OPERATIONS: i32 = 0b1101_1111_1000;
/// What a client may do with the cluster.
pub const CLUSTER_OPERATIONS: i32 = 0b1_1111_1010_0000;
/// Stands for "not asked for".
pub const OPERATIONS_NOT_ASKED: i32 = i32::MIN;

/// The first version that tells "all topics" from "no topics".
const VERSION_NULL_TOPICS: i16 = 1;
/// The first version that asks for topics by id.
const VERSION_TOPIC_IDS: i16 = 12;
/// The last version that asks for the operations on the cluster.
const VERSION_CLUSTER_OPERATIONS_MAX: i16 = 10;

/// Answers for the topics that the client asks for.
pub async fn handle(broker: Rc<Broker>, call: Call, request: MetadataRequest) -> MetadataResponse {
    let operations = if request.include_topic_authorized_operations { TOPIC_OPERATIONS } else { OPERATIONS_NOT_ASKED };
    let asks_for_all = match &request.topics {
        None => true,
        Some(topics) => topics.is_empty() && call.version < VERSION_NULL_TOPICS,
    };
    let topics = if asks_for_all {
        let image = broker.image();
        image.topics().map(|topic| describe(&broker, topic, operations)).collect()
    } else {
        let topics = request.topics.unwrap_or_default();
        named_topics(&broker, call.version, topics, request.allow_auto_topic_creation, operations).await
    };
    let told = broker.endpoints().all(call.connection.entrance.listener).map(|told| MetadataResponseBroker {
        node_id: told.id,
        host: told.endpoint.host.clone(),
        port: told.endpoint.port,
        rack: broker.rack().cloned(),
    });
    let asks_for_operations =
        request.include_cluster_authorized_operations && call.version <= VERSION_CLUSTER_OPERATIONS_MAX;
    MetadataResponse {
        brokers: told.collect(),
        cluster_id: Some(Text::from(broker.image().cluster_id().to_string())),
        controller_id: broker.node_id(),
        topics,
        cluster_authorized_operations: if asks_for_operations { CLUSTER_OPERATIONS } else { OPERATIONS_NOT_ASKED },
        ..Default::default()
    }
}

async fn named_topics(
    broker: &Rc<Broker>,
    version: i16,
    topics: Vec<MetadataRequestTopic>,
    may_create: bool,
    operations: i32,
) -> Vec<MetadataResponseTopic> {
    let uses_ids = topics.iter().any(|topic| !topic.topic_id.is_zero());
    if version < VERSION_TOPIC_IDS && (uses_ids || topics.iter().any(|topic| topic.name.is_none())) {
        let refuse = |topic: MetadataRequestTopic| MetadataResponseTopic {
            // Versions before the one with ids cannot leave out the name.
            name: Some(topic.name.unwrap_or_default()),
            topic_id: topic.topic_id,
            ..failed(ErrorCode::InvalidRequest, operations)
        };
        return topics.into_iter().map(refuse).collect();
    }
    if uses_ids {
        let mut seen = HashSet::default();
        let ids = topics.iter().map(|topic| topic.topic_id).filter(|id| !id.is_zero() && seen.insert(*id));
        return ids.map(|id| by_id(broker, id, operations)).collect();
    }
    let mut seen = HashSet::default();
    let names: Vec<Text> =
        topics.into_iter().filter_map(|topic| topic.name).filter(|name| seen.insert(name.clone())).collect();
    let refused = if may_create { create_missing(broker, &names).await } else { Vec::new() };
    let image = broker.image();
    let by_name = |name: &Text| {
        if let Some(topic) = image.topic(name) {
            return describe(broker, topic, operations);
        }
        let refusal = refused.iter().find(|(refused, _)| refused == name).map(|(_, code)| *code);
        let malformed = || name::check(name).is_err().then_some(ErrorCode::InvalidTopicException);
        let code = refusal.or_else(malformed).unwrap_or(ErrorCode::UnknownTopicOrPartition);
        MetadataResponseTopic { name: Some(name.clone()), ..failed(code, operations) }
    };
    names.iter().map(by_name).collect()
}

/// Creates the topics that do not exist, if the broker may. Returns why some were not created.
async fn create_missing(broker: &Rc<Broker>, names: &[Text]) -> Vec<(Text, ErrorCode)> {
    let missing: Vec<Text> = {
        let image = broker.image();
        names.iter().filter(|name| image.topic(name).is_none()).cloned().collect()
    };
    if missing.is_empty() || !broker.creates_topics_on_demand() {
        return Vec::new();
    }
    let new_topic = |name: &Text| NewTopic {
        name: name.as_str().to_owned(),
        partitions: -1,
        replication_factor: -1,
        ..Default::default()
    };
    let results = broker.create_topics(missing.iter().map(new_topic).collect(), false).await;
    let refusal = |(name, result): (Text, Result<_, MetadataError>)| match result {
        // Somebody else was quicker.
        Ok(_) | Err(MetadataError::TopicAlreadyExists(_)) => None,
        Err(error) => Some((name, metadata_code(&error))),
    };
    missing.into_iter().zip(results).filter_map(refusal).collect()
}

fn by_id(broker: &Broker, id: Uuid, operations: i32) -> MetadataResponseTopic {
    match broker.image().topic_by_id(TopicId(id.0)) {
        Some(topic) => describe(broker, topic, operations),
        None => MetadataResponseTopic {
            name: None,
            topic_id: id,
            ..failed(ErrorCode::UnknownTopicId, OPERATIONS_NOT_ASKED)
        },
    }
}

fn failed(code: ErrorCode, operations: i32) -> MetadataResponseTopic {
    MetadataResponseTopic { error_code: code.code(), topic_authorized_operations: operations, ..Default::default() }
}

fn describe(broker: &Broker, topic: &TopicImage, operations: i32) -> MetadataResponseTopic {
    let image = broker.image();
    let partition = |(index, partition): (usize, &PartitionImage)| {
        let replicas = broker.told_replicas(partition);
        MetadataResponsePartition {
            partition_index: index as i32,
            leader_id: replicas.first().copied().unwrap_or(-1),
            leader_epoch: image.leader_epoch(partition).0,
            isr_nodes: replicas.clone(),
            replica_nodes: replicas,
            ..Default::default()
        }
    };
    MetadataResponseTopic {
        name: Some(Text::from(&*topic.name)),
        topic_id: Uuid(topic.id.0),
        is_internal: name::is_internal(&topic.name),
        partitions: topic.partitions.iter().enumerate().map(partition).collect(),
        topic_authorized_operations: operations,
        ..Default::default()
    }
}
