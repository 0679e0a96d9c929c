//! Owns what is stored of a group, and how it begins again from that.
//!
//! Only a finished generation is stored with its members. A crash in a rebalance leaves the generation before; members of which the
//! stored group knows nothing are told so, and join again.

use bytes::Bytes;
use corelog_protocol::Text;
use corelog_protocol::messages::group_metadata_key::GroupMetadataKey;
use corelog_protocol::messages::group_metadata_value::{GroupMetadataValue, MemberMetadata};

use super::group::{ClassicGroup, ClassicState};
use super::member::{ClassicMember, Protocol};
use crate::groups::effects::Context;
use crate::groups::records::GroupRecord;

/// Bytes of a member's record beside its strings.
const MEMBER_BYTES: usize = 28;

impl ClassicGroup {
    /// The group as it is to begin again: with its members if they know what they own, without any in a rebalance.
    pub fn record(&self) -> GroupRecord {
        let is_stable = self.state == ClassicState::Stable;
        let member = |(id, member): (&Text, &ClassicMember)| MemberMetadata {
            member_id: id.clone(),
            group_instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            rebalance_timeout: member.rebalance_timeout_ms,
            session_timeout: member.session_timeout_ms,
            subscription: member.metadata(self.protocol.as_ref()),
            assignment: member.assignment.clone(),
        };
        let value = GroupMetadataValue {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: if is_stable { self.protocol.clone() } else { None },
            leader: if is_stable { self.leader.clone() } else { None },
            current_state_timestamp: self.state_since_ms.unwrap_or(-1),
            members: if is_stable { self.members.iter().map(member).collect() } else { Vec::new() },
        };
        GroupRecord::GroupMetadata(self.key(), Some(value))
    }

    /// What is stored of a group that was just born: that it is there.
    pub fn birth_record(&self) -> GroupRecord {
        let value =
            GroupMetadataValue { current_state_timestamp: self.state_since_ms.unwrap_or(-1), ..Default::default() };
        GroupRecord::GroupMetadata(self.key(), Some(GroupMetadataValue { protocol: None, leader: None, ..value }))
    }

    /// The record that says that the group is gone.
    pub fn tombstone(&self) -> GroupRecord {
        GroupRecord::GroupMetadata(self.key(), None)
    }

    fn key(&self) -> GroupMetadataKey {
        GroupMetadataKey { group: self.id.clone() }
    }

    /// Bytes of its record, without assignments.
    pub(super) fn described_bytes(&self) -> usize {
        let member = |(id, member): (&Text, &ClassicMember)| {
            MEMBER_BYTES
                + id.len()
                + member.instance_id.as_ref().map_or(0, |id| id.len())
                + member.client_id.len()
                + member.client_host.len()
                + member.metadata(self.protocol.as_ref()).len()
        };
        self.id.len() + self.members.iter().map(member).sum::<usize>()
    }

    /// The group that a record tells of. Its members' sessions begin when [`ClassicGroup::start_sessions`] says so.
    pub fn from_record(id: &Text, value: &GroupMetadataValue) -> ClassicGroup {
        let mut group = ClassicGroup::new(id.detached(), value.current_state_timestamp);
        group.state_since_ms = (value.current_state_timestamp >= 0).then_some(value.current_state_timestamp);
        group.generation = value.generation;
        group.protocol_type = Some(&value.protocol_type).filter(|own| !own.is_empty()).map(Text::detached);
        group.protocol = value.protocol.as_ref().map(Text::detached);
        for stored in &value.members {
            let protocol = Protocol {
                name: group.protocol.clone().unwrap_or_default(),
                metadata: Bytes::copy_from_slice(&stored.subscription),
            };
            let rebalance = Some(stored.rebalance_timeout).filter(|ms| *ms >= 0);
            let member = ClassicMember {
                instance_id: stored.group_instance_id.as_ref().map(Text::detached),
                client_id: stored.client_id.detached(),
                client_host: stored.client_host.detached(),
                rebalance_timeout_ms: rebalance.unwrap_or(stored.session_timeout),
                session_timeout_ms: stored.session_timeout,
                protocols: vec![protocol],
                assignment: Bytes::copy_from_slice(&stored.assignment),
                join: None,
                sync: None,
                is_new: false,
            };
            let is_taken = group.members.contains_key(&stored.member_id)
                || member.instance_id.as_ref().is_some_and(|id| group.instances.contains_key(id));
            // Nothing that we or Kafka wrote; the first one counts.
            if !is_taken {
                group.add(stored.member_id.detached(), member, &value.protocol_type);
            }
        }
        if !group.members.is_empty() {
            group.state = ClassicState::Stable;
            if let Some((leader, _)) = value.leader.as_ref().and_then(|leader| group.members.get_key_value(leader)) {
                group.leader = Some(leader.clone());
            }
        }
        group.read_subscriptions();
        group
    }

    /// After a load: members are as alive as if they had been heard of just now.
    pub fn start_sessions(&mut self, context: &mut Context<'_>) {
        for member_id in self.members.keys() {
            self.schedule_session(member_id, context);
        }
        if self.members.len() > context.settings.members_max {
            self.prepare_rebalance(context);
        }
    }
}
