//! Owns how records become state: at load, and when a record that was decided on is in the log.
//!
//! Replaying the records of a coordinator in their order gives what it held, but for members in a rebalance.

use corelog_protocol::Text;
use corelog_protocol::messages::offset_commit_value::OffsetCommitValue;

use super::classic::ClassicGroup;
use super::consumer::ConsumerGroup;
use super::coordinator::Coordinator;
use super::group::{Entry, Group};
use super::offsets::CommittedOffset;
use super::records::GroupRecord;

impl Coordinator {
    /// Takes a record in.
    pub fn replay(&mut self, record: &GroupRecord) {
        match record {
            GroupRecord::OffsetCommit(key, Some(value)) => {
                self.replay_offset(&key.group, &key.topic, key.partition, CommittedOffset::from_value(value));
            }
            GroupRecord::LegacyOffsetCommit(key, Some(value)) => {
                let value = OffsetCommitValue {
                    offset: value.offset,
                    metadata: value.metadata.clone(),
                    commit_timestamp: value.commit_timestamp,
                    ..Default::default()
                };
                self.replay_offset(&key.group, &key.topic, key.partition, CommittedOffset::from_value(&value));
            }
            GroupRecord::OffsetCommit(key, None) => self.forget_offset(&key.group, &key.topic, key.partition),
            GroupRecord::LegacyOffsetCommit(key, None) => self.forget_offset(&key.group, &key.topic, key.partition),
            GroupRecord::GroupMetadata(key, Some(value)) => {
                let group = Group::Classic(ClassicGroup::from_record(&key.group, value));
                self.put_group(&key.group, group);
            }
            GroupRecord::GroupMetadata(key, None) => {
                self.leave_offsets(&key.group);
            }
            GroupRecord::ConsumerGroupMetadata(key, value) => {
                self.replay_consumer(&key.group_id, record, value.is_some());
                let gone = |entry: &Entry| matches!(&entry.group, Group::Consumer(group) if group.is_gone());
                if value.is_none() && self.entry(&key.group_id).is_some_and(gone) {
                    self.leave_offsets(&key.group_id);
                }
            }
            GroupRecord::ConsumerGroupPartitionMetadata(key, value) => {
                self.replay_consumer(&key.group_id, record, value.is_some());
            }
            GroupRecord::ConsumerGroupMemberMetadata(key, value) => {
                self.replay_consumer(&key.group_id, record, value.is_some());
            }
            GroupRecord::ConsumerGroupTargetAssignmentMetadata(key, value) => {
                self.replay_consumer(&key.group_id, record, value.is_some());
            }
            GroupRecord::ConsumerGroupTargetAssignmentMember(key, value) => {
                self.replay_consumer(&key.group_id, record, value.is_some());
            }
            GroupRecord::ConsumerGroupCurrentMemberAssignment(key, value) => {
                self.replay_consumer(&key.group_id, record, value.is_some());
            }
            GroupRecord::ConsumerGroupRegularExpression(key, value) => {
                self.replay_consumer(&key.group_id, record, value.is_some());
            }
        }
    }

    /// Takes in a record of a consumer group, which comes into being with its first one. A tombstone makes none.
    fn replay_consumer(&mut self, id: &Text, record: &GroupRecord, creates: bool) {
        let there = matches!(self.group(id), Some(Group::Consumer(_)));
        // A classic group without members only holds the offsets.
        let is_free = self.group(id).is_none_or(Group::is_idle);
        if !there && (!creates || !is_free) {
            return;
        }
        if !there {
            self.put_group(id, Group::Consumer(Box::new(ConsumerGroup::new(id.detached()))));
        }
        self.change(id, |entry| match &mut entry.group {
            Group::Consumer(group) => group.replay(record),
            Group::Classic(_) => {}
        });
    }

    /// A group is gone, but for its offsets.
    pub(super) fn leave_offsets(&mut self, id: &Text) {
        if self.entry(id).is_some_and(|entry| entry.offsets.is_empty()) {
            self.remove(id);
        } else if self.entry(id).is_some() {
            self.put_group(id, Group::Classic(ClassicGroup::new(id.detached(), 0)));
        }
    }

    /// An offset alone makes a group.
    fn replay_offset(&mut self, group: &Text, topic: &Text, partition: i32, offset: CommittedOffset) {
        if self.entry(group).is_none() {
            self.put_group(group, Group::Classic(ClassicGroup::new(group.detached(), 0)));
        }
        self.change(group, |entry| entry.offsets.put(topic, partition, offset));
    }

    fn forget_offset(&mut self, group: &Text, topic: &Text, partition: i32) {
        self.change(group, |entry| entry.offsets.remove(topic, partition));
    }

    /// Puts a group in the place of what was there; the offsets stay.
    pub(super) fn put_group(&mut self, id: &Text, group: Group) {
        self.cancel_timers(id);
        if self.entry(id).is_none() {
            return self.insert(id.detached(), Entry::new(group));
        }
        self.change(id, |entry| entry.group = group);
    }
}
