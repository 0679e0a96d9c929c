//! Owns the image: what all records together say, laid out for lookups.
//!
//! Shard 0 applies records to its image and gets what changed; every other shard absorbs that. Topics are shared between the shards'
//! images behind an `Arc`, so a topic of thousands of partitions is built once. Nothing here waits or does I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use corelog_rt::map::HashMap;
use thiserror::Error;

use super::credentials::{ScramCredential, ScramCredentials, ScramMechanism, UserCredentials};
use super::name::collision_form;
use super::quotas::{ClientQuotas, QuotaEntity, QuotaValues};
use super::record::MetadataRecord;
use super::topic_id::TopicId;
use crate::config::{BrokerLayers, ConfigMap, ConfigScope, TopicSettings};
use crate::ids::{LeaderEpoch, LogId, PartitionKey, TopicNumber};

static NOTHING_SET: ConfigMap = ConfigMap::new();

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicImage {
    /// Its name.
    pub name: Arc<str>,
    /// Its id, as clients know it.
    pub id: TopicId,
    /// Its number, as the engine knows it.
    pub number: TopicNumber,
    /// Its partitions, by index.
    pub partitions: Vec<PartitionImage>,
    /// What was set on it.
    pub configs: Arc<ConfigMap>,
}

impl TopicImage {
    /// The partition with this index, as a client gives it.
    pub fn partition(&self, index: i32) -> Option<&PartitionImage> {
        self.partitions.get(usize::try_from(index).ok()?)
    }

    /// The engine's key of the partition with this index; `None` where there is no such partition.
    pub fn key(&self, index: i32) -> Option<PartitionKey> {
        self.partition(index)?;
        Some(PartitionKey { topic: self.number, partition: u32::try_from(index).ok()? })
    }
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionImage {
    /// The log that holds it on this broker.
    pub log: LogId,
    /// The brokers that hold it, the leader first.
    pub replicas: Arc<[i32]>,
    /// What the term is counted from for its leader epoch.
    pub term_base: i32,
}

impl PartitionImage {
    /// The broker that leads it; -1 for none.
    pub fn leader(&self) -> i32 {
        self.replicas.first().copied().unwrap_or(-1)
    }
}

/// Why a record contradicts those before it: the log is damaged, or a bug wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ApplyError {
    /// It names a topic that is not there.
    #[error("a record names topic number {0}, which does not exist")]
    UnknownTopicNumber(TopicNumber),
    /// It names a topic that is not there.
    #[error("a record names topic {0}, which does not exist")]
    UnknownTopicName(Arc<str>),
    /// A topic's name, number or id is taken.
    #[error("topic {0} is created although its name, number or id is taken")]
    TopicTaken(Arc<str>),
    /// Partitions do not follow those that are there.
    #[error("topic number {topic} has {count} partitions, but the next ones begin at {first}")]
    PartitionGap {
        /// The topic.
        topic: TopicNumber,
        /// How many it has.
        count: usize,
        /// Where the new ones begin.
        first: u32,
    },
    /// It names a partition that is not there.
    #[error("a record names partition {1} of topic number {0}, which does not exist")]
    UnknownPartition(TopicNumber, u32),
}

/// What changed: enough for another shard's image to follow. Cheap to send.
#[derive(Clone, Debug, Default)]
pub struct ImageDelta {
    /// Topics that are new or different, and the numbers of those that are gone.
    pub topics: Vec<(TopicNumber, Option<Arc<TopicImage>>)>,
    /// Resources other than topics whose configs changed, with all that is now set.
    pub configs: Vec<(ConfigScope, Arc<str>, Arc<ConfigMap>)>,
    /// Entities whose quotas changed, with all that they now have.
    pub quotas: Vec<(QuotaEntity, Option<Arc<QuotaValues>>)>,
    /// Users whose credentials changed, with all that they now have.
    pub credentials: Vec<(Arc<str>, UserCredentials)>,
    /// The counters and ids, as they are now.
    pub scalars: Scalars,
}

