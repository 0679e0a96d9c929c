//! Owns the commands on topics: create, delete, add partitions.
//!
//! Pure functions of the state, on shard 0. One refused topic does not keep the others of its command from being created; the answers
//! come in the order of the request.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::{AssignmentError, ConfigRefusal, MetadataError, PartitionCountError, ReplicationFactorError};
use super::error::{RequestError, UnknownTopic};
use super::image::TopicImage;
use super::name::{self, METADATA_TOPIC, TopicNameError};
use super::record::MetadataRecord;
use super::state::{Decision, MetadataState, PARTITIONS_PER_COMMAND_MAX, refuse_repeated};
use super::topic_id::TopicId;
use crate::config::ConfigMap;
use crate::config::resolve::check_topic;
use crate::ids::TopicNumber;

/// A topic to create.
#[derive(Clone, Debug, Default)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; -1 for the broker's default.
    pub partitions: i32,
    /// How many replicas each; -1 for the broker's default.
    pub replication_factor: i32,
    /// The brokers of each partition, where the client chooses them.
    pub assignments: Vec<(i32, Vec<i32>)>,
    /// What to set on it.
    pub configs: Vec<(String, Option<String>)>,
}

/// A topic that was created, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedTopic {
    /// Its name.
    pub name: Arc<str>,
    /// Its id; zero where it was only to be validated.
    pub id: TopicId,
    /// How many partitions it has.
    pub partitions: usize,
    /// How many replicas each.
    pub replication_factor: usize,
    /// What is set on it.
    pub configs: Arc<ConfigMap>,
}

/// How a request names a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TopicReference {
    /// By name.
    Name(String),
    /// By id.
    Id(TopicId),
}

/// A topic that was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedTopic {
    /// Its name.
    pub name: Arc<str>,
    /// Its id.
    pub id: TopicId,
}

/// Partitions to add to a topic.
#[derive(Clone, Debug, Default)]
pub struct NewPartitions {
    /// The topic.
    pub topic: String,
    /// How many it shall have.
    pub count: i32,
    /// The brokers of each new one, where the client chooses them.
    pub assignments: Option<Vec<Vec<i32>>>,
}

/// The replicas of each partition, by index.
type Shape = Vec<Arc<[i32]>>;

type TopicResults = Vec<Result<CreatedTopic, MetadataError>>;

impl MetadataState {
    /// Creates topics. `fresh_id` gives a random id at each call.
    pub fn create_topics(
        &self,
        topics: &[NewTopic],
        validate_only: bool,
        mut fresh_id: impl FnMut() -> TopicId,
    ) -> Decision<TopicResults> {
        let wanted: usize = topics.iter().map(|topic| self.wanted_partitions(topic)).fold(0, usize::saturating_add);
        if wanted > PARTITIONS_PER_COMMAND_MAX {
            let answer = topics.iter().map(|_| Err(MetadataError::PolicyViolation)).collect();
            return Decision { records: Vec::new(), answer };
        }
        let repeated = MetadataError::InvalidRequest(RequestError::RepeatedTopic);
        let once = refuse_repeated(topics.iter().map(|topic| topic.name.as_str()), &repeated);
        let mut number = self.image.topic_number_next();
        let mut records = Vec::new();
        let mut create = |(topic, once): (&NewTopic, Result<(), MetadataError>)| {
            once?;
            let (created, shape) = self.check_new_topic(topic)?;
            if validate_only {
                return Ok(created);
            }
            let id = self.unused_id(&mut fresh_id);
            records.push(MetadataRecord::Topic { number, id, name: Arc::clone(&created.name) });
            self.add_partitions(number, 0, &shape, &mut records);
            records.extend(created.configs.iter().map(|(config, value)| MetadataRecord::Config {
                scope: crate::config::ConfigScope::Topic,
                resource: Arc::clone(&created.name),
                name: Arc::clone(config),
                value: Some(Arc::clone(value)),
            }));
            number = TopicNumber(number.0 + 1);
            Ok(CreatedTopic { id, ..created })
        };
        let answer = topics.iter().zip(once).map(&mut create).collect();
        Decision { records, answer }
    }

    /// Deletes topics.
    pub fn delete_topics(&self, topics: &[TopicReference]) -> Decision<Vec<Result<DeletedTopic, MetadataError>>> {
        if self.layers().value("delete.topic.enable").and_then(|value| value.as_boolean()) == Some(false) {
            let answer = topics.iter().map(|_| Err(MetadataError::TopicDeletionDisabled)).collect();
            return Decision { records: Vec::new(), answer };
        }
        let found: Vec<Result<&Arc<TopicImage>, MetadataError>> =
            topics.iter().map(|reference| self.find_topic(reference)).collect();
        let mut counts: BTreeMap<TopicNumber, usize> = BTreeMap::new();
        found.iter().flatten().for_each(|topic| *counts.entry(topic.number).or_default() += 1);
        let mut times: BTreeMap<&TopicReference, usize> = BTreeMap::new();
        for reference in topics {
            *times.entry(reference).or_default() += 1;
        }
        let mut records = Vec::new();
        let mut delete = |(reference, topic): (&TopicReference, Result<&Arc<TopicImage>, MetadataError>)| {
            let is_named_again = times.get(reference) != Some(&1);
            let is_there_once = topic.as_ref().is_ok_and(|topic| counts.get(&topic.number) == Some(&1));
            if is_named_again || topic.is_ok() && !is_there_once {
                return Err(MetadataError::InvalidRequest(repeated_reference(reference, is_named_again)));
            }
            let topic = topic?;
            records.push(MetadataRecord::TopicDeleted { number: topic.number });
            Ok(DeletedTopic { name: Arc::clone(&topic.name), id: topic.id })
        };
        let answer = topics.iter().zip(found).map(&mut delete).collect();
        Decision { records, answer }
    }

