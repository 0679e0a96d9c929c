//! Owns how a group goes from the classic protocol to the consumer protocol and back while members are in it (KIP-848).
//!
//! Pure: from the members of one kind to the records that make the group one of the other kind. Called within a request, or when the
//! last member of the consumer protocol is gone.

use std::collections::BTreeSet;

use bytes::Bytes;
use corelog_protocol::Text;
use corelog_protocol::messages::group_metadata_key::GroupMetadataKey;
use corelog_protocol::messages::group_metadata_value::{GroupMetadataValue, MemberMetadata};

use super::assignment::{Assignment, held_since};
use super::embedded::{self, PROTOCOL_TYPE};
use super::error::ConsumerGroupError;
use super::group::ConsumerGroup;
use super::member::{ClassicFacts, Member, MemberFacts, MemberPosition, MemberState};
use super::replay::{Changes, Part};
use super::step::{Context, Downgrade, Step};
use super::topology::{Topology, metadata_hash};
use crate::groups::records::GroupRecord;

/// A member of a classic group that is to become a consumer group.
#[derive(Clone, Debug, Default)]
pub struct ClassicMemberFacts {
    /// Its id.
    pub id: Text,
    /// Its instance id, where it is static.
    pub instance_id: Option<Text>,
    /// The client's id.
    pub client_id: Text,
    /// The client's address, as Kafka writes it.
    pub client_host: Text,
    /// Its rebalance timeout, in milliseconds.
    pub rebalance_timeout_ms: i32,
    /// Its session timeout, in milliseconds.
    pub session_timeout_ms: i32,
    /// The protocols that it knows, the preferred one first, each with its subscription.
    pub protocols: Vec<(Text, Bytes)>,
    /// What the group's leader gave it; empty for nothing.
    pub assignment: Bytes,
}

/// A classic group with members that is to become a consumer group.
#[derive(Clone, Debug, Default)]
pub struct ClassicGroupFacts {
    /// Its id.
    pub id: Text,
    /// Its generation.
    pub generation: i32,
    /// The protocol that was agreed on; nothing while members still join for the first time.
    pub protocol: Option<Text>,
    /// Its members.
    pub members: Vec<ClassicMemberFacts>,
}

impl ConsumerGroup {
    /// The consumer group that a classic group becomes, with the records that make it so. Its generation becomes the epoch, what the
    /// members hold stays theirs. The caller answers those that wait to join or for their assignment: they must join again.
    ///
    /// # Errors
    /// When what the members sent is not what consumers send.
    pub fn from_classic(
        classic: &ClassicGroupFacts,
        topology: &dyn Topology,
    ) -> Result<(ConsumerGroup, Changes), ConsumerGroupError> {
        let malformed = |_| ConsumerGroupError::MalformedClassicGroup(classic.id.clone());
        let mut group = ConsumerGroup::new(classic.id.clone());
        let mut changes = Changes::default();
        let key = GroupMetadataKey { group: classic.id.clone() };
        changes.records.push(GroupRecord::GroupMetadata(key, None));
        let mut members = Vec::with_capacity(classic.members.len());
        for member in &classic.members {
            members.push(converted(member, classic, topology).map_err(malformed)?);
        }
        for (id, facts, _) in &members {
            group.change(&mut changes, Part::Facts(id.clone(), Some(facts.clone())));
        }
        let hash = metadata_hash(&group.subscribed_names(), topology);
        group.change(&mut changes, Part::Epoch(Some((classic.generation, hash))));
        for (id, _, assigned) in &members {
            group.change(&mut changes, Part::Target(id.clone(), Some(assigned.clone())));
        }
        group.change(&mut changes, Part::TargetEpoch(Some((classic.generation, 0))));
        for (id, _, assigned) in members {
            let position = MemberPosition {
                epoch: classic.generation,
                epoch_previous: classic.generation,
                state: MemberState::Stable,
                assigned: held_since(&assigned, classic.generation),
                ..MemberPosition::default()
            };
            group.change(&mut changes, Part::Position(id, Some(position)));
        }
        Ok((group, changes))
    }

    /// Goes on as a classic group without these members, if they are the last ones of the consumer protocol and that is allowed.
    pub(super) fn downgrade_without(&self, leaving: &BTreeSet<Text>, context: &Context<'_>) -> Option<Step<()>> {
        let stays = |id: &Text| !leaving.contains(id);
        let staying = self.members.iter().filter(|(id, _)| stays(id));
        let count = staying.clone().count();
        let last_goes = self.members.iter().any(|(id, member)| !stays(id) && !member.is_classic());
        let allowed = context.settings.migration.downgrades() && count <= context.settings.classic_size_max;
        if count == 0 || !last_goes || !staying.clone().all(|(_, member)| member.is_classic()) || !allowed {
            return None;
        }
        let mut changes = Changes::default();
        self.write_classic(&mut changes, staying, context)?;
        let mut step = Step::new((), changes);
        step.downgrade = Some(Downgrade { rebalance: true });
        Some(step)
    }

