//! Owns what the coordinator is told of topics and settings.

use corelog_protocol::{Text, Uuid};

use crate::groups::cluster::Cluster;
use crate::groups::consumer::tests::world::Topics;
use crate::groups::consumer::{ConsumerSettings, TopicFacts, Topology};

/// The topics of a moment.
#[derive(Clone, Debug)]
pub struct SimulatedCluster {
    pub topics: Topics,
    pub settings: ConsumerSettings,
}

impl Topology for SimulatedCluster {
    fn by_name(&self, name: &str) -> Option<TopicFacts> {
        self.topics.by_name(name)
    }

    fn by_id(&self, id: Uuid) -> Option<TopicFacts> {
        self.topics.by_id(id)
    }

    fn names_after(&self, after: Option<&str>, count_max: usize) -> Vec<Text> {
        self.topics.names_after(after, count_max)
    }

    fn revision(&self) -> i64 {
        self.topics.revision()
    }
}

impl Cluster for SimulatedCluster {
    fn consumer_settings(&self, _group: &str) -> ConsumerSettings {
        self.settings.clone()
    }

    fn topology(&self) -> &dyn Topology {
        self
    }
}
