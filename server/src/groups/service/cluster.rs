//! Owns the view that coordinators have of topics and configs: that of their shard, as it is now.

use std::fmt;
use std::rc::Rc;

use corelog_engine::config::ConfigScope;
use corelog_engine::metadata::{TopicId, TopicImage};
use corelog_engine::shard::Shard;
use corelog_protocol::{Text, Uuid};

use crate::groups::cluster::Cluster;
use crate::groups::consumer::assignors::Assignor;
use crate::groups::consumer::{ConsumerSettings, MigrationPolicy, TopicFacts, Topology};
use crate::limits::GROUP_MEMBERS_MAX;

/// The metadata of a shard.
pub(super) struct ShardCluster(pub(super) Rc<Shard>);

impl fmt::Debug for ShardCluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ShardCluster")
    }
}

fn facts(topic: &TopicImage) -> TopicFacts {
    TopicFacts {
        id: Uuid(topic.id.0),
        name: Text::from(&*topic.name),
        partition_count: i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX),
        racks: 0,
    }
}

impl Topology for ShardCluster {
    fn by_name(&self, name: &str) -> Option<TopicFacts> {
        self.0.image().topic(name).map(|topic| facts(topic))
    }

    fn by_id(&self, id: Uuid) -> Option<TopicFacts> {
        self.0.image().topic_by_id(TopicId(id.0)).map(|topic| facts(topic))
    }

    fn names_after(&self, after: Option<&str>, count_max: usize) -> Vec<Text> {
        let image = self.0.image();
        let from = image.topics_from(after.unwrap_or_default());
        let later = from.filter(|topic| after.is_none_or(|after| &*topic.name > after));
        later.take(count_max).map(|topic| Text::from(&*topic.name)).collect()
    }

    /// No two states of the topics have the same: a topic that comes takes a number, one that goes lowers the count of topics, one
    /// that grows raises that of partitions.
    fn revision(&self) -> i64 {
        let image = self.0.image();
        let (topics, partitions) = (image.topic_count() as u64, image.partition_count() as u64);
        let number = u64::from(image.topic_number_next().0);
        (number << 40 ^ topics << 20 ^ partitions).wrapping_mul(0x9e37_79b9_7f4a_7c15).cast_signed()
    }
}

impl Cluster for ShardCluster {
    fn consumer_settings(&self, group: &str) -> ConsumerSettings {
        let otherwise = ConsumerSettings::default();
        let image = self.0.image();
        let layers = image.broker_layers(self.0.broker_id(), self.0.statics());
        let number = |name: &str| layers.value(name).and_then(|value| value.as_integer());
        let own = image.configs(ConfigScope::Group, group);
        // What a group sets was checked against the broker's bounds when it was set.
        let of_group = |name: &str, otherwise: i32| {
            let set = own.get(name).and_then(|text| text.trim().parse::<i64>().ok());
            let value = set.or_else(|| number(&format!("group.{name}")));
            value.and_then(|value| i32::try_from(value).ok()).unwrap_or(otherwise)
        };
        let count = |name: &str| {
            let value = number(name).and_then(|value| usize::try_from(value).ok());
            value.unwrap_or(GROUP_MEMBERS_MAX).min(GROUP_MEMBERS_MAX)
        };
        let assignors = layers.value("group.consumer.assignors");
        let names = assignors.as_ref().and_then(|value| value.as_list()).unwrap_or_default();
        let named: Vec<Assignor> = names.iter().filter_map(|name| Assignor::named(name)).collect();
        let policy = layers.value("group.consumer.migration.policy");
        let policy = policy.as_ref().and_then(|value| value.as_text()).and_then(MigrationPolicy::named);
        ConsumerSettings {
            heartbeat_interval_ms: of_group("consumer.heartbeat.interval.ms", otherwise.heartbeat_interval_ms),
            session_timeout_ms: of_group("consumer.session.timeout.ms", otherwise.session_timeout_ms),
            assignment_interval_ms: of_group("consumer.assignment.interval.ms", otherwise.assignment_interval_ms),
            regex_refresh_interval_ms: number("group.consumer.regex.refresh.interval.ms")
                .unwrap_or(otherwise.regex_refresh_interval_ms),
            size_max: count("group.consumer.max.size"),
            classic_size_max: count("group.max.size"),
            assignors: if named.is_empty() { otherwise.assignors } else { named },
            migration: policy.unwrap_or_default(),
        }
    }

    fn topology(&self) -> &dyn Topology {
        self
    }
}
