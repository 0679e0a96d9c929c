//! Owns `OffsetDelete`, and what becomes of offsets whose topic or group is deleted.

use corelog_protocol::messages::offset_delete_request::{OffsetDeleteRequest, OffsetDeleteRequestTopic};
use corelog_protocol::messages::offset_delete_response::{
    OffsetDeleteResponse, OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use corelog_protocol::{ErrorCode, Text, Uuid};

use super::store::tombstone;
use crate::groups::coordinator::Coordinator;
use crate::limits::{GROUP_TOMBSTONES_MAX, GROUPS_PER_SLICE};

impl Coordinator {
    /// Deletes offsets of topics that the group does not consume any more.
    pub fn delete_offsets(&mut self, request: &OffsetDeleteRequest) -> OffsetDeleteResponse {
        let refuse = |error: ErrorCode| OffsetDeleteResponse { error_code: error.code(), ..Default::default() };
        if request.group_id.is_empty() {
            return refuse(ErrorCode::InvalidGroupId);
        }
        let mut records = Vec::new();
        let topics = {
            let Some(entry) = self.entry(&request.group_id) else { return refuse(ErrorCode::GroupIdNotFound) };
            if let Err(error) = entry.group.may_delete_offsets() {
                return refuse(error);
            }
            let mut one_topic = |topic: &OffsetDeleteRequestTopic| {
                let is_subscribed = entry.group.is_subscribed_to(&topic.name);
                let partitions = topic.partitions.iter().map(|partition| {
                    let index = partition.partition_index;
                    if !is_subscribed && entry.offsets.get(&topic.name, index).is_some() {
                        records.push(tombstone(&request.group_id, &topic.name, index));
                    }
                    let error = if is_subscribed { ErrorCode::GroupSubscribedToTopic } else { ErrorCode::None };
                    OffsetDeleteResponsePartition { partition_index: index, error_code: error.code() }
                });
                OffsetDeleteResponseTopic { partitions: partitions.collect(), name: topic.name.clone() }
            };
            request.topics.iter().map(&mut one_topic).collect()
        };
        self.effects_mut().records = records;
        OffsetDeleteResponse { topics, ..Default::default() }
    }

    /// Deletes offsets of topics of which `is_gone` says so by name and id, group by group after `from`. Call again from where it came to,
    /// once the records are replayed; it is done where that is nowhere.
    pub fn forget_topics(&mut self, from: Option<&Text>, is_gone: impl Fn(&Text, Uuid) -> bool) -> Option<Text> {
        let mut records = Vec::new();
        let mut came_to = None;
        for (seen, (id, entry)) in self.entries_from(from).enumerate() {
            if records.len() >= GROUP_TOMBSTONES_MAX || seen >= GROUPS_PER_SLICE {
                came_to = Some(id.clone());
                break;
            }
            let gone = entry.offsets.iter().filter(|(topic, _, offset)| is_gone(topic, offset.topic_id));
            let room = 2 * GROUP_TOMBSTONES_MAX;
            let before = records.len();
            records.extend(gone.take(room).map(|(topic, partition, _)| tombstone(id, topic, partition)));
            if records.len() - before == room {
                came_to = Some(id.clone());
                break;
            }
        }
        self.effects_mut().records = records;
        came_to
    }
}
