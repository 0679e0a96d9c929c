//! Owns how members go: by their own word, because nothing was heard of them, or because they did not give up partitions in time.
//!
//! On the shard that owns the group; called by its coordinator, `tick` when the time comes that a step or a tick before it named.

use std::collections::BTreeSet;

use corelog_protocol::Text;
use corelog_protocol::messages::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use corelog_protocol::messages::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;

use super::assignment::Holding;
use super::error::ConsumerGroupError;
use super::group::ConsumerGroup;
use super::member::{EPOCH_AWAY, MemberPosition, MemberState};
use super::replay::{Changes, Part};
use super::step::{Context, Step};
use super::topology::metadata_hash;

impl ConsumerGroup {
    /// A member leaves; a static one perhaps for a moment only.
    pub(super) fn leave(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
        context: &Context<'_>,
    ) -> Result<Step<ConsumerGroupHeartbeatResponse>, ConsumerGroupError> {
        let answer = ConsumerGroupHeartbeatResponse {
            member_id: Some(request.member_id.clone()),
            member_epoch: request.member_epoch,
            ..Default::default()
        };
        let Some(instance) = &request.instance_id else {
            self.member(&request.member_id)?;
            return Ok(self.fence(&BTreeSet::from([request.member_id.detached()]), context).map(|()| answer));
        };
        let known = self.static_member(instance, &request.member_id)?;
        if request.member_epoch != EPOCH_AWAY {
            return Ok(self.fence(&BTreeSet::from([known]), context).map(|()| answer));
        }
        let old = self.before(&known).position;
        let away = MemberPosition { epoch: EPOCH_AWAY, revoking: Holding::new(), ..old };
        let mut changes = Changes::default();
        self.change(&mut changes, Part::Position(known, Some(away)));
        Ok(Step::new(answer, changes))
    }

    /// The member that has an instance id, which must be the one that the request comes from.
    pub(super) fn static_member(&self, instance: &Text, received: &Text) -> Result<Text, ConsumerGroupError> {
        let Some(known) = self.statics.get(instance.as_str()).cloned() else {
            return Err(ConsumerGroupError::UnknownInstance(instance.clone()));
        };
        if known == *received {
            return Ok(known);
        }
        Err(ConsumerGroupError::FencedInstance { received: received.clone(), instance: instance.clone(), known })
    }

    /// Removes members; the group may go on as a classic group without them.
    pub fn fence(&mut self, leaving: &BTreeSet<Text>, context: &Context<'_>) -> Step<()> {
        let mut changes = Changes::default();
        if leaving.is_empty() {
            return Step::new((), changes);
        }
        if let Some(step) = self.downgrade_without(leaving, context) {
            return step;
        }
        for id in leaving {
            let pattern = self.members.get(id.as_str()).and_then(|member| member.facts.pattern().cloned());
            self.remove_member(&mut changes, id);
            if let Some(pattern) = pattern
                && self.subscriber_count(&pattern) == 0
                && self.patterns.contains_key(pattern.as_str())
            {
                self.change(&mut changes, Part::Pattern(pattern, None));
            }
        }
        let hash = metadata_hash(&self.subscribed_names(), context.topology);
        self.change(&mut changes, Part::Epoch(Some((self.epoch.saturating_add(1), hash))));
        Step::new((), changes)
    }

    /// Removes the members whose time has run out; nothing where there are none. `wake_ms` of the step says when to come again,
    /// and so does `first_deadline_ms`.
    pub fn tick(&mut self, context: &Context<'_>) -> Step<()> {
        let mut silent = BTreeSet::new();
        for (id, member) in &mut self.members {
            let deadlines = &mut member.deadlines;
            let is_over = |at_ms: Option<i64>| at_ms.is_some_and(|at_ms| at_ms <= context.ticks_ms);
            if let Some((at_ms, epoch)) = deadlines.rebalance_ms.filter(|(at_ms, _)| is_over(Some(*at_ms))) {
                deadlines.rebalance_ms = None;
                if epoch == member.position.epoch {
                    tracing::info!(member = %id, epoch, at_ms, "a member is fenced: it did not give up its partitions in time");
                    silent.insert(id.clone());
                }
            }
            if is_over(deadlines.session_ms) || is_over(deadlines.join_ms) || is_over(deadlines.sync_ms) {
                tracing::info!(member = %id, "a member is fenced: nothing was heard of it in time");
                silent.insert(id.clone());
            }
        }
        let mut step = self.fence(&silent, context);
        if step.downgrade.is_none() {
            step.wake_ms = self.first_deadline_ms();
        }
        step
    }

    /// Gives the classic members of a group that was just made of them their sessions.
    pub fn start_classic_sessions(&mut self, context: &Context<'_>) {
        for member in self.members.values_mut() {
            if let Some(classic) = &member.facts.classic {
                let timeout_ms = i64::from(classic.session_timeout_ms.max(0));
                member.deadlines.session_ms.get_or_insert(context.ticks_ms.saturating_add(timeout_ms));
            }
        }
    }

    /// Gives every member its full time after a restart.
    pub fn start_deadlines(&mut self, context: &Context<'_>) {
        for member in self.members.values_mut() {
            let session_ms = match &member.facts.classic {
                Some(classic) => classic.session_timeout_ms,
                None => context.settings.session_timeout_ms,
            };
            let after = |timeout_ms: i32| context.ticks_ms.saturating_add(i64::from(timeout_ms.max(0)));
            member.deadlines.session_ms = Some(after(session_ms));
            let revokes = !member.is_classic() && member.position.state == MemberState::UnrevokedPartitions;
            member.deadlines.rebalance_ms =
                revokes.then(|| (after(member.facts.rebalance_timeout_ms), member.position.epoch));
        }
    }
}
