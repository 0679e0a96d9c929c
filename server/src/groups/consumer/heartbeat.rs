//! Owns the heartbeat of members that speak the consumer protocol: joining, changing a subscription, and going on towards the target.
//!
//! On the shard that owns the group; called by its coordinator. Everything is refused before anything changes.

use std::collections::BTreeSet;

use corelog_protocol::Text;
use corelog_protocol::messages::consumer_group_heartbeat_request::{
    self as request_message, ConsumerGroupHeartbeatRequest,
};
use corelog_protocol::messages::consumer_group_heartbeat_response::{
    self as response_message, ConsumerGroupHeartbeatResponse,
};

use super::assignment::{Assignment, Holding, same_partitions};
use super::error::ConsumerGroupError;
use super::group::ConsumerGroup;
use super::member::{EPOCH_AWAY, EPOCH_LEFT, MemberFacts, MemberPosition, MemberState};
use super::pattern::Pattern;
use super::replay::{Changes, Part};
use super::step::{Context, Step};

/// A member as it was before a request.
pub(super) struct Before {
    pub(super) id: Text,
    pub(super) facts: MemberFacts,
    pub(super) position: MemberPosition,
    /// The member of the same instance that it replaces.
    pub(super) replaces: Option<Text>,
}

impl Before {
    pub(super) fn new_member(id: Text) -> Before {
        let facts = MemberFacts { rebalance_timeout_ms: -1, ..MemberFacts::default() };
        Before { id, facts, position: MemberPosition::default(), replaces: None }
    }
}

impl ConsumerGroup {
    /// A heartbeat that `check_heartbeat` found well-formed.
    ///
    /// # Errors
    /// Why it is refused; then nothing changed.
    pub fn heartbeat(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
        context: &Context<'_>,
    ) -> Result<Step<ConsumerGroupHeartbeatResponse>, ConsumerGroupError> {
        if matches!(request.member_epoch, EPOCH_LEFT | EPOCH_AWAY) {
            return self.leave(request, context);
        }
        self.check_not_full(&request.member_id, context)?;
        let owned = request.topic_partitions.as_deref().map(owned_partitions);
        let before = self.find_or_begin(request, owned.as_ref(), context)?;
        let facts = updated_facts(&before.facts, request, context);
        self.check_pattern(&before.facts, &facts)?;
        // The one step that may fail after something changed must be known to succeed before.
        check_known_state(&before, owned.as_ref())?;

        let mut changes = Changes::default();
        self.replace_static(&mut changes, &before);
        let mut step = self.update_member(changes, &before, facts, context);
        self.update_target(&mut step.changes, context);
        let subscription_changed = step.answer;
        self.reconcile(&mut step.changes, &before.id, owned.as_ref(), subscription_changed, context);
        self.keep_session(&before.id, context.settings.session_timeout_ms, context.ticks_ms);
        let Some(member) = self.members.get(before.id.as_str()) else { unreachable!("the member was put there above") };
        step.wake_ms = member.deadlines.first_ms();

        let is_full = request.rebalance_timeout_ms != -1
            && (request.subscribed_topic_names.is_some() || request.subscribed_topic_regex.is_some())
            && request.topic_partitions.is_some();
        let tells = request.member_epoch == 0
            || is_full
            || !same_partitions(&before.position.assigned, &member.position.assigned);
        let answer = ConsumerGroupHeartbeatResponse {
            member_id: Some(before.id.clone()),
            member_epoch: member.position.epoch,
            heartbeat_interval_ms: context.settings.heartbeat_interval_ms,
            assignment: tells.then(|| response_assignment(&member.position.assigned)),
            ..Default::default()
        };
        Ok(step.map(|_| answer))
    }

    /// A new member finds no room in a full group.
    pub(super) fn check_not_full(&self, member: &Text, context: &Context<'_>) -> Result<(), ConsumerGroupError> {
        let size_max = context.settings.size_max;
        if self.members.len() >= size_max && !self.members.contains_key(member.as_str()) {
            return Err(ConsumerGroupError::Full(size_max));
        }
        Ok(())
    }

