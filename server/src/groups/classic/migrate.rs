//! Owns what a classic group leaves to the consumer group that takes its place (KIP-848).

use corelog_protocol::ErrorCode;
use corelog_protocol::Text;

use super::group::{ClassicGroup, refused_join, refused_sync};
use super::member::{ClassicMember, Protocol};
use crate::groups::consumer::{ClassicGroupFacts, ClassicMemberFacts};
use crate::groups::effects::Context;

impl ClassicGroup {
    /// Its members and what they own.
    pub fn to_consumer_facts(&self) -> ClassicGroupFacts {
        let protocol = |protocol: &Protocol| (protocol.name.clone(), protocol.metadata.clone());
        let member = |(id, member): (&Text, &ClassicMember)| ClassicMemberFacts {
            id: id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            rebalance_timeout_ms: member.rebalance_timeout_ms,
            session_timeout_ms: member.session_timeout_ms,
            protocols: member.protocols.iter().map(protocol).collect(),
            assignment: member.assignment.clone(),
        };
        ClassicGroupFacts {
            id: self.id.clone(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            members: self.members.iter().map(member).collect(),
        }
    }

    /// Tells everybody who waits to join again: the group is about to be another.
    pub fn send_all_to_rejoin(&mut self, context: &mut Context<'_>) {
        let ids: Vec<Text> = self.members.keys().cloned().collect();
        for id in ids {
            let error = ErrorCode::RebalanceInProgress;
            self.answer_join(&id, refused_join(id.clone(), error), context);
            self.answer_sync(&id, refused_sync(error), context);
        }
    }
}
