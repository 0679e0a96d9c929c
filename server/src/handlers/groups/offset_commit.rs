//! `OffsetCommit`: how far a group got.
//!
//! Topics and partitions that do not exist are refused here; the rest goes to the coordinator, with names and ids both.

use std::rc::Rc;

use corelog_engine::metadata::{MetadataImage, TopicId, TopicImage};
use corelog_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use corelog_protocol::messages::offset_commit_response::{
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use corelog_protocol::{ErrorCode, Text, Uuid};

use crate::broker::Broker;
use crate::groups::offsets::commit::{VERSION_TOPIC_IDS, refuse_all};
use crate::groups::service::{Slot, ask, place_of};
use crate::net::request::Call;

/// Asks the coordinator for what can be committed. What is refused here comes first in the answer, as in Kafka.
pub async fn handle(broker: Rc<Broker>, call: Call, mut request: OffsetCommitRequest) -> OffsetCommitResponse {
    let version = call.version;
    let mut refused = Vec::new();
    let asked = std::mem::take(&mut request.topics);
    request.topics = {
        let image = broker.image();
        asked.into_iter().filter_map(|topic| sift(&image, version, topic, &mut refused)).collect()
    };
    let answered = if request.topics.is_empty() {
        OffsetCommitResponse::default()
    } else {
        let place = place_of(&broker, &request.group_id);
        let template = OffsetCommitRequest { topics: request.topics.clone(), ..Default::default() };
        let answered = ask(&broker, place, move |slot| commit_at(slot, request, version)).await;
        answered.unwrap_or_else(|error| refuse_all(&template, error))
    };
    let mut topics = merge(refused, answered.topics);
    for topic in &mut topics {
        if version >= VERSION_TOPIC_IDS {
            topic.name = Text::default();
        } else {
            topic.topic_id = Uuid::ZERO;
        }
    }
    OffsetCommitResponse { topics, ..Default::default() }
}

async fn commit_at(
    slot: Rc<Slot>,
    request: OffsetCommitRequest,
    version: i16,
) -> Result<OffsetCommitResponse, ErrorCode> {
    if !slot.has_room() {
        return Err(ErrorCode::CoordinatorNotAvailable);
    }
    slot.durably(|coordinator, now| coordinator.commit(&request, version, now)).await
}

/// Takes out what does not exist; gives what does, if anything, with the topic's name and id.
fn sift(
    image: &MetadataImage,
    version: i16,
    mut topic: OffsetCommitRequestTopic,
    refused: &mut Vec<OffsetCommitResponseTopic>,
) -> Option<OffsetCommitRequestTopic> {
    let (found, unknown): (Option<&TopicImage>, _) = if version >= VERSION_TOPIC_IDS {
        (image.topic_by_id(TopicId(topic.topic_id.0)).map(AsRef::as_ref), ErrorCode::UnknownTopicId)
    } else {
        (image.topic(&topic.name).map(AsRef::as_ref), ErrorCode::UnknownTopicOrPartition)
    };
    let exists = |partition: &OffsetCommitRequestPartition| {
        found.is_some_and(|found| found.partition(partition.partition_index).is_some())
    };
    let error = if found.is_some() { ErrorCode::UnknownTopicOrPartition } else { unknown };
    let (good, bad): (Vec<_>, Vec<_>) = topic.partitions.into_iter().partition(exists);
    if let Some(found) = found {
        topic.name = Text::from(&*found.name);
        topic.topic_id = Uuid(found.id.0);
    }
    if !bad.is_empty() {
        let refuse = |partition: OffsetCommitRequestPartition| OffsetCommitResponsePartition {
            partition_index: partition.partition_index,
            error_code: error.code(),
        };
        let partitions = bad.into_iter().map(refuse).collect();
        refused.push(OffsetCommitResponseTopic { name: topic.name.clone(), topic_id: topic.topic_id, partitions });
    }
    let is_needed = found.is_some() && !good.is_empty();
    topic.partitions = good;
    is_needed.then_some(topic)
}

fn merge(
    mut refused: Vec<OffsetCommitResponseTopic>,
    answered: Vec<OffsetCommitResponseTopic>,
) -> Vec<OffsetCommitResponseTopic> {
    if refused.is_empty() {
        return answered;
    }
    for topic in answered {
        match refused.iter_mut().find(|known| known.name == topic.name && known.topic_id == topic.topic_id) {
            Some(known) => known.partitions.extend(topic.partitions),
            None => refused.push(topic),
        }
    }
    refused
}
