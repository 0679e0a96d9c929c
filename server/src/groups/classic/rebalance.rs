//! Owns the rebalance: it begins, members join, the next generation begins.

use corelog_protocol::{ErrorCode, Text};

use super::group::{ClassicGroup, ClassicState, InitialDelay, refused_sync};
use crate::groups::effects::Context;

impl ClassicGroup {
    /// Begins a rebalance if none is on; otherwise completes it if all have joined.
    pub(super) fn rebalance_or_complete(&mut self, context: &mut Context<'_>) {
        if self.state == ClassicState::PreparingRebalance {
            self.complete_if_all_joined(context);
        } else {
            self.prepare_rebalance(context);
        }
    }

    /// Begins a rebalance. A group that was empty waits a while for more members.
    pub fn prepare_rebalance(&mut self, context: &mut Context<'_>) {
        if self.state == ClassicState::CompletingRebalance {
            self.reset_assignments(ErrorCode::RebalanceInProgress, context);
        }
        self.forget_pending_syncs(context);
        let is_initial = self.state == ClassicState::Empty;
        self.enter(ClassicState::PreparingRebalance, context);
        if is_initial {
            let delay_ms = i64::from(context.settings.initial_rebalance_delay_ms);
            let remaining_ms = (self.rebalance_timeout_ms() - delay_ms).max(0);
            self.has_newcomer = false;
            self.initial_delay = Some(InitialDelay { delay_ms, remaining_ms });
            context.timers.schedule(self.join_key(), context.now.after_ms(delay_ms));
        } else if self.have_all_joined() {
            self.complete_join(context);
        } else {
            context.timers.schedule(self.join_key(), context.now.after_ms(self.rebalance_timeout_ms()));
        }
    }

    /// Ends the joining once all have, except where a new group still waits for more.
    pub(super) fn complete_if_all_joined(&mut self, context: &mut Context<'_>) {
        if self.state == ClassicState::PreparingRebalance && !self.was_empty && self.have_all_joined() {
            self.complete_join(context);
        }
    }

    /// The time to join is over, or to wait for more members.
    pub fn on_join_timer(&mut self, context: &mut Context<'_>) {
        if self.state != ClassicState::PreparingRebalance {
            return;
        }
        match self.initial_delay {
            Some(InitialDelay { delay_ms, remaining_ms }) if self.has_newcomer && remaining_ms != 0 => {
                self.has_newcomer = false;
                let next_ms = i64::from(context.settings.initial_rebalance_delay_ms).min(remaining_ms);
                let remaining_ms = (remaining_ms - delay_ms).max(0);
                self.initial_delay = Some(InitialDelay { delay_ms: next_ms, remaining_ms });
                context.timers.schedule(self.join_key(), context.now.after_ms(next_ms));
            }
            _ => self.complete_join(context),
        }
    }

    /// Begins the next generation with those who joined. Static members stay although they did not.
    pub(super) fn complete_join(&mut self, context: &mut Context<'_>) {
        context.timers.cancel(&self.join_key());
        self.initial_delay = None;
        let is_late = |(id, member): (&Text, &super::member::ClassicMember)| {
            (member.join.is_none() && member.instance_id.is_none()).then(|| id.clone())
        };
        let late: Vec<Text> = self.members.iter().filter_map(is_late).collect();
        for member_id in late {
            self.remove(&member_id, context);
        }
        if !self.members.is_empty() && !self.elect_joined_leader() {
            // Only static members are left, none of which came: they have as long again, or until their sessions end.
            context.timers.schedule(self.join_key(), context.now.after_ms(self.rebalance_timeout_ms()));
            return;
        }
        self.generation = self.generation.wrapping_add(1).max(0);
        self.pending_syncs.clear();
        if self.members.is_empty() {
            self.protocol = None;
            self.read_subscriptions();
            self.enter(ClassicState::Empty, context);
            let record = self.record();
            context.effects.applied(record);
            return;
        }
        self.protocol = self.select_protocol();
        self.read_subscriptions();
        self.enter(ClassicState::CompletingRebalance, context);
        let ids: Vec<Text> = self.members.keys().cloned().collect();
        for member_id in ids {
            let answer = self.current_generation(&member_id, self.is_leader(&member_id), false);
            self.answer_join(&member_id, answer, context);
            self.schedule_session(&member_id, context);
            if let Some(member) = self.members.get_mut(&member_id) {
                member.is_new = false;
            }
            self.pending_syncs.insert(member_id);
        }
        context.timers.schedule(self.sync_key(), context.now.after_ms(self.rebalance_timeout_ms()));
    }

    /// Makes somebody who joined the leader; says whether anybody did.
    fn elect_joined_leader(&mut self) -> bool {
        let leader = self.leader.as_ref().and_then(|leader| self.members.get(leader));
        if leader.is_some_and(|leader| leader.join.is_some()) {
            return true;
        }
        let joined = self.members.iter().find(|(_, member)| member.join.is_some()).map(|(id, _)| id.clone());
        let is_found = joined.is_some();
        if is_found {
            self.leader = joined;
        }
        is_found
    }

    /// The longest time that a member wants to have, in milliseconds.
    pub(super) fn rebalance_timeout_ms(&self) -> i64 {
        self.members.values().map(|member| i64::from(member.rebalance_timeout_ms)).max().unwrap_or(0).max(0)
    }

    /// Nobody owns anything any more; those who wait to be told are told `error`.
    pub(super) fn reset_assignments(&mut self, error: ErrorCode, context: &mut Context<'_>) {
        let ids: Vec<Text> = self.members.keys().cloned().collect();
        for member_id in ids {
            self.change(&member_id, |member| member.assignment = bytes::Bytes::new());
            if self.answer_sync(&member_id, refused_sync(error), context) {
                self.schedule_session(&member_id, context);
            }
        }
    }

    pub(super) fn forget_pending_syncs(&mut self, context: &mut Context<'_>) {
        self.pending_syncs.clear();
        context.timers.cancel(&self.sync_key());
    }
}
