//! Owns the records of the metadata log: each says one change, in order they say all.
//!
//! Plain data; `codec` gives them their form on disk, `image` their meaning.

use std::sync::Arc;

use super::credentials::{ScramCredential, ScramMechanism};
use super::quotas::{QuotaEntity, QuotaValue};
use super::topic_id::TopicId;
use crate::config::ConfigScope;
use crate::ids::{LogId, TopicNumber};

/// One change of the cluster's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataRecord {
    /// The cluster came into being.
    Cluster {
        /// Its id.
        id: TopicId,
    },
    /// A broker started: the leader epoch of every partition goes up by one.
    BrokerStarted {
        /// The broker.
        broker: i32,
    },
    /// A topic came into being, yet without partitions.
    Topic {
        /// Its number, never used before.
        number: TopicNumber,
        /// Its id.
        id: TopicId,
        /// Its name.
        name: Arc<str>,
    },
    /// A topic got partitions: as many as there are logs in the list, after those that it has.
    Partitions {
        /// The topic.
        topic: TopicNumber,
        /// The index of the first new one.
        first: u32,
        /// The brokers that hold them, the leader first.
        replicas: Arc<[i32]>,
        /// The log of each.
        logs: Vec<LogId>,
        /// What the image takes off its term to get their leader epoch.
        term_base: i32,
    },
    /// A topic is gone, with its partitions and configs.
    TopicDeleted {
        /// The topic.
        number: TopicNumber,
    },
    /// A config was set, or taken back.
    Config {
        /// Which kind of resource.
        scope: ConfigScope,
        /// The resource; empty for all brokers.
        resource: Arc<str>,
        /// The config.
        name: Arc<str>,
        /// Its value; `None` takes it back.
        value: Option<Arc<str>>,
    },
    /// Producer ids below this one are given out.
    ProducerIds {
        /// The next one to give out.
        next: i64,
    },
    /// The counters that no other record of a snapshot tells.
    Counters {
        /// The number that the next topic gets.
        topic_number_next: u32,
        /// How often a broker started.
        term: i32,
    },
    /// Begins a batch of a snapshot: what comes before the whole snapshot may be forgotten.
    SnapshotPart {
        /// Which part, from 0.
        part: u32,
        /// Whether it is the last one.
        last: bool,
    },
    /// A quota was set, or taken back.
    ClientQuota {
        /// For whom.
        entity: QuotaEntity,
        /// Of what.
        key: Arc<str>,
        /// Its value; `None` takes it back.
        value: Option<QuotaValue>,
    },
    /// A user's credential was set, or taken back.
    Credential {
        /// The user.
        user: Arc<str>,
        /// For which mechanism.
        mechanism: ScramMechanism,
        /// The credential; `None` takes it back.
        credential: Option<Arc<ScramCredential>>,
    },
    /// A feature got another level.
    Feature {
        /// Its name.
        name: Arc<str>,
        /// Its level.
        level: i16,
        /// What counts the changes of features.
        epoch: i64,
    },
    /// A partition lies on other brokers.
    Replicas {
        /// The topic.
        topic: TopicNumber,
        /// The partition's index.
        partition: u32,
        /// The brokers that hold it, the leader first.
        replicas: Arc<[i32]>,
    },
    /// A broker is gone for good.
    BrokerUnregistered {
        /// The broker.
        broker: i32,
    },
}
