//! Owns the deciding half of the state machine: a command against the image becomes records, or a typed refusal.
//!
//! Runs on shard 0 alone, called by the controller, which makes the records durable before it applies them. Decides nothing by clock,
//! chance or I/O: fresh topic ids come in with the call.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::MetadataError;
use super::image::MetadataImage;
use super::record::MetadataRecord;
use super::topic_id::TopicId;
use crate::config::{BrokerLayers, ConfigMap};
use crate::ids::LogId;

/// How many producer ids one block holds.
pub const PRODUCER_ID_BLOCK: i64 = 1_000;

/// How many partitions one command may create.
pub const PARTITIONS_PER_COMMAND_MAX: usize = 10_000;

/// What the state machine must know of the broker that it runs on.
#[derive(Clone, Debug)]
pub struct MetadataSettings {
    /// The broker's id.
    pub broker_id: i32,
    /// What was set at its start.
    pub statics: Arc<ConfigMap>,
    /// How many logs there are: ids from 0.
    pub logs: u32,
}

/// What a command comes to: records to make durable and apply (none where nothing changes or it was only to be validated), and the
/// answer that holds once they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<T> {
    /// What changes, to be applied together.
    pub records: Vec<MetadataRecord>,
    /// What the client is told.
    pub answer: T,
}

/// The image and what else deciding takes.
#[derive(Clone, Debug)]
pub struct MetadataState {
    /// What holds now.
    pub image: MetadataImage,
    /// The broker's settings.
    pub settings: MetadataSettings,
}

impl MetadataState {
    /// Gives out a block of producer ids: the first one and how many.
    pub fn allocate_producer_ids(&self) -> Decision<(i64, i64)> {
        let first = self.image.producer_id_next();
        let next = first.saturating_add(PRODUCER_ID_BLOCK);
        Decision { records: vec![MetadataRecord::ProducerIds { next }], answer: (first, next - first) }
    }

    /// What a start of this broker changes: the cluster comes into being with `cluster_id` if there is none, and the term goes up.
    pub fn start_broker(&self, cluster_id: TopicId) -> Decision<TopicId> {
        let mut records = Vec::new();
        let mut answer = self.image.cluster_id();
        if answer == TopicId::ZERO {
            answer = cluster_id;
            records.push(MetadataRecord::Cluster { id: cluster_id });
        }
        records.push(MetadataRecord::BrokerStarted { broker: self.settings.broker_id });
        Decision { records, answer }
    }

    pub(super) fn layers(&self) -> BrokerLayers<'_> {
        self.image.broker_layers(self.settings.broker_id, &self.settings.statics)
    }

    /// The log of partition `index` of topic `number`: a topic's partitions go round the logs, topics begin at different ones.
    pub(super) fn place(&self, number: u32, index: u32) -> LogId {
        let logs = self.settings.logs.max(1);
        LogId((number % logs + index % logs) % logs)
    }
}

/// Marks as refused what comes more than once in a request: Kafka refuses every occurrence.
pub(super) fn refuse_repeated<K: Ord>(
    keys: impl Iterator<Item = K>,
    error: &MetadataError,
) -> Vec<Result<(), MetadataError>> {
    let keys: Vec<K> = keys.collect();
    let mut counts: BTreeMap<&K, usize> = BTreeMap::new();
    for key in &keys {
        *counts.entry(key).or_default() += 1;
    }
    let once = |key: &K| counts.get(key) == Some(&1);
    keys.iter().map(|key| if once(key) { Ok(()) } else { Err(error.clone()) }).collect()
}
