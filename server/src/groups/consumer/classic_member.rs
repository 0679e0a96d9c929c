//! Owns the classic protocol inside of a consumer group: members that still join, sync and heartbeat the old way are given their part
//! of the same target (KIP-848).
//!
//! On the shard that owns the group; called by its coordinator where `JoinGroup`, `SyncGroup`, `Heartbeat` or `LeaveGroup` names such a group.

use std::collections::BTreeSet;

use bytes::Bytes;
use corelog_protocol::Text;
use corelog_protocol::messages::consumer_protocol_subscription::ConsumerProtocolSubscription;
use corelog_protocol::messages::heartbeat_request::HeartbeatRequest;
use corelog_protocol::messages::join_group_request::JoinGroupRequest;
use corelog_protocol::messages::join_group_response::JoinGroupResponse;
use corelog_protocol::messages::sync_group_request::SyncGroupRequest;
use corelog_protocol::messages::sync_group_response::SyncGroupResponse;

use super::assignment::{Assignment, partitions_of};
use super::embedded::{self, PROTOCOL_TYPE};
use super::error::ConsumerGroupError;
use super::group::ConsumerGroup;
use super::heartbeat::{Before, replacement};
use super::member::{ClassicFacts, MemberFacts, MemberState};
use super::replay::Changes;
use super::settings::MigrationPolicy;
use super::step::{Context, Downgrade, Step};
use super::topology::Topology;

/// The first version of `JoinGroup` whose clients come back with the id that they are given (KIP-394).
const VERSION_KNOWN_ID: i16 = 4;

/// A member that leaves, as `LeaveGroup` names it.
#[derive(Clone, Debug)]
pub struct LeavingMember {
    /// Its id; empty where an administrator names the instance alone.
    pub id: Text,
    /// Its instance id.
    pub instance_id: Option<Text>,
}

impl ConsumerGroup {
    /// A member of the classic protocol joins, or joins again.
    ///
    /// # Errors
    /// Why it is refused; then nothing changed.
    pub fn classic_join(
        &mut self,
        request: &JoinGroupRequest,
        version: i16,
        context: &Context<'_>,
    ) -> Result<Step<JoinGroupResponse>, ConsumerGroupError> {
        if context.settings.migration == MigrationPolicy::Disabled {
            return Err(ConsumerGroupError::MigrationDisabled(self.id.clone()));
        }
        let is_unknown = request.member_id.is_empty();
        let id = if is_unknown { Text::from(context.id_new.to_string()) } else { request.member_id.detached() };
        self.check_not_full(&id, context)?;
        let told = self.check_protocols(&id, request)?;
        if is_unknown && request.group_instance_id.is_none() && version >= VERSION_KNOWN_ID {
            return Err(ConsumerGroupError::MemberIdRequired(id));
        }
        let subscription = embedded::subscription(told).map(|(_, subscription)| subscription);
        let subscription = subscription.map_err(|_| ConsumerGroupError::InconsistentProtocol(id.clone()))?;
        let before = self.find_or_begin_classic(&id, request, is_unknown)?;
        let replaced = before.replaces.as_ref();
        let downgrades = replaced.is_some_and(|replaced| self.may_downgrade_with_replaced(replaced, context));
        let facts = classic_facts(&before.facts, request, &subscription, context);
        let protocol = request.protocols.first().map(|protocol| protocol.name.clone());
        let owned = owned_partitions(&subscription, context.topology);

        let mut changes = Changes::default();
        self.replace_static(&mut changes, &before);
        let mut step = self.update_member(changes, &before, facts, context);
        let changed = step.answer;
        if downgrades {
            if !changed {
                self.reconcile(&mut step.changes, &id, Some(&owned), false, context);
            }
            if self.downgrade(&mut step.changes, context).is_some() {
                step.resolve = None;
                step.downgrade = Some(Downgrade { rebalance: changed });
            }
        } else {
            self.update_target(&mut step.changes, context);
            self.reconcile(&mut step.changes, &id, Some(&owned), changed, context);
        }
        let Some(member) = self.members.get_mut(id.as_str()) else { unreachable!("the member was put there above") };
        let after = |timeout_ms: i32| Some(context.ticks_ms.saturating_add(i64::from(timeout_ms.max(0))));
        member.deadlines.join_ms = None;
        member.deadlines.session_ms = after(request.session_timeout_ms);
        member.deadlines.sync_ms = after(member.facts.rebalance_timeout_ms);
        step.wake_ms = member.deadlines.first_ms();
        let answer = JoinGroupResponse {
            member_id: id,
            generation_id: member.position.epoch,
            protocol_type: Some(Text::from_static(PROTOCOL_TYPE)),
            protocol_name: protocol,
            ..Default::default()
        };
        Ok(step.map(|_| answer))
    }