    /// Adds partitions to topics.
    pub fn create_partitions(
        &self,
        topics: &[NewPartitions],
        validate_only: bool,
    ) -> Decision<Vec<Result<(), MetadataError>>> {
        let repeated = MetadataError::InvalidRequest(RequestError::RepeatedTopic);
        let once = refuse_repeated(topics.iter().map(|topic| topic.topic.as_str()), &repeated);
        let mut records = Vec::new();
        let mut budget = PARTITIONS_PER_COMMAND_MAX;
        let mut add = |(request, once): (&NewPartitions, Result<(), MetadataError>)| {
            once?;
            let topic = self.image.topic(&request.topic);
            let topic = topic.ok_or(MetadataError::UnknownTopicOrPartition(UnknownTopic::NotHosted))?;
            let shape = self.check_new_partitions(topic, request)?;
            budget = budget.checked_sub(shape.len()).ok_or(MetadataError::PolicyViolation)?;
            if !validate_only {
                self.add_partitions(topic.number, topic.partitions.len() as u32, &shape, &mut records);
            }
            Ok(())
        };
        let answer = topics.iter().zip(once).map(&mut add).collect();
        Decision { records, answer }
    }

    /// How many partitions a topic asks for, as far as it says: an invalid count is refused later.
    fn wanted_partitions(&self, topic: &NewTopic) -> usize {
        if !topic.assignments.is_empty() {
            return topic.assignments.len();
        }
        let count = if topic.partitions == -1 { self.default_number("num.partitions") } else { topic.partitions };
        usize::try_from(count).unwrap_or(0)
    }

    fn default_number(&self, config: &str) -> i32 {
        let number = self.layers().value(config).and_then(|value| value.as_integer());
        number.and_then(|number| i32::try_from(number).ok()).unwrap_or(1)
    }

    /// Checks a new topic in Kafka's order: name, existence, configs, shape. Gives the replicas of every partition beside the answer.
    fn check_new_topic(&self, topic: &NewTopic) -> Result<(CreatedTopic, Shape), MetadataError> {
        name::check(&topic.name)?;
        if topic.name == METADATA_TOPIC {
            return Err(MetadataError::InvalidRequest(RequestError::InternalTopic(METADATA_TOPIC)));
        }
        if self.image.topic(&topic.name).is_some() {
            return Err(MetadataError::TopicAlreadyExists(topic.name.clone()));
        }
        if let Some(existing) = self.image.collision(&topic.name) {
            let (name, existing) = (topic.name.clone(), existing.to_string());
            return Err(MetadataError::InvalidTopic(TopicNameError::Collision { name, existing }));
        }
        let configs = Arc::new(self.check_new_configs(topic)?);
        let shape = if topic.assignments.is_empty() { self.automatic_shape(topic)? } else { self.manual_shape(topic)? };
        let replication_factor = shape.first().map_or(0, |replicas| replicas.len());
        let name = Arc::from(topic.name.as_str());
        let created = CreatedTopic { name, id: TopicId::ZERO, partitions: shape.len(), replication_factor, configs };
        Ok((created, shape))
    }

