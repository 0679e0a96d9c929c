//! Owns the sessions of members: heartbeats, and what silence means.

use corelog_protocol::messages::heartbeat_request::HeartbeatRequest;
use corelog_protocol::{ErrorCode, Text};

use super::group::{ClassicGroup, ClassicState, refused_join};
use crate::groups::effects::Context;

impl ClassicGroup {
    /// Whether this member is one, and no former self of a static member.
    pub fn validate_member(&self, member_id: &Text, instance_id: Option<&Text>) -> Result<(), ErrorCode> {
        if let Some(instance_id) = instance_id {
            match self.instances.get(instance_id) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(current) if current != member_id => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(member_id) { Ok(()) } else { Err(ErrorCode::UnknownMemberId) }
    }

    /// A member says that it lives.
    pub fn heartbeat(&mut self, request: &HeartbeatRequest, context: &mut Context<'_>) -> ErrorCode {
        if let Err(error) = self.validate_member(&request.member_id, request.group_instance_id.as_ref()) {
            return error;
        }
        if request.generation_id != self.generation {
            return ErrorCode::IllegalGeneration;
        }
        self.schedule_session(&request.member_id, context);
        match self.state {
            ClassicState::Empty => ErrorCode::UnknownMemberId,
            ClassicState::PreparingRebalance => ErrorCode::RebalanceInProgress,
            // Members send them as soon as they have joined.
            ClassicState::CompletingRebalance | ClassicState::Stable => ErrorCode::None,
        }
    }

    /// A member was heard of: its silence counts from now.
    pub fn schedule_session(&self, member_id: &Text, context: &mut Context<'_>) {
        let Some((member_id, member)) = self.members.get_key_value(member_id) else { return };
        let deadline_ms = context.now.after_ms(member.session_timeout_ms.into());
        context.timers.schedule(self.session_key(member_id), deadline_ms);
    }

    /// A member was silent for too long.
    pub fn on_session_timer(&mut self, member_id: &Text, context: &mut Context<'_>) {
        if self.pending_joins.remove(member_id) {
            if self.state == ClassicState::PreparingRebalance && self.have_all_joined() {
                self.complete_join(context);
            }
            return;
        }
        let Some(member) = self.members.get(member_id) else { return };
        if member.is_heard_of() {
            return;
        }
        // A new member that still lives will try again.
        self.answer_join(member_id, refused_join(Text::default(), ErrorCode::UnknownMemberId), context);
        self.remove(member_id, context);
        self.after_removal(context);
    }

    fn after_removal(&mut self, context: &mut Context<'_>) {
        match self.state {
            ClassicState::Stable | ClassicState::CompletingRebalance => self.prepare_rebalance(context),
            ClassicState::PreparingRebalance if self.have_all_joined() => self.complete_join(context),
            ClassicState::PreparingRebalance | ClassicState::Empty => {}
        }
    }
}
