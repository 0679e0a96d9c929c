//! Owns `SyncGroup`: the leader says who gets what, the others ask for theirs.

use std::collections::BTreeMap;

use bytes::Bytes;
use corelog_protocol::messages::sync_group_request::SyncGroupRequest;
use corelog_protocol::messages::sync_group_response::SyncGroupResponse;
use corelog_protocol::{ErrorCode, Text};

use super::group::{ClassicGroup, ClassicState, refused_sync};
use crate::groups::effects::{Context, Ticket};

impl ClassicGroup {
    /// A member asks for its assignment; the leader brings everybody's.
    pub fn sync(&mut self, request: &SyncGroupRequest, ticket: Ticket, context: &mut Context<'_>) {
        if let Err(error) = self.validate_sync(request) {
            return context.effects.synced(ticket, refused_sync(error));
        }
        let member_id = &request.member_id;
        match self.state {
            ClassicState::Empty => context.effects.synced(ticket, refused_sync(ErrorCode::UnknownMemberId)),
            ClassicState::PreparingRebalance => {
                context.effects.synced(ticket, refused_sync(ErrorCode::RebalanceInProgress));
            }
            ClassicState::Stable => {
                self.has_synced(member_id, context);
                let answer = self.assignment_of(member_id);
                context.effects.synced(ticket, answer);
            }
            ClassicState::CompletingRebalance => {
                // A client that asks again has given up on its former question.
                self.answer_sync(member_id, refused_sync(ErrorCode::RebalanceInProgress), context);
                if let Some(member) = self.members.get_mut(member_id) {
                    member.sync = Some(ticket);
                }
                self.has_synced(member_id, context);
                if self.is_leader(member_id) {
                    self.assign(request, context);
                }
            }
        }
    }

    fn validate_sync(&self, request: &SyncGroupRequest) -> Result<(), ErrorCode> {
        self.validate_member(&request.member_id, request.group_instance_id.as_ref())?;
        if request.generation_id != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        let differs = |asked: Option<&Text>, own: Option<&Text>| asked.is_some() && asked != own;
        if differs(request.protocol_type.as_ref(), self.protocol_type.as_ref())
            || differs(request.protocol_name.as_ref(), self.protocol.as_ref())
        {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        Ok(())
    }

    /// The leader has spoken. Whoever it did not name gets nothing.
    fn assign(&mut self, request: &SyncGroupRequest, context: &mut Context<'_>) {
        let given: BTreeMap<&Text, &Bytes> =
            request.assignments.iter().map(|given| (&given.member_id, &given.assignment)).collect();
        let given_bytes: usize = self.members.keys().filter_map(|id| given.get(id)).map(|own| own.len()).sum();
        if self.described_bytes() + given_bytes > context.settings.record_bytes_max {
            // What the log would not take.
            self.reset_assignments(ErrorCode::UnknownServerError, context);
            return self.prepare_rebalance(context);
        }
        let ids: Vec<Text> = self.members.keys().cloned().collect();
        for member_id in &ids {
            let assignment = given.get(member_id).map_or_else(Bytes::new, |own| Bytes::copy_from_slice(own));
            self.change(member_id, |member| member.assignment = assignment);
        }
        self.enter(ClassicState::Stable, context);
        let record = self.record();
        context.effects.applied(record);
        for member_id in &ids {
            let answer = self.assignment_of(member_id);
            if self.answer_sync(member_id, answer, context) {
                self.schedule_session(member_id, context);
            }
        }
    }

    fn assignment_of(&self, member_id: &Text) -> SyncGroupResponse {
        SyncGroupResponse {
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            assignment: self.members.get(member_id).map(|member| member.assignment.clone()).unwrap_or_default(),
            ..Default::default()
        }
    }

    fn has_synced(&mut self, member_id: &Text, context: &mut Context<'_>) {
        self.pending_syncs.remove(member_id);
        if self.pending_syncs.is_empty() {
            context.timers.cancel(&self.sync_key());
        }
    }

    /// The time to sync is over: whoever did not is out.
    pub fn on_sync_timer(&mut self, context: &mut Context<'_>) {
        let is_due = matches!(self.state, ClassicState::CompletingRebalance | ClassicState::Stable);
        if !is_due || self.pending_syncs.is_empty() {
            return;
        }
        for member_id in std::mem::take(&mut self.pending_syncs) {
            self.remove(&member_id, context);
        }
        self.prepare_rebalance(context);
    }
}
