//! Owns what all kinds of groups answer, whatever their protocol.

use corelog_protocol::messages::describe_groups_response::DescribedGroup;
use corelog_protocol::messages::list_groups_response::ListedGroup;
use corelog_protocol::{ErrorCode, Text, Uuid};

use super::classic::{ClassicGroup, ClassicState};
use super::consumer::{CommitClaim, CommitScope, ConsumerGroup, ConsumerGroupError};
use super::offsets::{ExpiryCondition, GroupOffsets};
use super::records::GroupRecord;

/// A group, by its protocol.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "most groups are classic ones or only hold offsets")]
pub enum Group {
    /// Members elect a leader, which assigns.
    Classic(ClassicGroup),
    /// The broker assigns (KIP-848).
    Consumer(Box<ConsumerGroup>),
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
            Group::Consumer(group) => group.memory_bytes(),
        }
    }

    /// Which offsets somebody may commit: all for a member of the generation, or for anybody where there are no members.
    pub fn may_commit(&self, claim: &CommitClaim<'_>) -> Result<CommitScope, ErrorCode> {
        match self {
            Group::Classic(group) => {
                group.may_commit(claim.member, claim.instance_id, claim.epoch).map(|()| CommitScope::All)
            }
            Group::Consumer(group) => group.check_commit(claim).map_err(|error| error.code()),
        }
    }

    /// Whether a member that may commit in this scope may do so for this partition.
    pub fn may_commit_partition(
        &self,
        scope: CommitScope,
        member: &Text,
        topic: Uuid,
        partition: i32,
    ) -> Result<(), ErrorCode> {
        match (self, scope) {
            (Group::Classic(_), _) | (Group::Consumer(_), CommitScope::All) => Ok(()),
            (Group::Consumer(group), CommitScope::HeldSince(epoch)) => {
                group.check_held_since(member, epoch, topic, partition).map_err(|error| error.code())
            }
        }
    }

    /// Whether somebody may read the offsets.
    pub fn may_fetch(&self, member_id: Option<&Text>, member_epoch: i32) -> Result<(), ErrorCode> {
        match self {
            Group::Classic(_) => Ok(()),
            Group::Consumer(group) => group.check_fetch(member_id, member_epoch).map_err(|error| error.code()),
        }
    }

    /// Whether offsets of topics that nobody consumes may be deleted.
    pub fn may_delete_offsets(&self) -> Result<(), ErrorCode> {
        match self {
            Group::Consumer(_) => Ok(()),
            Group::Classic(group) if group.state() == ClassicState::Empty || group.uses_consumer_protocol() => Ok(()),
            Group::Classic(_) => Err(ErrorCode::NonEmptyGroup),
        }
    }

    /// Whether the group may be deleted.
    pub fn may_delete(&self) -> Result<(), ErrorCode> {
        match self {
            Group::Consumer(group) if group.is_empty() => Ok(()),
            Group::Classic(group) if group.state() == ClassicState::Empty => Ok(()),
            Group::Consumer(_) | Group::Classic(_) => Err(ErrorCode::NonEmptyGroup),
        }
    }

    /// Whether a member consumes this topic, or may do so for all that is known.
    pub fn is_subscribed_to(&self, topic: &Text) -> bool {
        match self {
            Group::Classic(group) => group.is_subscribed_to(topic),
            Group::Consumer(group) => group.subscribes_to(topic),
        }
    }

    /// What its offsets' expiry is counted from.
    pub fn expiry_condition(&self) -> ExpiryCondition {
        match self {
            Group::Classic(group) => group.expiry_condition(),
            Group::Consumer(_) => ExpiryCondition::SinceCommit,
        }
    }

    /// Whether it has no members and none that may come.
    pub fn is_idle(&self) -> bool {
        match self {
            Group::Classic(group) => group.is_idle(),
            Group::Consumer(group) => group.is_empty(),
        }
    }

    /// Whether it only holds offsets, which alone tell of it.
    pub fn is_simple(&self) -> bool {
        match self {
            Group::Classic(group) => group.is_simple() && group.generation() == 0,
            Group::Consumer(_) => false,
        }
    }

    /// The records from which it begins again.
    pub fn records(&self) -> Vec<GroupRecord> {
        match self {
            Group::Classic(group) => vec![group.record()],
            Group::Consumer(group) => group.snapshot(),
        }
    }

    /// The records that say that it is gone.
    pub fn tombstones(&self) -> Vec<GroupRecord> {
        match self {
            Group::Classic(group) => vec![group.tombstone()],
            Group::Consumer(group) => group.tombstones(),
        }
    }

    /// What `DescribeGroups` tells of it; `None` for a group of another protocol, which that API does not know.
    pub fn describe(&self) -> Option<DescribedGroup> {
        match self {
            Group::Classic(group) => Some(group.describe()),
            Group::Consumer(_) => None,
        }
    }

    /// What `ListGroups` tells of it.
    pub fn list(&self) -> ListedGroup {
        match self {
            Group::Classic(group) => group.list(),
            Group::Consumer(group) => ListedGroup {
                group_id: group.id().clone(),
                protocol_type: Text::from_static("consumer"),
                group_state: Text::from_static(group.state().name()),
                group_type: Text::from_static("consumer"),
            },
        }
    }

    /// The consumer group that it is.
    pub fn as_consumer(&self) -> Result<&ConsumerGroup, ConsumerGroupError> {
        match self {
            Group::Consumer(group) => Ok(group),
            Group::Classic(group) => Err(ConsumerGroupError::NotConsumerGroup(group.id().clone())),
        }
    }
}