    /// The protocols of a joining member must be those of consumers, and one of them known to all classic members; what it tells of itself
    /// with the first.
    fn check_protocols<'a>(&self, id: &Text, request: &'a JoinGroupRequest) -> Result<&'a Bytes, ConsumerGroupError> {
        let inconsistent = || ConsumerGroupError::InconsistentProtocol(id.clone());
        let Some(first) = request.protocols.first().filter(|_| request.protocol_type == PROTOCOL_TYPE) else {
            return Err(inconsistent());
        };
        let classic = || self.members.values().filter_map(|member| member.facts.classic.as_ref());
        let known_to_all =
            |name: &Text| classic().all(|classic| classic.protocols.iter().any(|(known, _)| known == name));
        if !request.protocols.iter().any(|protocol| known_to_all(&protocol.name)) {
            return Err(inconsistent());
        }
        Ok(&first.metadata)
    }

    fn find_or_begin_classic(
        &self,
        id: &Text,
        request: &JoinGroupRequest,
        is_unknown: bool,
    ) -> Result<Before, ConsumerGroupError> {
        let Some(instance) = &request.group_instance_id else { return Ok(self.before(id)) };
        match self.statics.get(instance.as_str()) {
            Some(known) if is_unknown => Ok(replacement(self.before(known), id.clone())),
            Some(known) if known == id => Ok(self.before(known)),
            Some(known) => Err(ConsumerGroupError::FencedInstance {
                received: id.clone(),
                instance: instance.clone(),
                known: known.clone(),
            }),
            None if is_unknown => Ok(self.before(id)),
            None => Err(ConsumerGroupError::UnknownInstance(instance.clone())),
        }
    }

    /// A member of the classic protocol asks for what it was assigned.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn classic_sync(
        &mut self,
        request: &SyncGroupRequest,
        context: &Context<'_>,
    ) -> Result<Step<SyncGroupResponse>, ConsumerGroupError> {
        let id = self.classic_member(&request.member_id, request.group_instance_id.as_ref(), request.generation_id)?;
        let inconsistent = || ConsumerGroupError::InconsistentProtocol(id.clone());
        let facts = self.before(&id);
        let classic = facts.facts.classic.as_ref().ok_or_else(|| ConsumerGroupError::NotClassicMember(id.clone()))?;
        let (name, metadata) = classic.protocols.first().ok_or_else(inconsistent)?;
        let other_type = request.protocol_type.as_ref().is_some_and(|told| *told != PROTOCOL_TYPE);
        if other_type || request.protocol_name.as_ref().is_some_and(|told| told != name) {
            return Err(inconsistent());
        }
        let mut step = Step::new((), Changes::default());
        if self.epoch > facts.position.epoch && facts.position.state != MemberState::UnrevokedPartitions {
            self.expect_join(&id, context);
            return Err(ConsumerGroupError::RebalanceInProgress { group: self.id.clone(), member: id });
        }
        let version = embedded::subscription(metadata).map_or(0, |(version, _)| version);
        let assignment =
            embedded::assignment_bytes(&partitions_of(&facts.position.assigned), version, context.topology);
        self.keep_session(&id, classic.session_timeout_ms, context.ticks_ms);
        if let Some(member) = self.members.get_mut(id.as_str()) {
            member.deadlines.sync_ms = None;
            step.wake_ms = member.deadlines.first_ms();
        }
        Ok(step.map(|()| SyncGroupResponse {
            protocol_type: request.protocol_type.clone(),
            protocol_name: request.protocol_name.clone(),
            assignment,
            ..Default::default()
        }))
    }

    /// A heartbeat of a member of the classic protocol; whether it must join again.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn classic_heartbeat(
        &mut self,
        request: &HeartbeatRequest,
        context: &Context<'_>,
    ) -> Result<Step<bool>, ConsumerGroupError> {
        let id = self.classic_member(&request.member_id, request.group_instance_id.as_ref(), request.generation_id)?;
        let Some(member) = self.members.get(id.as_str()) else { unreachable!("the member was found above") };
        let position = &member.position;
        let must_join = position.epoch < self.epoch
            || position.state == MemberState::UnrevokedPartitions
            || (position.state == MemberState::UnreleasedPartitions && !self.waits_for_others(&id));
        let session_ms = member.facts.classic.as_ref().map_or(0, |classic| classic.session_timeout_ms);
        self.keep_session(&id, session_ms, context.ticks_ms);
        if must_join {
            self.expect_join(&id, context);
        }
        let mut step = Step::new(must_join, Changes::default());
        step.wake_ms = self.members.get(id.as_str()).and_then(|member| member.deadlines.first_ms());
        Ok(step)
    }

    /// Members of the classic protocol leave: an outcome for each, in their order.
    pub fn classic_leave(
        &mut self,
        leaving: &[LeavingMember],
        context: &Context<'_>,
    ) -> Step<Vec<Result<Text, ConsumerGroupError>>> {
        let mut gone = BTreeSet::new();
        let mut outcomes = Vec::with_capacity(leaving.len());
        for member in leaving {
            let found = self
                .find_leaving(member)
                .and_then(|id| if gone.insert(id.clone()) { Ok(id) } else { self.unknown(&id) });
            outcomes.push(found);
        }
        self.fence(&gone, context).map(|()| outcomes)
    }

    fn unknown(&self, id: &Text) -> Result<Text, ConsumerGroupError> {
        Err(ConsumerGroupError::UnknownMember { member: id.clone(), group: self.id.clone() })
    }

    fn find_leaving(&self, leaving: &LeavingMember) -> Result<Text, ConsumerGroupError> {
        let id = match &leaving.instance_id {
            None => leaving.id.clone(),
            Some(instance) if leaving.id.is_empty() => {
                let known = self.statics.get(instance.as_str()).cloned();
                known.ok_or_else(|| ConsumerGroupError::UnknownInstance(instance.clone()))?
            }
            Some(instance) => self.static_member(instance, &leaving.id)?,
        };
        if !self.member(&id)?.is_classic() {
            return Err(ConsumerGroupError::NotClassicMember(id));
        }
        Ok(id.detached())
    }

    /// The member that a request of the classic protocol comes from.
    fn classic_member(
        &self,
        received: &Text,
        instance: Option<&Text>,
        generation: i32,
    ) -> Result<Text, ConsumerGroupError> {
        let id = match instance {
            Some(instance) => self.static_member(instance, received)?,
            None => received.detached(),
        };
        let member = self.member(&id)?;
        if !member.is_classic() {
            return Err(ConsumerGroupError::NotClassicMember(id));
        }
        let known = member.position.epoch;
        if known != generation {
            return Err(ConsumerGroupError::IllegalGeneration { received: generation, known, member: id });
        }
        Ok(id)
    }

    /// The member must join within its rebalance timeout, counted from the first time that it is told so.
    fn expect_join(&mut self, id: &Text, context: &Context<'_>) {
        if let Some(member) = self.members.get_mut(id.as_str()) {
            let timeout_ms = i64::from(member.facts.rebalance_timeout_ms.max(0));
            member.deadlines.join_ms.get_or_insert(context.ticks_ms.saturating_add(timeout_ms));
        }
    }

    /// Whether others hold what a member's target gives it.
    fn waits_for_others(&self, id: &Text) -> bool {
        let (Some(member), Some(target)) = (self.members.get(id.as_str()), self.targets.get(id.as_str())) else {
            return false;
        };
        target.iter().any(|(topic, partitions)| {
            let missing = |partition: &&i32| !super::assignment::holds(&member.position.assigned, *topic, **partition);
            partitions.iter().filter(missing).any(|partition| self.is_held(*topic, *partition))
        })
    }
}

