//! `OffsetFetch`: how far groups got, one group a request or from version 8 on any number.

use std::rc::Rc;

use corelog_engine::metadata::TopicId;
use corelog_protocol::messages::offset_fetch_request::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use corelog_protocol::messages::offset_fetch_response::{
    OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use corelog_protocol::{ErrorCode, Text, Uuid};

use super::fan_out::by_group;
use crate::broker::Broker;
use crate::groups::service::Slot;
use crate::net::request::Call;

/// The first version with an error of the whole.
const VERSION_GROUP_ERROR: i16 = 2;
/// The first version that asks for several groups.
const VERSION_BATCH: i16 = 8;
/// The first version that names topics by id.
const VERSION_TOPIC_IDS: i16 = 10;

/// Asks the coordinators.
pub async fn handle(broker: Rc<Broker>, call: Call, mut request: OffsetFetchRequest) -> OffsetFetchResponse {
    let version = call.version;
    let groups = if version >= VERSION_BATCH { request.groups } else { vec![only_group(&mut request)] };
    let asked: Vec<Asked> = groups.into_iter().map(|group| Asked::new(&broker, version, group)).collect();
    let items: Vec<OffsetFetchRequestGroup> = asked.iter().map(|asked| asked.known.clone()).collect();
    let answers = by_group(&broker, items, |group| &group.group_id, fetch_at).await;
    let mut groups: Vec<OffsetFetchResponseGroup> =
        asked.into_iter().zip(answers).map(|(asked, answer)| asked.finish(&broker, version, answer)).collect();
    if version >= VERSION_BATCH {
        return OffsetFetchResponse { groups, ..Default::default() };
    }
    groups.pop().map(|group| as_single(group, version)).unwrap_or_default()
}

async fn fetch_at(slot: Rc<Slot>, group: OffsetFetchRequestGroup) -> Result<OffsetFetchResponseGroup, ErrorCode> {
    slot.look(|coordinator| coordinator.fetch(&group)).await
}

/// What one group is asked, and what is known of it before.
struct Asked {
    /// With topics by name and id, those that do not exist left out.
    known: OffsetFetchRequestGroup,
    /// The topics as asked, to answer them in their order; `None` where all are asked for.
    topics: Option<Vec<OffsetFetchRequestTopics>>,
}

impl Asked {
    fn new(broker: &Broker, version: i16, mut group: OffsetFetchRequestGroup) -> Asked {
        let topics = group.topics.clone();
        if version >= VERSION_TOPIC_IDS
            && let Some(asked) = &mut group.topics
        {
            let image = broker.image();
            asked.retain_mut(|topic| {
                let found = image.topic_by_id(TopicId(topic.topic_id.0));
                if let Some(found) = found {
                    topic.name = Text::from(&*found.name);
                }
                found.is_some()
            });
        }
        Asked { known: group, topics }
    }

    fn finish(
        self,
        broker: &Broker,
        version: i16,
        answer: Result<OffsetFetchResponseGroup, ErrorCode>,
    ) -> OffsetFetchResponseGroup {
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                return OffsetFetchResponseGroup {
                    group_id: self.known.group_id,
                    error_code: error.code(),
                    ..Default::default()
                };
            }
        };
        if version < VERSION_TOPIC_IDS {
            answer.topics.iter_mut().for_each(|topic| topic.topic_id = Uuid::ZERO);
            return answer;
        }
        match self.topics {
            Some(asked) => {
                let mut found = std::mem::take(&mut answer.topics).into_iter().peekable();
                let in_order = asked.into_iter().map(|topic| {
                    found.next_if(|found| found.topic_id == topic.topic_id).unwrap_or_else(|| unknown(&topic))
                });
                answer.topics = in_order.collect();
            }
            None => name_by_id(broker, &mut answer.topics),
        }
        answer.topics.iter_mut().for_each(|topic| topic.name = Text::default());
        answer
    }
}

/// All topics of a group, by the ids that they have now; those that are gone are left out.
fn name_by_id(broker: &Broker, topics: &mut Vec<OffsetFetchResponseTopics>) {
    let image = broker.image();
    topics.retain_mut(|topic| {
        let found = image.topic(&topic.name);
        if let Some(found) = found {
            topic.topic_id = Uuid(found.id.0);
        }
        found.is_some()
    });
}

fn unknown(topic: &OffsetFetchRequestTopics) -> OffsetFetchResponseTopics {
    let partition = |index: &i32| OffsetFetchResponsePartitions {
        partition_index: *index,
        committed_offset: -1,
        committed_leader_epoch: -1,
        metadata: Some(Text::default()),
        error_code: ErrorCode::UnknownTopicId.code(),
    };
    OffsetFetchResponseTopics {
        topic_id: topic.topic_id,
        partitions: topic.partition_indexes.iter().map(partition).collect(),
        ..Default::default()
    }
}

/// The one group of an older request.
fn only_group(request: &mut OffsetFetchRequest) -> OffsetFetchRequestGroup {
    let topic = |topic: OffsetFetchRequestTopic| OffsetFetchRequestTopics {
        name: topic.name,
        topic_id: Uuid::ZERO,
        partition_indexes: topic.partition_indexes,
    };
    OffsetFetchRequestGroup {
        group_id: std::mem::take(&mut request.group_id),
        topics: request.topics.take().map(|topics| topics.into_iter().map(topic).collect()),
        ..Default::default()
    }
}

/// The answer to an older request. Before there was an error of the whole, every partition carries it.
fn as_single(group: OffsetFetchResponseGroup, version: i16) -> OffsetFetchResponse {
    let partition = |partition: OffsetFetchResponsePartitions| OffsetFetchResponsePartition {
        partition_index: partition.partition_index,
        committed_offset: partition.committed_offset,
        committed_leader_epoch: partition.committed_leader_epoch,
        metadata: partition.metadata,
        error_code: partition.error_code,
    };
    let topic = |topic: OffsetFetchResponseTopics| OffsetFetchResponseTopic {
        name: topic.name,
        partitions: topic.partitions.into_iter().map(partition).collect(),
    };
    let error_code = if version >= VERSION_GROUP_ERROR { group.error_code } else { ErrorCode::None.code() };
    OffsetFetchResponse { topics: group.topics.into_iter().map(topic).collect(), error_code, ..Default::default() }
}
