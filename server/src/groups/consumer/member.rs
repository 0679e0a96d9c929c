//! Owns a member of a consumer group: what it told of itself, what it holds, and until when it must be heard of.
//!
//! Plain state, changed by records alone except for the deadlines, which a restart sets anew.

use std::collections::BTreeSet;

use bytes::Bytes;
use corelog_protocol::Text;
use corelog_protocol::messages::consumer_group_current_member_assignment_value as assignment_value;
use corelog_protocol::messages::consumer_group_current_member_assignment_value::ConsumerGroupCurrentMemberAssignmentValue;
use corelog_protocol::messages::consumer_group_member_metadata_value::{
    ClassicMemberMetadata, ClassicProtocol, ConsumerGroupMemberMetadataValue,
};

use super::assignment::Holding;

/// The epoch of a member that left for good.
pub const EPOCH_LEFT: i32 = -1;
/// The epoch of a static member that left and is expected back.
pub const EPOCH_AWAY: i32 = -2;

/// How far a member is on its way to its target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemberState {
    /// It holds what the epoch that it is in gives it.
    #[default]
    Stable,
    /// It was told to give up partitions and still holds some of them.
    UnrevokedPartitions,
    /// It lacks partitions that others still hold.
    UnreleasedPartitions,
    /// A state that a newer version wrote.
    Unknown,
}

impl MemberState {
    fn from_number(number: i8) -> MemberState {
        match number {
            0 => MemberState::Stable,
            1 => MemberState::UnrevokedPartitions,
            2 => MemberState::UnreleasedPartitions,
            _ => MemberState::Unknown,
        }
    }

    fn number(self) -> i8 {
        match self {
            MemberState::Stable => 0,
            MemberState::UnrevokedPartitions => 1,
            MemberState::UnreleasedPartitions => 2,
            MemberState::Unknown => 127,
        }
    }
}

/// What a member of the classic protocol brought with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassicFacts {
    /// Its session timeout, in milliseconds.
    pub session_timeout_ms: i32,
    /// The protocols that it knows, the preferred one first, each with its subscription.
    pub protocols: Vec<(Text, Bytes)>,
}

/// What a member told of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberFacts {
    /// Its instance id, where it is static.
    pub instance_id: Option<Text>,
    /// Its rack.
    pub rack_id: Option<Text>,
    /// The client's id.
    pub client_id: Text,
    /// The client's address, as Kafka writes it.
    pub client_host: Text,
    /// The topics that it names.
    pub topics: BTreeSet<Text>,
    /// The pattern by which it subscribes; empty for none.
    pub pattern: Option<Text>,
    /// How long it may take to give up partitions, in milliseconds; -1 while it has not said.
    pub rebalance_timeout_ms: i32,
    /// The assignor that it would like.
    pub assignor: Option<Text>,
    /// What it brought where it speaks the classic protocol.
    pub classic: Option<ClassicFacts>,
}

impl MemberFacts {
    /// The pattern, where there is one.
    pub fn pattern(&self) -> Option<&Text> {
        self.pattern.as_ref().filter(|pattern| !pattern.is_empty())
    }

    /// The facts as they are recorded.
    pub fn to_value(&self) -> ConsumerGroupMemberMetadataValue {
        ConsumerGroupMemberMetadataValue {
            instance_id: self.instance_id.clone(),
            rack_id: self.rack_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            subscribed_topic_names: self.topics.iter().cloned().collect(),
            subscribed_topic_regex: self.pattern.clone(),
            rebalance_timeout_ms: self.rebalance_timeout_ms,
            server_assignor: self.assignor.clone(),
            classic_member_metadata: self.classic.as_ref().map(|classic| ClassicMemberMetadata {
                session_timeout_ms: classic.session_timeout_ms,
                supported_protocols: classic
                    .protocols
                    .iter()
                    .map(|(name, metadata)| ClassicProtocol { name: name.clone(), metadata: metadata.clone() })
                    .collect(),
            }),
        }
    }

    /// The facts that a record holds. They keep nothing of the batch that it was read from.
    pub fn from_value(value: &ConsumerGroupMemberMetadataValue) -> MemberFacts {
        let detached = |text: &Option<Text>| text.as_ref().map(Text::detached);
        MemberFacts {
            instance_id: detached(&value.instance_id),
            rack_id: detached(&value.rack_id),
            client_id: value.client_id.detached(),
            client_host: value.client_host.detached(),
            topics: value.subscribed_topic_names.iter().map(Text::detached).collect(),
            pattern: detached(&value.subscribed_topic_regex),
            rebalance_timeout_ms: value.rebalance_timeout_ms,
            assignor: detached(&value.server_assignor),
            classic: value.classic_member_metadata.as_ref().map(|classic| ClassicFacts {
                session_timeout_ms: classic.session_timeout_ms,
                protocols: classic
                    .supported_protocols
                    .iter()
                    .map(|protocol| (protocol.name.detached(), Bytes::copy_from_slice(&protocol.metadata)))
                    .collect(),
            }),
        }
    }
}

