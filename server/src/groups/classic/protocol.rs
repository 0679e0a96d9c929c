//! Owns the choice of a protocol, and what can be told of the members' subscriptions.
//!
//! Subscriptions are the members' business; only the names of the topics are read from them, where the protocol type says that they are
//! Kafka consumers.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use corelog_protocol::messages::consumer_protocol_subscription::ConsumerProtocolSubscription;
use corelog_protocol::{Decoder, Message, Text};

use super::group::{ClassicGroup, ClassicState};

/// The protocol type of Kafka consumers.
pub const CONSUMER: &str = "consumer";

impl ClassicGroup {
    /// Whether its members are Kafka consumers.
    pub fn uses_consumer_protocol(&self) -> bool {
        self.protocol_type.as_ref().is_some_and(|own| *own == CONSUMER)
    }

    /// Whether somebody who supports these protocols may join.
    pub(super) fn supports<'a>(&self, protocol_type: &Text, mut names: impl Iterator<Item = &'a Text>) -> bool {
        if self.state == ClassicState::Empty {
            return !protocol_type.is_empty() && names.next().is_some();
        }
        // As in Kafka, a rebalance that everybody has left supports everything of its type.
        let all = self.members.len();
        self.protocol_type.as_ref() == Some(protocol_type)
            && names.any(|name| self.supporters.get(name).copied().unwrap_or(0) == all)
    }

    /// The protocol with the most votes among those that all members support; of several, the first by name.
    pub(super) fn select_protocol(&self) -> Option<Text> {
        let all = self.members.len();
        let is_candidate = |name: &Text| self.supporters.get(name) == Some(&all);
        let mut votes: BTreeMap<&Text, usize> = BTreeMap::new();
        for choice in self.members.values().filter_map(|member| member.vote(is_candidate)) {
            *votes.entry(choice).or_insert(0) += 1;
        }
        let most = votes.values().max().copied()?;
        votes.into_iter().find(|(_, count)| *count == most).map(|(name, _)| name.clone())
    }

    /// Whether a member consumes this topic, or may do so for all that is known.
    pub fn is_subscribed_to(&self, topic: &Text) -> bool {
        self.topics.as_ref().map_or(self.uses_consumer_protocol(), |topics| topics.contains(topic))
    }

    /// Whether it is known what the members consume.
    pub fn knows_topics(&self) -> bool {
        self.topics.is_some()
    }

    /// Reads the subscriptions anew.
    pub(super) fn read_subscriptions(&mut self) {
        self.topics = self.subscribed_topics();
    }

    fn subscribed_topics(&self) -> Option<BTreeSet<Text>> {
        if !self.uses_consumer_protocol() {
            return None;
        }
        if self.members.is_empty() {
            return Some(BTreeSet::new());
        }
        let protocol = self.protocol.as_ref()?;
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            topics.extend(subscription_topics(&member.metadata(Some(protocol)))?);
        }
        Some(topics)
    }
}

/// The topics that a subscription names; `None` if it cannot be read. Every version begins as the first does.
fn subscription_topics(subscription: &Bytes) -> Option<Vec<Text>> {
    let mut decoder = Decoder::new(subscription.clone());
    let version = decoder.int16("version").ok()?;
    if version < 0 {
        return None;
    }
    let read = ConsumerProtocolSubscription::decode(&mut decoder, 0).ok()?;
    Some(read.topics)
}
