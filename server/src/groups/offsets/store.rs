//! Owns the offsets of one group.
//!
//! Topics in the order of their names, each with its partitions in order: small where there are few, and searched by halves.

use std::collections::BTreeMap;
use std::ops::Bound;

use corelog_protocol::Text;
use corelog_protocol::messages::offset_commit_key::OffsetCommitKey;

use super::committed::CommittedOffset;
use crate::groups::records::GroupRecord;

type Partitions = Vec<(i32, CommittedOffset)>;

/// The offsets of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupOffsets {
    topics: BTreeMap<Text, Partitions>,
    count: usize,
    /// Memory of topics and offsets, in bytes, about.
    bytes: usize,
}

impl GroupOffsets {
    /// The offset of a partition.
    pub fn get(&self, topic: &Text, partition: i32) -> Option<&CommittedOffset> {
        let partitions = self.topics.get(topic)?;
        let place = partitions.binary_search_by_key(&partition, |(index, _)| *index).ok()?;
        partitions.get(place).map(|(_, offset)| offset)
    }

    /// Sets the offset of a partition.
    pub fn put(&mut self, topic: &Text, partition: i32, offset: CommittedOffset) {
        if !self.topics.contains_key(topic) {
            self.bytes += topic_bytes(topic);
            self.topics.insert(topic.detached(), Vec::with_capacity(1));
        }
        let Some(partitions) = self.topics.get_mut(topic) else { return };
        self.bytes += offset_bytes(&offset);
        match partitions.binary_search_by_key(&partition, |(index, _)| *index) {
            Ok(place) => {
                if let Some((_, before)) = partitions.get_mut(place) {
                    self.bytes -= offset_bytes(before);
                    *before = offset;
                }
            }
            Err(place) => {
                partitions.insert(place, (partition, offset));
                self.count += 1;
            }
        }
    }

    /// Forgets the offset of a partition.
    pub fn remove(&mut self, topic: &Text, partition: i32) {
        let Some(partitions) = self.topics.get_mut(topic) else { return };
        let Ok(place) = partitions.binary_search_by_key(&partition, |(index, _)| *index) else { return };
        let (_, offset) = partitions.remove(place);
        self.bytes -= offset_bytes(&offset);
        self.count -= 1;
        if partitions.is_empty() {
            self.topics.remove(topic);
            self.bytes -= topic_bytes(topic);
        }
    }

    /// Every topic with its partitions, in order.
    pub fn topics(&self) -> impl Iterator<Item = (&Text, &[(i32, CommittedOffset)])> {
        self.topics.iter().map(|(topic, partitions)| (topic, partitions.as_slice()))
    }

    /// Every offset, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, i32, &CommittedOffset)> {
        self.topics.iter().flat_map(|(topic, partitions)| {
            partitions.iter().map(move |(partition, offset)| (topic, *partition, offset))
        })
    }

    /// Every offset behind this place, in order; from the first where there is none.
    pub fn after(&self, place: Option<(&Text, i32)>) -> impl Iterator<Item = (&Text, i32, &CommittedOffset)> {
        let from = place.map_or(Bound::Unbounded, |(topic, _)| Bound::Included(topic.clone()));
        let is_behind = move |topic: &Text, partition: i32| {
            place.is_none_or(|(last_topic, last)| topic != last_topic || partition > last)
        };
        let topics = self.topics.range((from, Bound::Unbounded));
        topics
            .flat_map(|(topic, partitions)| {
                partitions.iter().map(move |(partition, offset)| (topic, *partition, offset))
            })
            .filter(move |(topic, partition, _)| is_behind(topic, *partition))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Memory that they take, in bytes, about.
    pub fn memory_bytes(&self) -> usize {
        self.bytes
    }
}

/// What a topic takes beside its offsets: its name twice over, for the map's own room.
fn topic_bytes(topic: &Text) -> usize {
    2 * size_of::<(Text, Partitions)>() + topic.len()
}

fn offset_bytes(offset: &CommittedOffset) -> usize {
    size_of::<(i32, CommittedOffset)>() + offset.metadata.len()
}

/// The record of an offset.
pub fn record(group: &Text, topic: &Text, partition: i32, offset: &CommittedOffset) -> GroupRecord {
    GroupRecord::OffsetCommit(key(group, topic, partition), Some(offset.to_value()))
}

/// The record that says that an offset is gone.
pub fn tombstone(group: &Text, topic: &Text, partition: i32) -> GroupRecord {
    GroupRecord::OffsetCommit(key(group, topic, partition), None)
}

fn key(group: &Text, topic: &Text, partition: i32) -> OffsetCommitKey {
    OffsetCommitKey { group: group.clone(), topic: topic.clone(), partition }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(offset: i64, metadata: &str) -> CommittedOffset {
        CommittedOffset {
            offset,
            leader_epoch: -1,
            metadata: metadata.into(),
            committed_ms: 0,
            expires_ms: -1,
            topic_id: corelog_protocol::Uuid::ZERO,
        }
    }

    #[test]
    fn memory_is_given_back_to_the_last_byte() {
        let mut offsets = GroupOffsets::default();
        let topics = [Text::from("a"), Text::from("bb")];
        for topic in &topics {
            for partition in [3, 1, 2] {
                offsets.put(topic, partition, offset(1, "first"));
                offsets.put(topic, partition, offset(2, "another"));
            }
        }
        assert_eq!(offsets.len(), 6);
        assert_eq!(offsets.get(&topics[1], 2).map(|offset| offset.offset), Some(2));
        let order: Vec<_> =
            offsets.after(Some((&topics[0], 2))).map(|(topic, index, _)| (topic.clone(), index)).collect();
        assert_eq!(order, [("a".into(), 3), ("bb".into(), 1), ("bb".into(), 2), ("bb".into(), 3)]);
        for topic in &topics {
            for partition in [1, 2, 3, 4] {
                offsets.remove(topic, partition);
            }
        }
        assert!(offsets.is_empty());
        assert_eq!(offsets.memory_bytes(), 0);
    }
}
