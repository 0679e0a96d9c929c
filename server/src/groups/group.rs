//! Owns what all kinds of groups answer, whatever their protocol.

use corelog_protocol::messages::describe_groups_response::DescribedGroup;
use corelog_protocol::messages::list_groups_response::ListedGroup;
use corelog_protocol::{ErrorCode, Text};

use super::classic::{ClassicGroup, ClassicState};
use super::offsets::{ExpiryCondition, GroupOffsets};
use super::records::GroupRecord;

/// A group, by its protocol.
#[derive(Clone, Debug, PartialEq)]
pub enum Group {
    /// Members elect a leader, which assigns.
    Classic(ClassicGroup),
}

/// A group and its offsets.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Who is in it.
    pub group: Group,
    /// How far they got.
    pub offsets: GroupOffsets,
}

impl Entry {
    /// A group without offsets.
    pub fn new(group: Group) -> Entry {
        Entry { group, offsets: GroupOffsets::default() }
    }

    /// Memory that it takes, in bytes, about.
    pub fn memory_bytes(&self) -> usize {
        self.group.memory_bytes() + self.offsets.memory_bytes()
    }
}

impl Group {
    /// Memory that it takes, in bytes, about.
    pub fn memory_bytes(&self) -> usize {
        match self {
            Group::Classic(group) => group.memory_bytes(),
        }
    }

    /// Whether somebody may commit offsets: a member of the generation, or anybody where there are no members.
    pub fn may_commit(
        &self,
        member_id: &Text,
        instance_id: Option<&Text>,
        generation: i32,
        _version: i16,
    ) -> Result<(), ErrorCode> {
        match self {
            Group::Classic(group) => group.may_commit(member_id, instance_id, generation),
        }
    }

    /// Whether somebody may read the offsets.
    pub fn may_fetch(&self, _member_id: Option<&Text>, _member_epoch: i32) -> Result<(), ErrorCode> {
        match self {
            Group::Classic(_) => Ok(()),
        }
    }

    /// Whether offsets of topics that nobody consumes may be deleted.
    pub fn may_delete_offsets(&self) -> Result<(), ErrorCode> {
        match self {
            Group::Classic(group) if group.state() == ClassicState::Empty || group.uses_consumer_protocol() => Ok(()),
            Group::Classic(_) => Err(ErrorCode::NonEmptyGroup),
        }
    }

    /// Whether the group may be deleted.
    pub fn may_delete(&self) -> Result<(), ErrorCode> {
        match self {
            Group::Classic(group) if group.state() == ClassicState::Empty => Ok(()),
            Group::Classic(_) => Err(ErrorCode::NonEmptyGroup),
        }
    }

    /// Whether a member consumes this topic, or may do so for all that is known.
    pub fn is_subscribed_to(&self, topic: &Text) -> bool {
        match self {
            Group::Classic(group) => group.is_subscribed_to(topic),
        }
    }

    /// What its offsets' expiry is counted from.
    pub fn expiry_condition(&self) -> ExpiryCondition {
        match self {
            Group::Classic(group) => group.expiry_condition(),
        }
    }

    /// Whether it has no members and none that may come.
    pub fn is_idle(&self) -> bool {
        match self {
            Group::Classic(group) => group.is_idle(),
        }
    }

    /// Whether it only holds offsets, which alone tell of it.
    pub fn is_simple(&self) -> bool {
        match self {
            Group::Classic(group) => group.is_simple() && group.generation() == 0,
        }
    }

    /// The records from which it begins again.
    pub fn records(&self) -> Vec<GroupRecord> {
        match self {
            Group::Classic(group) => vec![group.record()],
        }
    }

    /// The records that say that it is gone.
    pub fn tombstones(&self) -> Vec<GroupRecord> {
        match self {
            Group::Classic(group) => vec![group.tombstone()],
        }
    }

    /// What `DescribeGroups` tells of it; `None` for a group of another protocol, which that API does not know.
    pub fn describe(&self) -> Option<DescribedGroup> {
        match self {
            Group::Classic(group) => Some(group.describe()),
        }
    }

    /// What `ListGroups` tells of it.
    pub fn list(&self) -> ListedGroup {
        match self {
            Group::Classic(group) => group.list(),
        }
    }
}
