//! Owns how records become state: at load, and when a record that was decided on is in the log.
//!
//! Replaying the records of a coordinator in their order gives what it held, but for members in a rebalance.

use corelog_protocol::Text;
use corelog_protocol::messages::offset_commit_value::OffsetCommitValue;

use super::classic::ClassicGroup;
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
                if self.entry(&key.group).is_some_and(|entry| entry.offsets.is_empty()) {
                    self.remove(&key.group);
                } else if self.entry(&key.group).is_some() {
                    self.put_group(&key.group, Group::Classic(ClassicGroup::new(key.group.detached(), 0)));
                }
            }
            GroupRecord::ConsumerGroupMetadata(..)
            | GroupRecord::ConsumerGroupPartitionMetadata(..)
            | GroupRecord::ConsumerGroupMemberMetadata(..)
            | GroupRecord::ConsumerGroupTargetAssignmentMetadata(..)
            | GroupRecord::ConsumerGroupTargetAssignmentMember(..)
            | GroupRecord::ConsumerGroupCurrentMemberAssignment(..)
            | GroupRecord::ConsumerGroupRegularExpression(..) => {}
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
    fn put_group(&mut self, id: &Text, group: Group) {
        self.cancel_timers(id);
        if self.entry(id).is_none() {
            return self.insert(id.detached(), Entry::new(group));
        }
        self.change(id, |entry| entry.group = group);
    }
}