/// The parts of the image that are single values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scalars {
    /// The cluster's id; zero before there is one.
    pub cluster_id: TopicId,
    /// How often a broker started.
    pub term: i32,
    /// The number that the next topic gets; numbers from 1.
    pub topic_number_next: u32,
    /// The next producer id that is not yet given out.
    pub producer_id_next: i64,
    /// The brokers that ever started.
    pub brokers: BTreeSet<i32>,
    /// Features whose level somebody changed.
    pub features: BTreeMap<Arc<str>, i16>,
    /// What the last of those changes counted.
    pub features_epoch: i64,
}

/// What all records together say.
#[derive(Clone, Debug, Default)]
pub struct MetadataImage {
    topics: HashMap<TopicNumber, Arc<TopicImage>>,
    names: BTreeMap<Arc<str>, TopicNumber>,
    ids: HashMap<TopicId, TopicNumber>,
    /// Names with a dot or an underscore, by the form in which they collide.
    collisions: BTreeMap<String, BTreeSet<Arc<str>>>,
    configs: BTreeMap<(ConfigScope, Arc<str>), Arc<ConfigMap>>,
    quotas: ClientQuotas,
    credentials: ScramCredentials,
    /// Counts the changes of client-metrics subscriptions, on this shard alone.
    client_metrics_version: u64,
    scalars: Scalars,
    partition_count: usize,
}

impl MetadataImage {
    /// The topic of this name.
    pub fn topic(&self, name: &str) -> Option<&Arc<TopicImage>> {
        self.names.get(name).and_then(|number| self.topics.get(number))
    }

    /// The topic of this id.
    pub fn topic_by_id(&self, id: TopicId) -> Option<&Arc<TopicImage>> {
        self.ids.get(&id).and_then(|number| self.topics.get(number))
    }

    /// The topic of this number.
    pub fn topic_by_number(&self, number: TopicNumber) -> Option<&Arc<TopicImage>> {
        self.topics.get(&number)
    }

