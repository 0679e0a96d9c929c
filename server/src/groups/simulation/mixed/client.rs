//! Owns what a member believes of itself, whichever protocol it speaks.

use std::collections::BTreeMap;

use corelog_protocol::Text;
use corelog_protocol::messages::join_group_response::JoinGroupResponseMember;

use crate::groups::consumer::assignment::Assignment;

/// What a member does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It joins, for the first time or again.
    Join,
    /// A classic member asks what it was assigned.
    Sync,
    /// It says that it lives.
    Beat,
}

/// A member.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its place in the order of all that ever were.
    pub number: u64,
    pub id: Text,
    pub instance: Option<Text>,
    pub is_classic: bool,
    pub topics: Vec<&'static str>,
    pub pattern: Option<&'static str>,
    pub assignor: Option<&'static str>,
    pub mood: Mood,
    /// Its member epoch, or its generation.
    pub epoch: i32,
    pub owned: Assignment,
    /// The epoch in which it was told that it owns this.
    pub owned_epoch: i32,
    /// Its subscription changed, or it does not know whether it was heard.
    pub has_news: bool,
    /// With the members that a classic leader assigns to.
    pub led: Option<Vec<JoinGroupResponseMember>>,
    /// The request that it waits for, and until when.
    pub waits: Option<(u64, u64)>,
    /// When its last request arrives: later ones come after it.
    pub last_arrival_ms: u64,
    pub beat_ms: u64,
    pub silent_until_ms: u64,
}

impl Client {
    /// It is not, or no longer, in the group, and owns nothing.
    pub fn reset(&mut self) {
        (self.mood, self.led) = (Mood::Join, None);
        self.epoch = if self.is_classic { -1 } else { 0 };
        (self.owned, self.owned_epoch) = (Assignment::new(), -1);
        self.has_news = true;
        if self.is_classic {
            self.id = Text::default();
        }
    }

    /// Whether it subscribes to a topic.
    pub fn wants(&self, topic: &str) -> bool {
        self.topics.contains(&topic) || self.pattern.is_some() && topic.starts_with("log-")
    }
}

/// What the leader of a classic group gives: partitions in turn to whom subscribes. With `keeps`, one that another still has is given to
/// nobody until that has let go of it.
pub fn lead(
    members: &BTreeMap<Text, (Vec<Text>, Assignment)>,
    partitions: &BTreeMap<Text, (corelog_protocol::Uuid, i32)>,
    keeps: bool,
) -> BTreeMap<Text, Assignment> {
    let mut given: BTreeMap<Text, Assignment> = members.keys().map(|id| (id.clone(), Assignment::new())).collect();
    for (name, (topic, count)) in partitions {
        let subscribers: Vec<&Text> =
            members.iter().filter(|(_, (topics, _))| topics.contains(name)).map(|(id, _)| id).collect();
        if subscribers.is_empty() {
            continue;
        }
        for (partition, subscriber) in (0..*count).zip(subscribers.iter().cycle()) {
            let has = |owned: &Assignment| owned.get(topic).is_some_and(|owned| owned.contains(&partition));
            let another = members.iter().any(|(id, (_, owned))| id != *subscriber && has(owned));
            if !(keeps && another) {
                given.get_mut(*subscriber).unwrap().entry(*topic).or_default().insert(partition);
            }
        }
    }
    given
}
