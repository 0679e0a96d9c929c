//! Topics that tests change, requests that they send, and a clock that they move.

use std::collections::BTreeMap;

use corelog_protocol::messages::consumer_group_heartbeat_request::{ConsumerGroupHeartbeatRequest, TopicPartitions};
use corelog_protocol::messages::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;
use corelog_protocol::{Text, Uuid};

use crate::groups::consumer::assignment::Assignment;
use crate::groups::consumer::{ConsumerSettings, Context, TopicFacts, Topology};

/// Topics by name.
#[derive(Clone, Debug, Default)]
pub struct Topics {
    topics: BTreeMap<Text, (Uuid, i32)>,
    revision: i64,
    next: u8,
}

impl Topics {
    pub fn with(topics: &[(&str, i32)]) -> Topics {
        let mut made = Topics::default();
        for (name, count) in topics {
            made.create(name, *count);
        }
        made
    }

    /// Creates a topic, or one anew under another id.
    pub fn create(&mut self, name: &str, count: i32) {
        self.next = self.next.wrapping_add(1);
        self.revision += 1;
        self.topics.insert(name.into(), (Uuid([self.next; 16]), count));
    }

    pub fn grow(&mut self, name: &str, more: i32) {
        if let Some(topic) = self.topics.get_mut(name) {
            topic.1 += more;
            self.revision += 1;
        }
    }

    pub fn delete(&mut self, name: &str) {
        self.revision += i64::from(self.topics.remove(name).is_some());
    }

    pub fn id(&self, name: &str) -> Uuid {
        self.topics[name].0
    }

    pub fn all(&self) -> impl Iterator<Item = (&Text, Uuid, i32)> {
        self.topics.iter().map(|(name, (id, count))| (name, *id, *count))
    }
}

impl Topology for Topics {
    fn by_name(&self, name: &str) -> Option<TopicFacts> {
        let (name, (id, partition_count)) = self.topics.get_key_value(name)?;
        Some(TopicFacts { id: *id, name: name.clone(), partition_count: *partition_count, racks: 0 })
    }

    fn by_id(&self, id: Uuid) -> Option<TopicFacts> {
        let name = self.topics.iter().find(|(_, topic)| topic.0 == id)?.0.clone();
        self.by_name(&name)
    }

    fn names_after(&self, after: Option<&str>, count_max: usize) -> Vec<Text> {
        let later = self.topics.keys().filter(|name| after.is_none_or(|after| name.as_str() > after));
        later.take(count_max).cloned().collect()
    }

    fn revision(&self) -> i64 {
        self.revision
    }
}

/// A context at a time.
pub fn context<'a>(now_ms: i64, topics: &'a Topics, settings: &'a ConsumerSettings) -> Context<'a> {
    Context {
        now_ms,
        ticks_ms: now_ms,
        topology: topics,
        settings,
        client_id: "client".into(),
        client_host: "/127.0.0.1".into(),
        id_new: Uuid([u8::try_from(now_ms % 250).unwrap_or_default(); 16]),
    }
}

/// The heartbeat with which a member joins.
pub fn join(member: &str, topics: &[&str]) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: "g".into(),
        member_id: member.into(),
        rebalance_timeout_ms: 300_000,
        subscribed_topic_names: Some(topics.iter().map(|name| Text::from(*name)).collect()),
        topic_partitions: Some(Vec::new()),
        ..Default::default()
    }
}

/// A heartbeat that says what the member owns.
pub fn heartbeat(member: &str, epoch: i32, owned: Option<&Assignment>) -> ConsumerGroupHeartbeatRequest {
    let topic = |(id, partitions): (&Uuid, &std::collections::BTreeSet<i32>)| TopicPartitions {
        topic_id: *id,
        partitions: partitions.iter().copied().collect(),
    };
    ConsumerGroupHeartbeatRequest {
        group_id: "g".into(),
        member_id: member.into(),
        member_epoch: epoch,
        topic_partitions: owned.map(|owned| owned.iter().map(topic).collect()),
        ..Default::default()
    }
}

/// What an answer gives, if it says.
pub fn given(answer: &ConsumerGroupHeartbeatResponse) -> Option<Assignment> {
    let assignment = answer.assignment.as_ref()?;
    let topics = assignment.topic_partitions.iter().filter(|topic| !topic.partitions.is_empty());
    Some(topics.map(|topic| (topic.topic_id, topic.partitions.iter().copied().collect())).collect())
}
