//! Owns what a group knows of one of its members.
//!
//! Plain values in memory of their own: nothing here holds on to a request.

use std::collections::BTreeSet;

use bytes::Bytes;
use corelog_protocol::Text;
use corelog_protocol::messages::join_group_request::JoinGroupRequestProtocol;

use crate::groups::effects::Ticket;

/// A way of assigning that a member supports, with what it says about itself for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Such as `range`.
    pub name: Text,
    /// The member's subscription, for the leader alone to read.
    pub metadata: Bytes,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassicMember {
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Text>,
    /// What the client calls itself.
    pub client_id: Text,
    /// Where it came from, as Kafka prints an address.
    pub client_host: Text,
    /// How long it may take to join again.
    pub rebalance_timeout_ms: i32,
    /// How long it may be silent.
    pub session_timeout_ms: i32,
    /// What it supports, what it likes best first.
    pub protocols: Vec<Protocol>,
    /// What the leader gave it.
    pub assignment: Bytes,
    /// Its `JoinGroup` that waits.
    pub join: Option<Ticket>,
    /// Its `SyncGroup` that waits.
    pub sync: Option<Ticket>,
    /// It has not been in a generation yet: it may be lost while it waits to join.
    pub is_new: bool,
}

impl ClassicMember {
    /// Whether it waits for an answer, so that its silence is no sign of death.
    pub fn is_heard_of(&self) -> bool {
        !self.is_new && (self.join.is_some() || self.sync.is_some())
    }

    /// What it says about itself for this protocol.
    pub fn metadata(&self, protocol: Option<&Text>) -> Bytes {
        let found = self.protocols.iter().find(|own| Some(&own.name) == protocol);
        found.map(|own| own.metadata.clone()).unwrap_or_default()
    }

    /// The first of its protocols that is among `candidates`.
    pub fn vote(&self, is_candidate: impl Fn(&Text) -> bool) -> Option<&Text> {
        self.protocols.iter().map(|own| &own.name).find(|name| is_candidate(name))
    }

    /// Whether it would say the same of itself.
    pub fn matches(&self, protocols: &[JoinGroupRequestProtocol]) -> bool {
        self.protocols.len() == protocols.len()
            && self
                .protocols
                .iter()
                .zip(protocols)
                .all(|(own, other)| own.name == other.name && own.metadata == other.metadata)
    }

    /// Memory that it takes, in bytes, about.
    pub fn memory_bytes(&self) -> usize {
        let protocols: usize =
            self.protocols.iter().map(|own| size_of::<Protocol>() + own.name.len() + own.metadata.len()).sum();
        size_of::<ClassicMember>()
            + self.instance_id.as_ref().map_or(0, |id| id.len())
            + self.client_id.len()
            + self.client_host.len()
            + self.assignment.len()
            + protocols
    }
}

/// The protocols of a request, in memory of their own. Of two of one name the first counts, as in Kafka.
pub fn own_protocols(protocols: &[JoinGroupRequestProtocol]) -> Vec<Protocol> {
    let mut seen = BTreeSet::new();
    let once = protocols.iter().filter(|protocol| seen.insert(&protocol.name));
    let own = once.map(|protocol| Protocol {
        name: protocol.name.detached(),
        metadata: Bytes::copy_from_slice(&protocol.metadata),
    });
    own.collect()
}
