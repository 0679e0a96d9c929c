//! Owns how records change a group, and what a change leaves to be written: every change is a record that is replayed at once.
//!
//! Pure. Replaying the same records again leaves the same state. A caller whose log refuses the records must read the group from its
//! log again.

use corelog_protocol::Text;
use corelog_protocol::messages::consumer_group_current_member_assignment_key::ConsumerGroupCurrentMemberAssignmentKey;
use corelog_protocol::messages::consumer_group_member_metadata_key::ConsumerGroupMemberMetadataKey;
use corelog_protocol::messages::consumer_group_metadata_key::ConsumerGroupMetadataKey;
use corelog_protocol::messages::consumer_group_metadata_value::ConsumerGroupMetadataValue;
use corelog_protocol::messages::consumer_group_partition_metadata_key::ConsumerGroupPartitionMetadataKey;
use corelog_protocol::messages::consumer_group_partition_metadata_value::ConsumerGroupPartitionMetadataValue;
use corelog_protocol::messages::consumer_group_regular_expression_key::ConsumerGroupRegularExpressionKey;
use corelog_protocol::messages::consumer_group_regular_expression_value::ConsumerGroupRegularExpressionValue;
use corelog_protocol::messages::consumer_group_target_assignment_member_key::ConsumerGroupTargetAssignmentMemberKey;
use corelog_protocol::messages::consumer_group_target_assignment_member_value::{
    ConsumerGroupTargetAssignmentMemberValue, TopicPartition,
};
use corelog_protocol::messages::consumer_group_target_assignment_metadata_key::ConsumerGroupTargetAssignmentMetadataKey;
use corelog_protocol::messages::consumer_group_target_assignment_metadata_value::ConsumerGroupTargetAssignmentMetadataValue;

use super::assignment::Assignment;
use super::group::{ConsumerGroup, ResolvedPattern};
use super::member::{Member, MemberFacts, MemberPosition};
use crate::groups::records::GroupRecord;

/// What a request changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// To be written, in this order.
    pub records: Vec<GroupRecord>,
}

/// The parts of a group that have a record of their own.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Epoch(Option<(i32, i64)>),
    TargetEpoch(Option<(i32, i64)>),
    Facts(Text, Option<MemberFacts>),
    Position(Text, Option<MemberPosition>),
    Target(Text, Option<Assignment>),
    Pattern(Text, Option<ResolvedPattern>),
    PartitionMetadata(bool),
}

impl ConsumerGroup {
    /// Applies a record of this group; records of other kinds are passed over.
    pub fn replay(&mut self, record: &GroupRecord) {
        if let Some(part) = part_of(record) {
            self.put(part);
        }
    }

    /// Changes a part now, and notes the record that makes the change last.
    pub(super) fn change(&mut self, changes: &mut Changes, part: Part) {
        changes.records.push(self.record_of(part.clone()));
        self.put(part);
    }

    /// Removes a member.
    pub(super) fn remove_member(&mut self, changes: &mut Changes, id: &Text) {
        self.change(changes, Part::Position(id.clone(), None));
        self.change(changes, Part::Target(id.clone(), None));
        self.change(changes, Part::Facts(id.clone(), None));
    }

    /// Every record of the group, as if it were made now.
    pub fn snapshot(&self) -> Vec<GroupRecord> {
        let members = || self.members.iter();
        let mut parts: Vec<Part> =
            members().map(|(id, member)| Part::Facts(id.clone(), Some(member.facts.clone()))).collect();
        parts.extend(self.patterns.iter().map(|(text, resolved)| Part::Pattern(text.clone(), Some(resolved.clone()))));
        parts.push(Part::Epoch(Some((self.epoch, self.metadata_hash))));
        parts.extend(self.targets.iter().map(|(id, target)| Part::Target(id.clone(), Some(target.clone()))));
        parts.push(Part::TargetEpoch(Some((self.target_epoch, self.target_timestamp_ms))));
        parts.extend(members().map(|(id, member)| Part::Position(id.clone(), Some(member.position.clone()))));
        parts.into_iter().map(|part| self.record_of(part)).collect()
    }

    /// The records that delete the group.
    pub fn tombstones(&self) -> Vec<GroupRecord> {
        let mut parts: Vec<Part> = self.members.keys().map(|id| Part::Position(id.clone(), None)).collect();
        parts.extend(self.targets.keys().map(|id| Part::Target(id.clone(), None)));
        parts.push(Part::TargetEpoch(None));
        parts.extend(self.members.keys().map(|id| Part::Facts(id.clone(), None)));
        parts.extend(self.patterns.keys().map(|text| Part::Pattern(text.clone(), None)));
        if self.has_partition_metadata {
            parts.push(Part::PartitionMetadata(false));
        }
        parts.push(Part::Epoch(None));
        parts.into_iter().map(|part| self.record_of(part)).collect()
    }

    /// Sets a part, and counts its memory anew.
    fn put(&mut self, part: Part) {
        let before = match &part {
            Part::Facts(id, _) | Part::Position(id, _) => self.members.get(id.as_str()).map_or(0, Member::memory_bytes),
            Part::Target(id, _) => self.targets.get(id.as_str()).map_or(0, target_bytes),
            Part::Pattern(text, _) => self.patterns.get(text.as_str()).map_or(0, ResolvedPattern::memory_bytes),
            Part::Epoch(_) | Part::TargetEpoch(_) | Part::PartitionMetadata(_) => 0,
        };
        let member = match &part {
            Part::Facts(id, _) | Part::Position(id, _) => Some(id.clone()),
            _ => None,
        };
        let mut after = match &part {
            Part::Target(_, Some(target)) => target_bytes(target),
            Part::Pattern(_, Some(resolved)) => resolved.memory_bytes(),
            _ => 0,
        };
        self.set(part);
        after += member.and_then(|id| self.members.get(id.as_str())).map_or(0, Member::memory_bytes);
        self.parts_bytes = self.parts_bytes + after - before;
    }