/// What a member of the classic protocol told of itself, after it joined.
fn classic_facts(
    before: &MemberFacts,
    request: &JoinGroupRequest,
    subscription: &ConsumerProtocolSubscription,
    context: &Context<'_>,
) -> MemberFacts {
    let rack = subscription.rack_id.as_ref().filter(|rack| !rack.is_empty());
    let protocols = request.protocols.iter();
    MemberFacts {
        instance_id: request.group_instance_id.as_ref().map(Text::detached).or_else(|| before.instance_id.clone()),
        rack_id: rack.map(Text::detached).or_else(|| before.rack_id.clone()),
        client_id: context.client_id.clone(),
        client_host: context.client_host.clone(),
        topics: subscription.topics.iter().map(Text::detached).collect(),
        // Members of the classic protocol match patterns themselves.
        pattern: Some(Text::default()),
        rebalance_timeout_ms: match request.rebalance_timeout_ms {
            -1 => before.rebalance_timeout_ms.max(request.session_timeout_ms),
            told => told,
        },
        assignor: before.assignor.clone(),
        classic: Some(ClassicFacts {
            session_timeout_ms: request.session_timeout_ms,
            protocols: protocols
                .map(|protocol| (protocol.name.detached(), Bytes::copy_from_slice(&protocol.metadata)))
                .collect(),
        }),
    }
}

fn owned_partitions(subscription: &ConsumerProtocolSubscription, topology: &dyn Topology) -> Assignment {
    let mut owned = Assignment::new();
    for topic in subscription.owned_partitions.iter().filter(|topic| !topic.partitions.is_empty()) {
        if let Some(facts) = topology.by_name(&topic.topic) {
            owned.entry(facts.id).or_default().extend(topic.partitions.iter().copied());
        }
    }
    owned
}