/// What a member holds, and in which epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberPosition {
    /// The epoch that it is in, or [`EPOCH_LEFT`], or [`EPOCH_AWAY`].
    pub epoch: i32,
    /// The epoch that it was in before, which it may still believe to be in.
    pub epoch_previous: i32,
    /// How far it is.
    pub state: MemberState,
    /// What it was given.
    pub assigned: Holding,
    /// What it must give up and has not yet.
    pub revoking: Holding,
}

impl MemberPosition {
    /// The position after a step that ends in `epoch`; the epoch before the step is remembered.
    #[must_use]
    pub fn in_epoch(mut self, epoch: i32) -> MemberPosition {
        self.epoch_previous = self.epoch;
        self.epoch = epoch;
        self
    }

    /// The position as it is recorded.
    pub fn to_value(&self) -> ConsumerGroupCurrentMemberAssignmentValue {
        ConsumerGroupCurrentMemberAssignmentValue {
            member_epoch: self.epoch,
            previous_member_epoch: self.epoch_previous,
            state: self.state.number(),
            assigned_partitions: topics_of(&self.assigned),
            partitions_pending_revocation: topics_of(&self.revoking),
        }
    }

    /// The position that a record holds.
    pub fn from_value(value: &ConsumerGroupCurrentMemberAssignmentValue) -> MemberPosition {
        MemberPosition {
            epoch: value.member_epoch,
            epoch_previous: value.previous_member_epoch,
            state: MemberState::from_number(value.state),
            assigned: holding_of(&value.assigned_partitions, value.member_epoch),
            revoking: holding_of(&value.partitions_pending_revocation, value.member_epoch),
        }
    }
}

fn topics_of(holding: &Holding) -> Vec<assignment_value::TopicPartitions> {
    let topic = |(id, partitions): (&_, &std::collections::BTreeMap<i32, i32>)| assignment_value::TopicPartitions {
        topic_id: *id,
        partitions: partitions.keys().copied().collect(),
        assignment_epochs: Some(partitions.values().copied().collect()),
    };
    holding.iter().map(topic).collect()
}

/// What a record says is held. Records of older versions do not say since when: then it is since the member's epoch.
fn holding_of(topics: &[assignment_value::TopicPartitions], member_epoch: i32) -> Holding {
    let mut holding = Holding::new();
    for topic in topics.iter().filter(|topic| !topic.partitions.is_empty()) {
        let epochs = topic.assignment_epochs.as_deref().filter(|epochs| epochs.len() == topic.partitions.len());
        let epoch = |index: usize| epochs.and_then(|epochs| epochs.get(index).copied()).unwrap_or(member_epoch);
        let partitions = topic.partitions.iter().enumerate().map(|(index, partition)| (*partition, epoch(index)));
        holding.entry(topic.topic_id).or_default().extend(partitions);
    }
    holding
}

/// Until when a member must be heard of, in milliseconds of the coordinator's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadlines {
    /// For any sign of life.
    pub session_ms: Option<i64>,
    /// For giving up partitions, and the epoch in which it was told to.
    pub rebalance_ms: Option<(i64, i32)>,
    /// For joining again, where it speaks the classic protocol.
    pub join_ms: Option<i64>,
    /// For asking what it was assigned, where it speaks the classic protocol.
    pub sync_ms: Option<i64>,
}

impl Deadlines {
    /// The first of them.
    pub fn first_ms(&self) -> Option<i64> {
        let rebalance_ms = self.rebalance_ms.map(|(at_ms, _)| at_ms);
        [self.session_ms, rebalance_ms, self.join_ms, self.sync_ms].into_iter().flatten().min()
    }
}

/// A member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// What it told of itself.
    pub facts: MemberFacts,
    /// What it holds.
    pub position: MemberPosition,
    /// Until when it must be heard of.
    pub deadlines: Deadlines,
}

impl Member {
    /// Memory that it takes, in bytes, about.
    pub fn memory_bytes(&self) -> usize {
        let facts = &self.facts;
        let text = |text: &Option<Text>| text.as_ref().map_or(0, |text| text.len());
        let topics: usize = facts.topics.iter().map(|name| size_of::<Text>() + name.len()).sum();
        let protocols = facts.classic.iter().flat_map(|classic| &classic.protocols);
        let held = |holding: &Holding| holding.values().map(|partitions| 48 + 12 * partitions.len()).sum::<usize>();
        size_of::<Member>()
            + text(&facts.instance_id)
            + text(&facts.rack_id)
            + text(&facts.pattern)
            + facts.client_id.len()
            + facts.client_host.len()
            + topics
            + protocols.map(|(name, metadata)| 64 + name.len() + metadata.len()).sum::<usize>()
            + held(&self.position.assigned)
            + held(&self.position.revoking)
    }

    /// Whether it speaks the classic protocol.
    pub fn is_classic(&self) -> bool {
        self.facts.classic.is_some()
    }

    /// Whether it holds just what the target of this epoch gives it.
    pub fn is_reconciled_to(&self, epoch: i32) -> bool {
        self.position.state == MemberState::Stable && self.position.epoch == epoch
    }
}
