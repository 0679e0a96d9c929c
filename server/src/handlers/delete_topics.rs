//! `DeleteTopics`: by name, or from version 6 on by id; decided by the metadata state machine on shard 0.

use std::rc::Rc;

use corelog_engine::metadata::{DeletedTopic, TopicId, TopicReference};
use corelog_protocol::messages::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use corelog_protocol::messages::delete_topics_response::{DeletableTopicResult, DeleteTopicsResponse};
use corelog_protocol::{ErrorCode, Text, Uuid};
use corelog_rt::map::HashSet;

use super::refusal::metadata_result;
use crate::broker::Broker;
use crate::net::request::Call;

/// The first version that names topics by id.
const VERSION_IDS: i16 = 6;

/// Deletes the topics.
pub async fn handle(broker: Rc<Broker>, call: Call, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let topics = if call.version >= VERSION_IDS {
        request.topics
    } else {
        let by_name = |name| DeleteTopicState { name: Some(name), topic_id: Uuid::ZERO };
        request.topic_names.into_iter().map(by_name).collect()
    };
    let contradicts = |topic: &DeleteTopicState| topic.name.is_some() != topic.topic_id.is_zero();
    if let Some(topic) = topics.iter().find(|topic| contradicts(topic)) {
        let message = if topic.name.is_some() {
            "You may not specify both topic name and topic id."
        } else {
            "Neither topic name nor id were specified."
        };
        return DeleteTopicsResponse { responses: refuse_all(&topics, message), ..Default::default() };
    }
    let reference = |topic: &DeleteTopicState| match &topic.name {
        Some(name) => TopicReference::Name(name.as_str().to_owned()),
        None => TopicReference::Id(TopicId(topic.topic_id.0)),
    };
    let results = broker.delete_topics(topics.iter().map(reference).collect()).await;
    // What comes twice is answered once.
    let mut seen: HashSet<(Option<Text>, Uuid)> = HashSet::default();
    let answer = |(topic, result): (DeleteTopicState, Result<DeletedTopic, _>)| {
        if !seen.insert((topic.name.clone(), topic.topic_id)) {
            return None;
        }
        let (error_code, error_message) = metadata_result(&result);
        let (name, topic_id) = match result {
            Ok(deleted) => (Some(Text::from(&*deleted.name)), Uuid(deleted.id.0)),
            Err(_) => (topic.name, topic.topic_id),
        };
        Some(DeletableTopicResult { name, topic_id, error_code, error_message })
    };
    DeleteTopicsResponse {
        responses: topics.into_iter().zip(results).filter_map(answer).collect(),
        ..Default::default()
    }
}

fn refuse_all(topics: &[DeleteTopicState], message: &'static str) -> Vec<DeletableTopicResult> {
    let refuse = |topic: &DeleteTopicState| DeletableTopicResult {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        error_code: ErrorCode::InvalidRequest.code(),
        error_message: Some(Text::from_static(message)),
    };
    topics.iter().map(refuse).collect()
}
