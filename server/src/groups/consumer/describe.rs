//! Owns how a consumer group is shown, and which requests of others it lets through: commits, fetches of offsets, deletion.

use corelog_protocol::messages::consumer_group_describe_response::{
    self as message, DescribedGroup, Member as DescribedMember, TopicPartitions,
};
use corelog_protocol::{Text, Uuid};

use super::assignment::{Assignment, Holding, partitions_of};
use super::error::ConsumerGroupError;
use super::group::ConsumerGroup;
use super::member::Member;
use super::settings::ConsumerSettings;
use super::topology::Topology;

/// The first version of `OffsetCommit` that carries member epochs.
const COMMIT_VERSION_EPOCHS: i16 = 9;
/// `MemberType` of a member that speaks the classic protocol (KIP-1099).
const TYPE_CLASSIC: i8 = 0;
/// `MemberType` of a member that speaks the consumer protocol.
const TYPE_CONSUMER: i8 = 1;

impl ConsumerGroup {
    /// The group as `ConsumerGroupDescribe` shows it.
    pub fn describe(&self, settings: &ConsumerSettings, topology: &dyn Topology) -> DescribedGroup {
        let nothing = Assignment::new();
        let members = self.members.iter().map(|(id, member)| {
            let target = self.targets.get(id.as_str()).unwrap_or(&nothing);
            described(id, member, target, topology)
        });
        DescribedGroup {
            group_id: self.id.clone(),
            group_state: Text::from_static(self.state().name()),
            group_epoch: self.epoch,
            assignment_epoch: self.target_epoch,
            assignor_name: Text::from_static(self.assignor(settings).name()),
            members: members.collect(),
            ..Default::default()
        }
    }

    /// Which offsets a member may commit. Classic members give their generation as epoch; an epoch below 0 comes from outside of the
    /// group, which is let through while the group is empty.
    ///
    /// # Errors
    /// `UnknownMember`, `StaleEpoch`, `IllegalGeneration`, `CommitVersion`.
    pub fn check_commit(&self, commit: &CommitClaim<'_>) -> Result<CommitScope, ConsumerGroupError> {
        let outside = commit.epoch < 0;
        let nameless = commit.member.is_empty() && commit.instance_id.is_none();
        if outside && (self.members.is_empty() || commit.is_transactional && nameless) {
            return Ok(CommitScope::All);
        }
        let member = self.member(commit.member)?;
        if !commit.is_transactional && !member.is_classic() && commit.version < COMMIT_VERSION_EPOCHS {
            return Err(ConsumerGroupError::CommitVersion);
        }
        if commit.epoch < member.position.epoch {
            return Ok(CommitScope::HeldSince(commit.epoch));
        }
        check_epoch_of(commit.member, member, commit.epoch).map(|()| CommitScope::All)
    }

    /// Whether a member may commit an offset of this partition with an epoch that it has left behind: it may while it holds the
    /// partition since that epoch, or longer (KIP-1251).
    ///
    /// # Errors
    /// `UnknownMember`, `StaleEpoch`, `IllegalGeneration`.
    pub fn check_held_since(
        &self,
        id: &Text,
        epoch: i32,
        topic: Uuid,
        partition: i32,
    ) -> Result<(), ConsumerGroupError> {
        let member = self.member(id)?;
        let since = |holding: &Holding| holding.get(&topic)?.get(&partition).copied();
        let since = since(&member.position.assigned).or_else(|| since(&member.position.revoking));
        if since.is_some_and(|since| since <= epoch) { Ok(()) } else { check_epoch_of(id, member, epoch) }
    }

    /// Whether offsets may be read on behalf of a member; without one, they always may.
    ///
    /// # Errors
    /// `UnknownMember`, `StaleEpoch`, `IllegalGeneration`.
    pub fn check_fetch(&self, id: Option<&Text>, epoch: i32) -> Result<(), ConsumerGroupError> {
        match id {
            None if epoch < 0 => Ok(()),
            None => self.member(&Text::default()).map(drop),
            Some(id) => check_epoch_of(id, self.member(id)?, epoch),
        }
    }
}

/// Who commits offsets, and how.
#[derive(Clone, Copy, Debug)]
pub struct CommitClaim<'a> {
    /// The member's id.
    pub member: &'a Text,
    /// Its instance id.
    pub instance_id: Option<&'a Text>,
    /// The epoch that it believes to be in.
    pub epoch: i32,
    /// Whether a transaction commits.
    pub is_transactional: bool,
    /// The version of the request.
    pub version: i16,
}

/// Which offsets may be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitScope {
    /// All.
    All,
    /// Those of partitions that `check_held_since` lets through with this epoch.
    HeldSince(i32),
}

fn check_epoch_of(id: &Text, member: &Member, received: i32) -> Result<(), ConsumerGroupError> {
    let known = member.position.epoch;
    match (received == known, member.is_classic()) {
        (true, _) => Ok(()),
        (false, true) => Err(ConsumerGroupError::IllegalGeneration { received, known, member: id.clone() }),
        (false, false) => Err(ConsumerGroupError::StaleEpoch { received, known }),
    }
}

fn described(id: &Text, member: &Member, target: &Assignment, topology: &dyn Topology) -> DescribedMember {
    // What it still has to give up is its own until it has.
    let mut held = partitions_of(&member.position.assigned);
    for (topic, partitions) in partitions_of(&member.position.revoking) {
        held.entry(topic).or_default().extend(partitions);
    }
    DescribedMember {
        member_id: id.clone(),
        instance_id: member.facts.instance_id.clone(),
        rack_id: member.facts.rack_id.clone(),
        member_epoch: member.position.epoch,
        client_id: member.facts.client_id.clone(),
        client_host: member.facts.client_host.clone(),
        subscribed_topic_names: member.facts.topics.iter().cloned().collect(),
        subscribed_topic_regex: Some(member.facts.pattern().cloned().unwrap_or_default()),
        assignment: named(&held, topology),
        target_assignment: named(target, topology),
        member_type: if member.is_classic() { TYPE_CLASSIC } else { TYPE_CONSUMER },
    }
}

/// An assignment with the names of its topics; those that no longer exist are left out.
fn named(assignment: &Assignment, topology: &dyn Topology) -> message::Assignment {
    let topics = assignment.iter().filter_map(|(id, partitions)| {
        let topic_name = topology.by_id(*id)?.name;
        Some(TopicPartitions { topic_id: *id, topic_name, partitions: partitions.iter().copied().collect() })
    });
    message::Assignment { topic_partitions: topics.collect() }
}
