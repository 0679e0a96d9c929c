//! `CreateTopics`: decided by the metadata state machine on shard 0; this file turns the wire into its command and back.

use std::rc::Rc;

use corelog_engine::metadata::{CreatedTopic, NewTopic};
use corelog_protocol::messages::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use corelog_protocol::messages::create_topics_response::{
    CreatableTopicConfigs, CreatableTopicResult, CreateTopicsResponse,
};
use corelog_protocol::{Text, Uuid};
use corelog_rt::map::HashSet;

use super::refusal::metadata_result;
use crate::broker::Broker;
use crate::net::request::Call;

/// Creates the topics, or only says whether it would.
pub async fn handle(broker: Rc<Broker>, _call: Call, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let commands = request.topics.iter().map(|topic| new_topic(&broker, topic)).collect();
    let results = broker.create_topics(commands, request.validate_only).await;
    let mut seen: HashSet<Text> = HashSet::default();
    let answer = |(topic, result): (CreatableTopic, Result<CreatedTopic, _>)| {
        // A topic that comes twice is answered once.
        if !seen.insert(topic.name.clone()) {
            return None;
        }
        let (error_code, error_message) = metadata_result(&result);
        let refused = CreatableTopicResult {
            name: topic.name,
            error_code,
            error_message,
            num_partitions: -1,
            replication_factor: -1,
            configs: Some(Vec::new()),
            ..Default::default()
        };
        Some(match result {
            Ok(created) => CreatableTopicResult {
                topic_id: Uuid(created.id.0),
                num_partitions: created.partitions as i32,
                replication_factor: created.replication_factor as i16,
                configs: Some(configs(&broker, &created)),
                ..refused
            },
            Err(_) => refused,
        })
    };
    let topics = request.topics.into_iter().zip(results).filter_map(answer).collect();
    CreateTopicsResponse { topics, ..Default::default() }
}

fn new_topic(broker: &Broker, topic: &CreatableTopic) -> NewTopic {
    NewTopic {
        name: topic.name.as_str().to_owned(),
        partitions: topic.num_partitions,
        replication_factor: i32::from(topic.replication_factor),
        assignments: topic
            .assignments
            .iter()
            .map(|assignment| (assignment.partition_index, broker.meant_replicas(&assignment.broker_ids)))
            .collect(),
        configs: topic
            .configs
            .iter()
            .map(|config| {
                (config.name.as_str().to_owned(), config.value.as_ref().map(|value| value.as_str().to_owned()))
            })
            .collect(),
    }
}

fn configs(broker: &Broker, created: &CreatedTopic) -> Vec<CreatableTopicConfigs> {
    let image = broker.image();
    let layers = image.broker_layers(broker.node_id(), broker.statics());
    let shown = layers.describe_topic(&created.configs).into_iter().map(|config| CreatableTopicConfigs {
        name: Text::from(config.name),
        value: config.value.map(Text::from),
        read_only: config.read_only,
        config_source: config.source as i8,
        is_sensitive: config.sensitive,
    });
    shown.collect()
}
