//! Owns what administrators are told of a group.

use bytes::Bytes;
use corelog_protocol::Text;
use corelog_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use corelog_protocol::messages::list_groups_response::ListedGroup;

use super::group::{ClassicGroup, ClassicState};
use super::member::ClassicMember;

/// Kafka's name of this kind of group.
pub const CLASSIC: &str = "classic";

impl ClassicGroup {
    /// Everything. Metadata is told of a stable group alone.
    pub fn describe(&self) -> DescribedGroup {
        let is_stable = self.state == ClassicState::Stable;
        let member = |(id, member): (&Text, &ClassicMember)| DescribedGroupMember {
            member_id: id.clone(),
            group_instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            member_metadata: if is_stable { member.metadata(self.protocol.as_ref()) } else { Bytes::new() },
            member_assignment: member.assignment.clone(),
        };
        DescribedGroup {
            group_id: self.id.clone(),
            group_state: Text::from_static(self.state.name()),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol_data: if is_stable { self.protocol.clone().unwrap_or_default() } else { Text::default() },
            members: self.members.iter().map(member).collect(),
            ..Default::default()
        }
    }

    /// One line.
    pub fn list(&self) -> ListedGroup {
        ListedGroup {
            group_id: self.id.clone(),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            group_state: Text::from_static(self.state.name()),
            group_type: Text::from_static(CLASSIC),
        }
    }
}