    fn find_or_begin(
        &self,
        request: &ConsumerGroupHeartbeatRequest,
        owned: Option<&Assignment>,
        context: &Context<'_>,
    ) -> Result<Before, ConsumerGroupError> {
        let joins = request.member_epoch == 0;
        let id = if request.member_id.is_empty() {
            Text::from(context.id_new.to_string())
        } else {
            request.member_id.detached()
        };
        let Some(instance) = &request.instance_id else {
            let before = match self.member(&id) {
                Ok(_) => self.before(&id),
                Err(_) if joins => Before::new_member(id),
                Err(error) => return Err(error),
            };
            check_epoch(&before.position, request.member_epoch, owned)?;
            return Ok(before);
        };
        let Some(known) = self.statics.get(instance.as_str()).cloned() else {
            if !joins {
                return Err(ConsumerGroupError::UnknownInstance(instance.clone()));
            }
            let there = self.members.contains_key(id.as_str());
            return Ok(if there { self.before(&id) } else { Before::new_member(id) });
        };
        if joins {
            return self.begin_static(id, known, instance);
        }
        if known != id {
            return Err(ConsumerGroupError::FencedInstance { received: id, instance: instance.clone(), known });
        }
        let before = self.before(&known);
        check_epoch(&before.position, request.member_epoch, owned)?;
        Ok(before)
    }

    /// A static member comes (back): it takes the place of the one before, if that has left or speaks the classic protocol.
    fn begin_static(&self, id: Text, known: Text, instance: &Text) -> Result<Before, ConsumerGroupError> {
        let before = self.before(&known);
        if before.facts.classic.is_none() && before.position.epoch != EPOCH_AWAY {
            return Err(ConsumerGroupError::UnreleasedInstance { received: id, instance: instance.clone(), known });
        }
        Ok(replacement(before, id))
    }

    /// The member as it is.
    pub(super) fn before(&self, id: &Text) -> Before {
        match self.members.get(id.as_str()) {
            None => Before::new_member(id.clone()),
            Some(member) => Before {
                id: id.clone(),
                facts: member.facts.clone(),
                position: member.position.clone(),
                replaces: None,
            },
        }
    }

    /// A pattern that nobody uses yet must compile.
    fn check_pattern(&self, before: &MemberFacts, facts: &MemberFacts) -> Result<(), ConsumerGroupError> {
        let Some(pattern) = facts.pattern().filter(|pattern| before.pattern() != Some(pattern)) else { return Ok(()) };
        if self.subscriber_count(pattern) > 0 {
            return Ok(());
        }
        let invalid = |reason| ConsumerGroupError::InvalidPattern { pattern: pattern.clone(), reason };
        Pattern::compile(pattern).map(drop).map_err(invalid)
    }

    /// Puts a static member in the place of the one before.
    pub(super) fn replace_static(&mut self, changes: &mut Changes, before: &Before) {
        let Some(old) = &before.replaces else { return };
        let target = self.targets.get(old.as_str()).cloned().unwrap_or_default();
        self.remove_member(changes, old);
        self.change(changes, Part::Facts(before.id.clone(), Some(before.facts.clone())));
        self.change(changes, Part::Target(before.id.clone(), Some(target)));
        self.change(changes, Part::Position(before.id.clone(), Some(before.position.clone())));
    }

    /// Writes down what the member told, and bumps the group's epoch where that, or a topic, makes a difference. The step's
    /// answer is whether the subscription changed.
    pub(super) fn update_member(
        &mut self,
        mut changes: Changes,
        before: &Before,
        facts: MemberFacts,
        context: &Context<'_>,
    ) -> Step<bool> {
        let is_new = !self.members.contains_key(before.id.as_str());
        let names_changed = facts.topics != before.facts.topics;
        let pattern_changed = facts.pattern != before.facts.pattern;
        let (pattern, pattern_before) = (facts.pattern().cloned(), before.facts.pattern().cloned());
        // A member that others already share a resolved pattern with needs no resolving.
        let known = pattern
            .as_ref()
            .is_none_or(|pattern| self.subscriber_count(pattern) > 0 && self.patterns.contains_key(pattern.as_str()));
        if is_new || facts != before.facts {
            self.change(&mut changes, Part::Facts(before.id.clone(), Some(facts)));
        }
        if is_new {
            // In place before anything else happens, as a member that holds nothing.
            self.set_position(&before.id, Some(before.position.clone()));
        }
        let mut resolved_now = false;
        if pattern_changed {
            if let Some(old) = pattern_before.filter(|old| self.patterns.contains_key(old.as_str()))
                && self.subscriber_count(&old) == 0
            {
                self.change(&mut changes, Part::Pattern(old, None));
                resolved_now = pattern.is_none();
            } else {
                resolved_now = pattern.is_none() && before.facts.pattern().is_some();
            }
            resolved_now |= pattern.is_some() && known;
        }
        let resolve = self.wants_resolution(context);
        let bump = names_changed || resolved_now;
        self.update_epoch(&mut changes, bump, context);
        let mut step = Step::new(names_changed || pattern_changed, changes);
        step.resolve = resolve;
        step
    }
}

