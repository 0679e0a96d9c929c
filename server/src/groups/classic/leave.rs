//! Owns `LeaveGroup`: members that go, one or many at once.

use corelog_protocol::messages::leave_group_request::MemberIdentity;
use corelog_protocol::messages::leave_group_response::MemberResponse;
use corelog_protocol::{ErrorCode, Text};

use super::group::{ClassicGroup, ClassicState, refused_join};
use crate::groups::effects::Context;

impl ClassicGroup {
    /// Members leave; an administrator may name static ones by their instance ids alone.
    pub fn leave(&mut self, leaving: &[MemberIdentity], context: &mut Context<'_>) -> Vec<MemberResponse> {
        let answers: Vec<MemberResponse> = leaving
            .iter()
            .map(|member| MemberResponse {
                member_id: member.member_id.clone(),
                group_instance_id: member.group_instance_id.clone(),
                error_code: self.leave_one(member, context).err().unwrap_or(ErrorCode::None).code(),
            })
            .collect();
        if answers.iter().any(|answer| answer.error_code == ErrorCode::None.code()) {
            match self.state {
                ClassicState::Stable | ClassicState::CompletingRebalance => self.prepare_rebalance(context),
                ClassicState::PreparingRebalance => self.complete_if_all_joined(context),
                ClassicState::Empty => {}
            }
        }
        answers
    }

    fn leave_one(&mut self, leaving: &MemberIdentity, context: &mut Context<'_>) -> Result<(), ErrorCode> {
        let member_id = if leaving.member_id.is_empty() {
            let current = leaving.group_instance_id.as_ref().and_then(|instance_id| self.instances.get(instance_id));
            current.cloned().ok_or(ErrorCode::UnknownMemberId)?
        } else if self.pending_joins.contains(&leaving.member_id) {
            self.remove(&leaving.member_id, context);
            return Ok(());
        } else {
            self.validate_member(&leaving.member_id, leaving.group_instance_id.as_ref())?;
            leaving.member_id.clone()
        };
        self.answer_join(&member_id, refused_join(Text::default(), ErrorCode::UnknownMemberId), context);
        self.remove(&member_id, context);
        Ok(())
    }
}
