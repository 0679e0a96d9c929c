//! Owns what coordinators are told of the cluster: its topics, and what consumer groups are set to.
//!
//! A view that the service gives them, read within an event and never kept.

use std::fmt::Debug;

use corelog_protocol::{Text, Uuid};

use super::consumer::{ConsumerSettings, TopicFacts, Topology};

/// The cluster, as coordinators see it.
pub trait Cluster: Topology + Debug {
    /// What a consumer group obeys.
    fn consumer_settings(&self, group: &str) -> ConsumerSettings;

    /// Itself, as the topics that it knows.
    fn topology(&self) -> &dyn Topology;
}

/// A cluster without topics, with Kafka's defaults.
#[derive(Debug)]
pub struct NoCluster;

impl Topology for NoCluster {
    fn by_name(&self, _name: &str) -> Option<TopicFacts> {
        None
    }

    fn by_id(&self, _id: Uuid) -> Option<TopicFacts> {
        None
    }

    fn names_after(&self, _after: Option<&str>, _count_max: usize) -> Vec<Text> {
        Vec::new()
    }

    fn revision(&self) -> i64 {
        0
    }
}

impl Cluster for NoCluster {
    fn consumer_settings(&self, _group: &str) -> ConsumerSettings {
        ConsumerSettings::default()
    }

    fn topology(&self) -> &dyn Topology {
        self
    }
}