    /// Whether the group may go on as a classic group once this static member is replaced by one of the classic protocol.
    pub(super) fn may_downgrade_with_replaced(&self, replaced: &Text, context: &Context<'_>) -> bool {
        let others_classic = self
            .members
            .iter()
            .all(|(id, member)| if id == replaced { !member.is_classic() } else { member.is_classic() });
        others_classic
            && context.settings.migration.downgrades()
            && self.members.len() <= context.settings.classic_size_max
    }

    /// Adds the records that delete this group and make a classic one of all its members.
    pub(super) fn downgrade(&self, changes: &mut Changes, context: &Context<'_>) -> Option<()> {
        self.write_classic(changes, self.members.iter(), context)
    }

    fn write_classic<'a>(
        &'a self,
        changes: &mut Changes,
        members: impl Iterator<Item = (&'a Text, &'a Member)> + Clone,
        context: &Context<'_>,
    ) -> Option<()> {
        let classics: Vec<&ClassicFacts> =
            members.clone().filter_map(|(_, member)| member.facts.classic.as_ref()).collect();
        let protocol = common_protocol(&classics)?;
        let leader = members.clone().next().map(|(id, _)| id.clone());
        let members = members.filter_map(|(id, member)| {
            let classic = member.facts.classic.as_ref()?;
            let (_, metadata) = classic.protocols.iter().find(|(name, _)| *name == protocol)?;
            let version = embedded::subscription(metadata).map_or(0, |(version, _)| version);
            let target = self.targets.get(id.as_str()).cloned().unwrap_or_default();
            Some(MemberMetadata {
                member_id: id.clone(),
                group_instance_id: member.facts.instance_id.clone(),
                client_id: member.facts.client_id.clone(),
                client_host: member.facts.client_host.clone(),
                rebalance_timeout: member.facts.rebalance_timeout_ms,
                session_timeout: classic.session_timeout_ms,
                subscription: metadata.clone(),
                assignment: embedded::assignment_bytes(&target, version, context.topology),
            })
        });
        let value = GroupMetadataValue {
            protocol_type: Text::from_static(PROTOCOL_TYPE),
            generation: self.epoch,
            protocol: Some(protocol.clone()),
            leader,
            current_state_timestamp: context.now_ms,
            members: members.collect(),
        };
        changes.records.extend(self.tombstones());
        changes.records.push(GroupRecord::GroupMetadata(GroupMetadataKey { group: self.id.clone() }, Some(value)));
        Some(())
    }
}

fn converted(
    member: &ClassicMemberFacts,
    group: &ClassicGroupFacts,
    topology: &dyn Topology,
) -> Result<(Text, MemberFacts, Assignment), embedded::Malformed> {
    let agreed = |name: &Text| group.protocol.as_ref().is_none_or(|protocol| protocol == name);
    let (_, metadata) = member.protocols.iter().find(|(name, _)| agreed(name)).ok_or(embedded::Malformed)?;
    let (_, subscription) = embedded::subscription(metadata)?;
    let assigned = if member.assignment.is_empty() {
        Assignment::new()
    } else {
        embedded::assignment(&member.assignment, topology)?
    };
    let facts = MemberFacts {
        instance_id: member.instance_id.clone(),
        rack_id: subscription.rack_id.filter(|rack| !rack.is_empty()).map(|rack| rack.detached()),
        client_id: member.client_id.clone(),
        client_host: member.client_host.clone(),
        topics: subscription.topics.iter().map(Text::detached).collect(),
        pattern: Some(Text::default()),
        rebalance_timeout_ms: member.rebalance_timeout_ms,
        assignor: None,
        classic: Some(ClassicFacts {
            session_timeout_ms: member.session_timeout_ms,
            protocols: member.protocols.clone(),
        }),
    };
    Ok((member.id.clone(), facts, assigned))
}

/// The protocol that most members prefer among those that all of them know.
fn common_protocol(members: &[&ClassicFacts]) -> Option<Text> {
    let knows = |member: &ClassicFacts, name: &Text| member.protocols.iter().any(|(known, _)| known == name);
    let common = |name: &&Text| members.iter().all(|member| knows(member, name));
    let mut votes: Vec<(Text, usize)> = Vec::new();
    for vote in members.iter().filter_map(|member| member.protocols.iter().map(|(name, _)| name).find(common)) {
        match votes.iter_mut().find(|(name, _)| name == vote) {
            Some((_, count)) => *count += 1,
            None => votes.push((vote.clone(), 1)),
        }
    }
    votes.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(name, _)| name)
}
