//! Owns what a classic group says to commits of offsets, and to their expiry.

use corelog_protocol::{ErrorCode, Text};

use super::group::{ClassicGroup, ClassicState};
use crate::groups::effects::Context;
use crate::groups::offsets::ExpiryCondition;

impl ClassicGroup {
    /// Whether somebody may commit: a member of this generation, or anybody where there are no members.
    pub fn may_commit(&self, member_id: &Text, instance_id: Option<&Text>, generation: i32) -> Result<(), ErrorCode> {
        let is_empty = self.state == ClassicState::Empty;
        if generation < 0 && is_empty {
            return Ok(());
        }
        if generation >= 0 || !member_id.is_empty() || instance_id.is_some() {
            self.validate_member(member_id, instance_id)?;
            if generation != self.generation {
                return Err(ErrorCode::IllegalGeneration);
            }
        } else if !is_empty {
            return Err(ErrorCode::UnknownMemberId);
        }
        if self.state == ClassicState::CompletingRebalance {
            return Err(ErrorCode::RebalanceInProgress);
        }
        Ok(())
    }

    /// Who commits is alive.
    pub fn hear_of_committer(&self, member_id: &Text, context: &mut Context<'_>) {
        if matches!(self.state, ClassicState::Stable | ClassicState::PreparingRebalance) {
            self.schedule_session(member_id, context);
        }
    }

    /// What its offsets' expiry is counted from.
    pub fn expiry_condition(&self) -> ExpiryCondition {
        if self.protocol_type.is_none() {
            return ExpiryCondition::SinceCommit;
        }
        match (self.state, self.state_since_ms) {
            (ClassicState::Empty, Some(since_ms)) => ExpiryCondition::Since(since_ms),
            (ClassicState::Empty, None) => ExpiryCondition::SinceCommit,
            (ClassicState::Stable, _) if self.uses_consumer_protocol() && self.knows_topics() => {
                ExpiryCondition::SinceCommit
            }
            _ => ExpiryCondition::Never,
        }
    }
}