    fn set(&mut self, part: Part) {
        match part {
            Part::Epoch(epoch) => (self.epoch, self.metadata_hash) = epoch.unwrap_or_default(),
            Part::TargetEpoch(epoch) => (self.target_epoch, self.target_timestamp_ms) = epoch.unwrap_or_default(),
            Part::Facts(id, facts) => self.set_facts(&id, facts),
            Part::Position(id, position) => self.set_position(&id, position),
            Part::Target(id, Some(target)) => drop(self.targets.insert(id, target)),
            Part::Target(id, None) => drop(self.targets.remove(id.as_str())),
            Part::Pattern(text, Some(resolved)) => drop(self.patterns.insert(text, resolved)),
            Part::Pattern(text, None) => drop(self.patterns.remove(text.as_str())),
            Part::PartitionMetadata(there) => self.has_partition_metadata = there,
        }
    }

    fn record_of(&self, part: Part) -> GroupRecord {
        let group_id = self.id.clone();
        match part {
            Part::Epoch(epoch) => GroupRecord::ConsumerGroupMetadata(
                ConsumerGroupMetadataKey { group_id },
                epoch.map(|(epoch, metadata_hash)| ConsumerGroupMetadataValue { epoch, metadata_hash }),
            ),
            Part::TargetEpoch(epoch) => GroupRecord::ConsumerGroupTargetAssignmentMetadata(
                ConsumerGroupTargetAssignmentMetadataKey { group_id },
                epoch.map(|(assignment_epoch, assignment_timestamp)| ConsumerGroupTargetAssignmentMetadataValue {
                    assignment_epoch,
                    assignment_timestamp,
                }),
            ),
            Part::Facts(member_id, facts) => GroupRecord::ConsumerGroupMemberMetadata(
                ConsumerGroupMemberMetadataKey { group_id, member_id },
                facts.map(|facts| facts.to_value()),
            ),
            Part::Position(member_id, position) => GroupRecord::ConsumerGroupCurrentMemberAssignment(
                ConsumerGroupCurrentMemberAssignmentKey { group_id, member_id },
                position.map(|position| position.to_value()),
            ),
            Part::Target(member_id, target) => GroupRecord::ConsumerGroupTargetAssignmentMember(
                ConsumerGroupTargetAssignmentMemberKey { group_id, member_id },
                target.map(|target| ConsumerGroupTargetAssignmentMemberValue { topic_partitions: topics_of(&target) }),
            ),
            Part::Pattern(regular_expression, resolved) => GroupRecord::ConsumerGroupRegularExpression(
                ConsumerGroupRegularExpressionKey { group_id, regular_expression },
                resolved.map(|resolved| ConsumerGroupRegularExpressionValue {
                    topics: resolved.topics.into_iter().collect(),
                    version: resolved.revision,
                    timestamp: resolved.timestamp_ms,
                }),
            ),
            Part::PartitionMetadata(there) => GroupRecord::ConsumerGroupPartitionMetadata(
                ConsumerGroupPartitionMetadataKey { group_id },
                there.then(ConsumerGroupPartitionMetadataValue::default),
            ),
        }
    }
}

pub(super) fn target_bytes(target: &Assignment) -> usize {
    64 + target.values().map(|partitions| 48 + 8 * partitions.len()).sum::<usize>()
}

fn topics_of(target: &Assignment) -> Vec<TopicPartition> {
    let topic = |(id, partitions): (&_, &std::collections::BTreeSet<i32>)| TopicPartition {
        topic_id: *id,
        partitions: partitions.iter().copied().collect(),
    };
    target.iter().map(topic).collect()
}

/// The part that a record is of. It keeps nothing of the batch that it was read from.
fn part_of(record: &GroupRecord) -> Option<Part> {
    Some(match record {
        GroupRecord::ConsumerGroupMetadata(_, value) => {
            Part::Epoch(value.as_ref().map(|value| (value.epoch, value.metadata_hash)))
        }
        GroupRecord::ConsumerGroupTargetAssignmentMetadata(_, value) => {
            Part::TargetEpoch(value.as_ref().map(|value| (value.assignment_epoch, value.assignment_timestamp)))
        }
        GroupRecord::ConsumerGroupMemberMetadata(key, value) => {
            Part::Facts(key.member_id.detached(), value.as_ref().map(MemberFacts::from_value))
        }
        GroupRecord::ConsumerGroupCurrentMemberAssignment(key, value) => {
            Part::Position(key.member_id.detached(), value.as_ref().map(MemberPosition::from_value))
        }
        GroupRecord::ConsumerGroupTargetAssignmentMember(key, value) => {
            let target = |value: &ConsumerGroupTargetAssignmentMemberValue| {
                let topics = value.topic_partitions.iter().filter(|topic| !topic.partitions.is_empty());
                topics.map(|topic| (topic.topic_id, topic.partitions.iter().copied().collect())).collect()
            };
            Part::Target(key.member_id.detached(), value.as_ref().map(target))
        }
        GroupRecord::ConsumerGroupRegularExpression(key, value) => {
            let resolved = |value: &ConsumerGroupRegularExpressionValue| ResolvedPattern {
                topics: value.topics.iter().map(Text::detached).collect(),
                revision: value.version,
                timestamp_ms: value.timestamp,
            };
            Part::Pattern(key.regular_expression.detached(), value.as_ref().map(resolved))
        }
        GroupRecord::ConsumerGroupPartitionMetadata(_, value) => Part::PartitionMetadata(value.is_some()),
        _ => return None,
    })
}