    fn check_new_configs(&self, topic: &NewTopic) -> Result<ConfigMap, MetadataError> {
        let nulls: Vec<&str> =
            topic.configs.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name.as_str()).collect();
        if !nulls.is_empty() {
            return Err(MetadataError::InvalidConfig(ConfigRefusal::NullValues(nulls.join(","))));
        }
        let set = |(name, value): &(String, Option<String>)| {
            value.as_ref().map(|value| (Arc::from(name.as_str()), Arc::from(value.as_str())))
        };
        let configs: ConfigMap = topic.configs.iter().filter_map(set).collect();
        check_topic(&configs, &self.layers()).map_err(|error| MetadataError::InvalidConfig(error.into()))?;
        Ok(configs)
    }

    fn automatic_shape(&self, topic: &NewTopic) -> Result<Shape, MetadataError> {
        let factor = topic.replication_factor;
        if factor < -1 || factor == 0 {
            return Err(ReplicationFactorError::NotPositive.into());
        }
        if topic.partitions < -1 || topic.partitions == 0 {
            return Err(PartitionCountError::NotPositive.into());
        }
        let factor = if factor == -1 { self.default_number("default.replication.factor") } else { factor };
        if factor != 1 {
            return Err(ReplicationFactorError::TooFewBrokers { factor, brokers: 1 }.into());
        }
        let replicas: Arc<[i32]> = Arc::from([self.settings.broker_id]);
        Ok(vec![replicas; self.wanted_partitions(topic)])
    }

    fn manual_shape(&self, topic: &NewTopic) -> Result<Shape, MetadataError> {
        if topic.replication_factor != -1 {
            return Err(MetadataError::InvalidRequest(RequestError::AssignmentWithFactor));
        }
        if topic.partitions != -1 {
            return Err(MetadataError::InvalidRequest(RequestError::AssignmentWithCount));
        }
        let mut by_index: BTreeMap<i32, &[i32]> = BTreeMap::new();
        for (index, replicas) in &topic.assignments {
            if by_index.insert(*index, replicas).is_some() {
                return Err(AssignmentError::Repeated(*index).into());
            }
        }
        let shape = self.check_assignments(by_index.values().copied(), None)?;
        if !by_index.keys().copied().eq(0..topic.assignments.len() as i32) {
            return Err(AssignmentError::NotConsecutive.into());
        }
        Ok(shape)
    }

    fn check_new_partitions(&self, topic: &TopicImage, request: &NewPartitions) -> Result<Shape, MetadataError> {
        let current = topic.partitions.len();
        let wanted = request.count;
        let not_an_increase = || PartitionCountError::NotAnIncrease { topic: request.topic.clone(), current, wanted };
        let count = usize::try_from(wanted).map_err(|_| not_an_increase())?;
        if count == current {
            return Err(PartitionCountError::Unchanged(current).into());
        }
        let added = count.checked_sub(current).ok_or_else(not_an_increase)?;
        if added > PARTITIONS_PER_COMMAND_MAX {
            return Err(MetadataError::PolicyViolation);
        }
        match &request.assignments {
            None => Ok(vec![Arc::from([self.settings.broker_id]); added]),
            Some(assignments) if assignments.len() != added => {
                Err(AssignmentError::WrongCount { added, assigned: assignments.len() }.into())
            }
            Some(assignments) => {
                let expected = topic.partitions.first().map(|partition| partition.replicas.len());
                Ok(self.check_assignments(assignments.iter().map(Vec::as_slice), expected)?)
            }
        }
    }

    pub(super) fn check_assignments<'a>(
        &self,
        assignments: impl Iterator<Item = &'a [i32]>,
        mut expected: Option<usize>,
    ) -> Result<Shape, AssignmentError> {
        let mut shape = Vec::new();
        for replicas in assignments {
            if replicas.is_empty() {
                return Err(AssignmentError::Empty);
            }
            let mut sorted = replicas.to_vec();
            sorted.sort_unstable();
            if let Some([broker, _]) = sorted.array_windows().find(|[left, right]| left == right) {
                return Err(AssignmentError::RepeatedBroker(*broker));
            }
            if let Some(broker) = replicas.iter().find(|broker| **broker != self.settings.broker_id) {
                return Err(AssignmentError::UnknownBroker(*broker));
            }
            let consistent = *expected.get_or_insert(replicas.len());
            if consistent != replicas.len() {
                return Err(AssignmentError::Inconsistent { found: replicas.len(), expected: consistent });
            }
            shape.push(Arc::from(replicas));
        }
        Ok(shape)
    }

    /// Records of new partitions: one for each run that shares its replicas.
    fn add_partitions(&self, topic: TopicNumber, first: u32, shape: &[Arc<[i32]>], records: &mut Vec<MetadataRecord>) {
        let mut first = first;
        for run in shape.chunk_by(|left, right| left == right) {
            let Some(replicas) = run.first().cloned() else { continue };
            let count = run.len() as u32;
            let logs = (first..first + count).map(|index| self.place(topic.0, index)).collect();
            records.push(MetadataRecord::Partitions { topic, first, replicas, logs, term_base: self.image.term() });
            first += count;
        }
    }

    fn find_topic(&self, reference: &TopicReference) -> Result<&Arc<TopicImage>, MetadataError> {
        match reference {
            TopicReference::Name(name) => {
                self.image.topic(name).ok_or(MetadataError::UnknownTopicOrPartition(UnknownTopic::NotHosted))
            }
            TopicReference::Id(id) => self.image.topic_by_id(*id).ok_or(MetadataError::UnknownTopicId),
        }
    }

    fn unused_id(&self, fresh_id: &mut impl FnMut() -> TopicId) -> TopicId {
        loop {
            let id = fresh_id();
            if id != TopicId::ZERO && self.image.topic_by_id(id).is_none() {
                return id;
            }
        }
    }
}

/// How a topic that a request names more than once is refused: it depends on whether the same name, the same id or both were given.
fn repeated_reference(reference: &TopicReference, is_named_again: bool) -> RequestError {
    match (reference, is_named_again) {
        (TopicReference::Name(_), true) => RequestError::RepeatedTopic,
        (TopicReference::Id(_), true) => RequestError::RepeatedTopicId,
        (_, false) => RequestError::RepeatedByNameAndId,
    }
}
