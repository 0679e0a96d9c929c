//! Owns the commands that move partitions: elections of leaders, reassignments to other brokers, the departure of a broker.
//!
//! Pure functions of the state, on shard 0. While there is one broker, every replica that a partition may be given is there already, so a
//! reassignment that is accepted is complete with its record, and none is ever in progress.

use std::sync::Arc;

use super::error::{ElectionError, MetadataError, ReplicationFactorError, UnknownTopic};
use super::image::{PartitionImage, TopicImage};
use super::record::MetadataRecord;
use super::state::{Decision, MetadataState};

/// How a leader is elected, with Kafka's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElectionType {
    /// The first replica, if it is in sync.
    Preferred = 0,
    /// Any replica, where no leader is left.
    Unclean = 1,
}

impl ElectionType {
    /// The type that Kafka numbers so.
    pub fn from_number(number: i8) -> Option<ElectionType> {
        match number {
            0 => Some(ElectionType::Preferred),
            1 => Some(ElectionType::Unclean),
            _ => None,
        }
    }
}

/// The partitions of one topic for which something is wanted.
#[derive(Clone, Debug)]
pub struct TopicPartitions<P> {
    /// The topic.
    pub topic: String,
    /// What is wanted of which partition.
    pub partitions: Vec<P>,
}

/// Where a partition shall lie.
#[derive(Clone, Debug)]
pub struct Reassignment {
    /// The partition.
    pub partition: i32,
    /// The brokers, the preferred leader first; `None` calls a reassignment off.
    pub replicas: Option<Vec<i32>>,
}

/// One answer for each partition of each topic, in the order of the request.
pub type PartitionResults = Vec<Vec<Result<(), MetadataError>>>;

impl MetadataState {
    /// Elects leaders.
    pub fn elect_leaders(&self, kind: ElectionType, topics: &[TopicPartitions<i32>]) -> Decision<PartitionResults> {
        let elect = |topic: &str, partition: i32| {
            let (_, partition) = self.find_partition(topic, partition)?;
            let is_led = partition.leader() == self.settings.broker_id;
            Err(MetadataError::Election(match (is_led, kind) {
                (true, _) => ElectionError::NotNeeded,
                // The only broker that runs holds no replica.
                (false, ElectionType::Preferred) => ElectionError::PreferredLeaderNotAvailable,
                (false, ElectionType::Unclean) => ElectionError::EligibleLeadersNotAvailable,
            }))
        };
        let topic = |wanted: &TopicPartitions<i32>| {
            wanted.partitions.iter().map(|partition| elect(&wanted.topic, *partition)).collect()
        };
        Decision { records: Vec::new(), answer: topics.iter().map(topic).collect() }
    }

    /// Moves partitions to other brokers, or calls such moves off. `may_resize` allows another number of replicas.
    pub fn reassign_partitions(
        &self,
        topics: &[TopicPartitions<Reassignment>],
        may_resize: bool,
    ) -> Decision<PartitionResults> {
        let mut records = Vec::new();
        let mut reassign = |topic: &str, wanted: &Reassignment| {
            let (topic, partition) = self.find_partition(topic, wanted.partition)?;
            let replicas = wanted.replicas.as_ref().ok_or(MetadataError::NoReassignmentInProgress)?;
            self.check_assignments(std::iter::once(replicas.as_slice()), None)?;
            let (current, target) = (partition.replicas.len(), replicas.len());
            if current != target && !may_resize {
                return Err(ReplicationFactorError::Changed { current, target }.into());
            }
            if *partition.replicas != **replicas {
                records.push(MetadataRecord::Replicas {
                    topic: topic.number,
                    partition: wanted.partition.unsigned_abs(),
                    replicas: Arc::from(replicas.as_slice()),
                });
            }
            Ok(())
        };
        let mut topic = |wanted: &TopicPartitions<Reassignment>| {
            wanted.partitions.iter().map(|partition| reassign(&wanted.topic, partition)).collect()
        };
        let answer = topics.iter().map(&mut topic).collect();
        Decision { records, answer }
    }

    /// Forgets a broker. This very broker registers again as soon as it is forgotten, because it runs: nothing changes.
    pub fn unregister_broker(&self, broker: i32) -> Decision<Result<(), MetadataError>> {
        if !self.image.brokers().contains(&broker) {
            return Decision { records: Vec::new(), answer: Err(MetadataError::BrokerNotRegistered(broker)) };
        }
        let is_running = broker == self.settings.broker_id;
        let records = if is_running { Vec::new() } else { vec![MetadataRecord::BrokerUnregistered { broker }] };
        Decision { records, answer: Ok(()) }
    }

    fn find_partition(&self, name: &str, index: i32) -> Result<(&Arc<TopicImage>, &PartitionImage), MetadataError> {
        let unknown = || MetadataError::UnknownTopicOrPartition(UnknownTopic::NotHosted);
        let topic = self.image.topic(name).ok_or_else(unknown)?;
        Ok((topic, topic.partition(index).ok_or_else(unknown)?))
    }
}
