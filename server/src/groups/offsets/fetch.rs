//! Owns `OffsetFetch`: what a group has committed.

use corelog_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use corelog_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
};
use corelog_protocol::{ErrorCode, Text, Uuid};

use super::committed::CommittedOffset;
use super::store::GroupOffsets;
use crate::groups::coordinator::Coordinator;

/// Stands for "nothing was committed".
const NO_OFFSET: i64 = -1;

impl Coordinator {
    /// What one group has committed for the topics that are asked for, or for all. Topics must carry their names, whatever the version.
    pub fn fetch(&self, asked: &OffsetFetchRequestGroup) -> OffsetFetchResponseGroup {
        let group_id = asked.group_id.clone();
        let entry = self.entry(&asked.group_id);
        if let Some(entry) = entry
            && let Err(error) = entry.group.may_fetch(asked.member_id.as_ref(), asked.member_epoch)
        {
            return OffsetFetchResponseGroup { group_id, error_code: error.code(), ..Default::default() };
        }
        let offsets = entry.map(|entry| &entry.offsets);
        let topics = match &asked.topics {
            Some(topics) => topics.iter().map(|topic| of_topic(offsets, topic)).collect(),
            None => offsets.map(all).unwrap_or_default(),
        };
        OffsetFetchResponseGroup { group_id, topics, ..Default::default() }
    }
}

fn of_topic(offsets: Option<&GroupOffsets>, asked: &OffsetFetchRequestTopics) -> OffsetFetchResponseTopics {
    let find = |index: &i32| {
        let found = offsets.and_then(|offsets| offsets.get(&asked.name, *index));
        partition(*index, found.filter(|found| is_of(found, asked.topic_id)))
    };
    OffsetFetchResponseTopics {
        name: asked.name.clone(),
        topic_id: asked.topic_id,
        partitions: asked.partition_indexes.iter().map(find).collect(),
    }
}

/// Whether an offset is of this very topic rather than of a former one of its name, as far as that is known.
fn is_of(offset: &CommittedOffset, topic_id: Uuid) -> bool {
    topic_id.is_zero() || offset.topic_id.is_zero() || offset.topic_id == topic_id
}

fn all(offsets: &GroupOffsets) -> Vec<OffsetFetchResponseTopics> {
    let each = |(name, partitions): (&Text, &[(i32, CommittedOffset)])| OffsetFetchResponseTopics {
        name: name.clone(),
        topic_id: partitions.first().map_or(Uuid::ZERO, |(_, offset)| offset.topic_id),
        partitions: partitions.iter().map(|(index, offset)| partition(*index, Some(offset))).collect(),
    };
    offsets.topics().map(each).collect()
}

fn partition(partition_index: i32, found: Option<&CommittedOffset>) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index,
        committed_offset: found.map_or(NO_OFFSET, |found| found.offset),
        committed_leader_epoch: found.map_or(-1, |found| found.leader_epoch),
        metadata: Some(found.map(|found| Text::from(&*found.metadata)).unwrap_or_default()),
        error_code: ErrorCode::None.code(),
    }
}