/// The member that takes the place of another of its instance: what that held is its own, in epoch 0.
pub(super) fn replacement(old: Before, id: Text) -> Before {
    let position = MemberPosition { epoch: 0, epoch_previous: 0, ..old.position };
    // The id may be the same: then it is the same member that starts over.
    Before { replaces: Some(old.id), id, facts: old.facts, position }
}

/// A member in a state that a newer version wrote must come with empty hands.
fn check_known_state(before: &Before, owned: Option<&Assignment>) -> Result<(), ConsumerGroupError> {
    let unknown = before.position.state == MemberState::Unknown;
    if unknown && !owned.is_some_and(Assignment::is_empty) {
        return Err(ConsumerGroupError::UnknownState);
    }
    Ok(())
}

/// What the member says that it owns.
pub(super) fn owned_partitions(topics: &[request_message::TopicPartitions]) -> Assignment {
    let mut owned = Assignment::new();
    for topic in topics.iter().filter(|topic| !topic.partitions.is_empty()) {
        owned.entry(topic.topic_id).or_default().extend(topic.partitions.iter().copied());
    }
    owned
}

fn response_assignment(assigned: &Holding) -> response_message::Assignment {
    let topic = |(id, partitions): (&_, &std::collections::BTreeMap<i32, i32>)| response_message::TopicPartitions {
        topic_id: *id,
        partitions: partitions.keys().copied().collect(),
    };
    response_message::Assignment { topic_partitions: assigned.iter().map(topic).collect() }
}

/// A member in an older epoch is let through if it may not have seen the answer that took it to the new one.
fn check_epoch(position: &MemberPosition, received: i32, owned: Option<&Assignment>) -> Result<(), ConsumerGroupError> {
    let known = position.epoch;
    if received == 0 || received == known {
        return Ok(());
    }
    let owns_no_more = || {
        owned.is_some_and(|owned| {
            owned.iter().all(|(topic, partitions)| {
                let assigned = position.assigned.get(topic);
                partitions.iter().all(|partition| assigned.is_some_and(|assigned| assigned.contains_key(partition)))
            })
        })
    };
    if received < known && received == position.epoch_previous && owns_no_more() {
        return Ok(());
    }
    Err(ConsumerGroupError::FencedEpoch { received, known })
}

/// What a member told of itself, after a request: what the request leaves out stays.
fn updated_facts(before: &MemberFacts, request: &ConsumerGroupHeartbeatRequest, context: &Context<'_>) -> MemberFacts {
    let detached = |text: &Option<Text>, old: &Option<Text>| text.as_ref().map(Text::detached).or_else(|| old.clone());
    let topics = match &request.subscribed_topic_names {
        // Names cannot be told apart from those of topics that do not exist yet: they are kept as they are.
        Some(names) => names.iter().map(Text::detached).collect::<BTreeSet<Text>>(),
        None => before.topics.clone(),
    };
    MemberFacts {
        instance_id: detached(&request.instance_id, &before.instance_id),
        rack_id: detached(&request.rack_id, &before.rack_id),
        client_id: context.client_id.clone(),
        client_host: context.client_host.clone(),
        topics,
        pattern: detached(&request.subscribed_topic_regex, &before.pattern),
        rebalance_timeout_ms: match request.rebalance_timeout_ms {
            -1 => before.rebalance_timeout_ms,
            told => told,
        },
        assignor: detached(&request.server_assignor, &before.assignor),
        classic: None,
    }
}