    /// Every topic, in the order of their names.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<TopicImage>> {
        self.names.values().filter_map(|number| self.topics.get(number))
    }

    /// Every topic whose name is not before `name`, in the order of their names.
    pub fn topics_from<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Arc<TopicImage>> + use<'a> {
        let from = (std::ops::Bound::Included(name), std::ops::Bound::Unbounded);
        self.names.range::<str, _>(from).filter_map(|(_, number)| self.topics.get(number))
    }

    /// How many topics there are.
    pub fn topic_count(&self) -> usize {
        self.topics.len()
    }

    /// How many partitions there are.
    pub fn partition_count(&self) -> usize {
        self.partition_count
    }

    /// The log that holds a partition; `None` where there is no such partition.
    pub fn log_of(&self, key: PartitionKey) -> Option<LogId> {
        let topic = self.topics.get(&key.topic)?;
        topic.partitions.get(key.partition as usize).map(|partition| partition.log)
    }

    /// The partition's leader epoch: it goes up by one whenever the broker starts.
    pub fn leader_epoch(&self, partition: &PartitionImage) -> LeaderEpoch {
        LeaderEpoch(self.scalars.term.saturating_sub(partition.term_base).max(0))
    }

    /// The cluster's id; zero before the first start has made one.
    pub fn cluster_id(&self) -> TopicId {
        self.scalars.cluster_id
    }

    /// How often a broker started.
    pub fn term(&self) -> i32 {
        self.scalars.term
    }

    /// The number that the next topic gets.
    pub fn topic_number_next(&self) -> TopicNumber {
        TopicNumber(self.scalars.topic_number_next.max(1))
    }

    /// The next producer id that is not yet given out.
    pub fn producer_id_next(&self) -> i64 {
        self.scalars.producer_id_next
    }

    /// The brokers that ever started.
    pub fn brokers(&self) -> &BTreeSet<i32> {
        &self.scalars.brokers
    }

    /// Another number whenever client-metrics subscriptions changed. Images of two shards count for themselves.
    pub fn client_metrics_version(&self) -> u64 {
        self.client_metrics_version
    }

    /// The client quotas.
    pub fn quotas(&self) -> &ClientQuotas {
        &self.quotas
    }

    /// The SCRAM credentials.
    pub fn credentials(&self) -> &ScramCredentials {
        &self.credentials
    }

    /// The features whose level somebody changed, with that level.
    pub fn changed_feature_levels(&self) -> &BTreeMap<Arc<str>, i16> {
        &self.scalars.features
    }

    pub(super) fn scalars(&self) -> &Scalars {
        &self.scalars
    }

    /// Never goes down, and goes up whenever a feature's level changes.
    pub fn features_epoch(&self) -> i64 {
        self.scalars.features_epoch.max(i64::from(self.scalars.term))
    }

    /// A topic whose name is another one, but equals `name` once dots and underscores are the same.
    pub fn collision(&self, name: &str) -> Option<&Arc<str>> {
        self.collisions.get(&collision_form(name))?.iter().find(|existing| &***existing != name)
    }

    /// What is set on a resource; for a broker by its number, for all of them by the empty name.
    pub fn configs(&self, scope: ConfigScope, resource: &str) -> &ConfigMap {
        if scope == ConfigScope::Topic {
            return self.topic(resource).map_or(&NOTHING_SET, |topic| &topic.configs);
        }
        self.configs.get(&(scope, Arc::from(resource))).map_or(&NOTHING_SET, |configs| configs)
    }

    /// The resources of a kind that set anything, in the order of their names; topics are not among them.
    pub fn configured(&self, scope: ConfigScope) -> impl Iterator<Item = &Arc<str>> {
        self.configs.keys().filter(move |(of, _)| *of == scope).map(|(_, resource)| resource)
    }

    /// The layers of the broker's configs, over what was set at start.
    pub fn broker_layers<'a>(&'a self, broker: i32, statics: &'a ConfigMap) -> BrokerLayers<'a> {
        BrokerLayers {
            dynamic: self.configs(ConfigScope::Broker, &broker.to_string()),
            dynamic_default: self.configs(ConfigScope::Broker, ""),
            statics,
        }
    }

    /// What the engine obeys of a topic's configs.
    pub fn topic_settings(&self, topic: &TopicImage, broker: i32, statics: &ConfigMap) -> TopicSettings {
        TopicSettings::resolve(&topic.configs, &self.broker_layers(broker, statics))
    }

    /// Applies records in their order; says what changed. An error leaves the image half changed: it must not be used further.
    pub fn apply<'a>(
        &mut self,
        records: impl IntoIterator<Item = &'a MetadataRecord>,
    ) -> Result<ImageDelta, ApplyError> {
        let mut topics = BTreeSet::new();
        let mut configs = BTreeSet::new();
        let mut entities = BTreeSet::new();
        let mut users = BTreeSet::new();
        for record in records {
            match record {
                MetadataRecord::Topic { number, .. }
                | MetadataRecord::Replicas { topic: number, .. }
                | MetadataRecord::TopicDeleted { number }
                | MetadataRecord::Partitions { topic: number, .. } => {
                    topics.insert(*number);
                }
                MetadataRecord::Config { scope: ConfigScope::Topic, resource, .. } => {
                    topics.extend(self.names.get(resource));
                }
                MetadataRecord::Config { scope, resource, .. } => {
                    configs.insert((*scope, Arc::clone(resource)));
                }
                MetadataRecord::ClientQuota { entity, .. } => {
                    entities.insert(entity.clone());
                }
                MetadataRecord::Credential { user, .. } => {
                    users.insert(Arc::clone(user));
                }
                _ => {}
            }
            self.apply_one(record)?;
        }
        let topics = topics.into_iter().map(|number| (number, self.topics.get(&number).cloned())).collect();
        let configs = configs.into_iter().map(|(scope, resource)| {
            let set = self.configs.get(&(scope, Arc::clone(&resource))).cloned().unwrap_or_default();
            (scope, resource, set)
        });
        let configs = configs.collect();
        let quotas = entities.into_iter().map(|entity| {
            let values = self.quotas.of(&entity).cloned();
            (entity, values)
        });
        let quotas = quotas.collect();
        let credentials = users.into_iter().map(|user| {
            let set = self.credentials.get(&user).cloned().unwrap_or_default();
            (user, set)
        });
        let credentials = credentials.collect();
        Ok(ImageDelta { topics, configs, quotas, credentials, scalars: self.scalars.clone() })
    }

    /// Follows what another image got from its records.
    pub fn absorb(&mut self, delta: &ImageDelta) {
        for (number, topic) in &delta.topics {
            self.remove_topic(*number);
            if let Some(topic) = topic {
                self.insert_topic(Arc::clone(topic));
            }
        }
        for (scope, resource, set) in &delta.configs {
            self.client_metrics_version += u64::from(*scope == ConfigScope::ClientMetrics);
            let key = (*scope, Arc::clone(resource));
            if set.is_empty() {
                self.configs.remove(&key);
            } else {
                self.configs.insert(key, Arc::clone(set));
            }
        }
        for (entity, values) in &delta.quotas {
            self.quotas.absorb(entity, values.as_ref());
        }
        for (user, set) in &delta.credentials {
            if set.is_empty() {
                self.credentials.remove(user);
            } else {
                self.credentials.insert(Arc::clone(user), set.clone());
            }
        }
        self.scalars = delta.scalars.clone();
    }

    /// All that an empty image needs to become this one.
    pub fn whole(&self) -> ImageDelta {
        let topics = self.names.values().map(|number| (*number, self.topics.get(number).cloned())).collect();
        let configs =
            self.configs.iter().map(|((scope, resource), set)| (*scope, Arc::clone(resource), Arc::clone(set)));
        let configs = configs.collect();
        let quotas =
            self.quotas.entities().map(|(entity, values)| (entity.clone(), Some(Arc::clone(values)))).collect();
        let credentials = self.credentials.iter().map(|(user, set)| (Arc::clone(user), set.clone())).collect();
        ImageDelta { topics, configs, quotas, credentials, scalars: self.scalars.clone() }
    }

    fn apply_one(&mut self, record: &MetadataRecord) -> Result<(), ApplyError> {
        match record {
            MetadataRecord::Cluster { id } => self.scalars.cluster_id = *id,
            MetadataRecord::BrokerStarted { broker } => {
                self.scalars.brokers.insert(*broker);
                self.scalars.term = self.scalars.term.saturating_add(1);
            }
            MetadataRecord::Topic { number, id, name } => self.apply_topic(*number, *id, name)?,
            MetadataRecord::Partitions { topic, first, replicas, logs, term_base } => {
                self.apply_partitions(*topic, *first, replicas, logs, *term_base)?;
            }
            MetadataRecord::TopicDeleted { number } => {
                self.remove_topic(*number).ok_or(ApplyError::UnknownTopicNumber(*number))?;
            }
            MetadataRecord::Config { scope, resource, name, value } => {
                self.apply_config(*scope, resource, name, value.as_ref())?;
            }
            MetadataRecord::ProducerIds { next } => self.scalars.producer_id_next = *next,
            MetadataRecord::Counters { topic_number_next, term } => {
                self.scalars.topic_number_next = *topic_number_next;
                self.scalars.term = *term;
            }
            MetadataRecord::SnapshotPart { .. } => {}
            MetadataRecord::ClientQuota { entity, key, value } => self.quotas.apply(entity, key, *value),
            MetadataRecord::Credential { user, mechanism, credential } => {
                self.apply_credential(user, *mechanism, credential.as_ref());
            }
            MetadataRecord::Feature { name, level, epoch } => {
                self.scalars.features.insert(Arc::clone(name), *level);
                self.scalars.features_epoch = *epoch;
            }
            MetadataRecord::Replicas { topic, partition, replicas } => {
                self.apply_replicas(*topic, *partition, replicas)?;
            }
            MetadataRecord::BrokerUnregistered { broker } => {
                self.scalars.brokers.remove(broker);
            }
        }
        Ok(())
    }

    fn apply_topic(&mut self, number: TopicNumber, id: TopicId, name: &Arc<str>) -> Result<(), ApplyError> {
        let taken = number == TopicNumber::METADATA
            || self.topics.contains_key(&number)
            || self.names.contains_key(name)
            || self.ids.contains_key(&id);
        if taken {
            return Err(ApplyError::TopicTaken(Arc::clone(name)));
        }
        self.scalars.topic_number_next = self.scalars.topic_number_next.max(number.0.saturating_add(1));
        let configs = Arc::default();
        self.insert_topic(Arc::new(TopicImage { name: Arc::clone(name), id, number, partitions: Vec::new(), configs }));
        Ok(())
    }

    fn apply_partitions(
        &mut self,
        number: TopicNumber,
        first: u32,
        replicas: &Arc<[i32]>,
        logs: &[LogId],
        term_base: i32,
    ) -> Result<(), ApplyError> {
        let topic = self.topics.get_mut(&number).ok_or(ApplyError::UnknownTopicNumber(number))?;
        if topic.partitions.len() != first as usize {
            return Err(ApplyError::PartitionGap { topic: number, count: topic.partitions.len(), first });
        }
        let new = logs.iter().map(|log| PartitionImage { log: *log, replicas: Arc::clone(replicas), term_base });
        Arc::make_mut(topic).partitions.extend(new);
        self.partition_count += logs.len();
        Ok(())
    }

    fn apply_replicas(&mut self, number: TopicNumber, index: u32, replicas: &Arc<[i32]>) -> Result<(), ApplyError> {
        let topic = self.topics.get_mut(&number).ok_or(ApplyError::UnknownTopicNumber(number))?;
        let partition = Arc::make_mut(topic).partitions.get_mut(index as usize);
        let partition = partition.ok_or(ApplyError::UnknownPartition(number, index))?;
        partition.replicas = Arc::clone(replicas);
        Ok(())
    }

    fn apply_credential(
        &mut self,
        user: &Arc<str>,
        mechanism: ScramMechanism,
        credential: Option<&Arc<ScramCredential>>,
    ) {
        let set = self.credentials.entry(Arc::clone(user)).or_default();
        match credential {
            Some(credential) => set.insert(mechanism, Arc::clone(credential)),
            None => set.remove(&mechanism),
        };
        if set.is_empty() {
            self.credentials.remove(user);
        }
    }

    fn apply_config(
        &mut self,
        scope: ConfigScope,
        resource: &Arc<str>,
        name: &Arc<str>,
        value: Option<&Arc<str>>,
    ) -> Result<(), ApplyError> {
        let change = |set: &mut ConfigMap| {
            match value {
                Some(value) => set.insert(Arc::clone(name), Arc::clone(value)),
                None => set.remove(name),
            };
        };
        if scope == ConfigScope::Topic {
            let topic = self.names.get(resource).and_then(|number| self.topics.get_mut(number));
            let topic = topic.ok_or_else(|| ApplyError::UnknownTopicName(Arc::clone(resource)))?;
            change(Arc::make_mut(&mut Arc::make_mut(topic).configs));
            return Ok(());
        }
        self.client_metrics_version += u64::from(scope == ConfigScope::ClientMetrics);
        let key = (scope, Arc::clone(resource));
        let set = self.configs.entry(key.clone()).or_default();
        change(Arc::make_mut(set));
        if set.is_empty() {
            self.configs.remove(&key);
        }
        Ok(())
    }

    fn insert_topic(&mut self, topic: Arc<TopicImage>) {
        self.names.insert(Arc::clone(&topic.name), topic.number);
        self.ids.insert(topic.id, topic.number);
        if topic.name.contains(['.', '_']) {
            self.collisions.entry(collision_form(&topic.name)).or_default().insert(Arc::clone(&topic.name));
        }
        self.partition_count += topic.partitions.len();
        self.topics.insert(topic.number, topic);
    }

    fn remove_topic(&mut self, number: TopicNumber) -> Option<Arc<TopicImage>> {
        let topic = self.topics.remove(&number)?;
        self.names.remove(&topic.name);
        self.ids.remove(&topic.id);
        let form = collision_form(&topic.name);
        if let Some(names) = self.collisions.get_mut(&form) {
            names.remove(&topic.name);
            if names.is_empty() {
                self.collisions.remove(&form);
            }
        }
        self.partition_count -= topic.partitions.len();
        Some(topic)
    }
}
