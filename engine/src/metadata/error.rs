//! Owns why the state machine refuses a command: one variant for each Kafka error code that a handler answers, with its message.
//!
//! Plain data.

use thiserror::Error;

use super::credentials::CredentialError;
use super::features::FeatureError;
use super::name::TopicNameError;
use super::quotas::QuotaError;
use crate::config::ConfigError;

/// Why a command is refused. `Display` is the message that goes to the client.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MetadataError {
    /// The topic's name breaks a rule.
    #[error(transparent)]
    InvalidTopic(#[from] TopicNameError),
    /// There is such a topic.
    #[error("Topic '{0}' already exists.")]
    TopicAlreadyExists(String),
    /// There is no such topic or partition.
    #[error("{0}")]
    UnknownTopicOrPartition(UnknownTopic),
    /// No topic has this id.
    #[error("This server does not host this topic ID.")]
    UnknownTopicId,
    /// The partition count cannot be.
    #[error(transparent)]
    InvalidPartitions(#[from] PartitionCountError),
    /// The replication factor cannot be.
    #[error(transparent)]
    InvalidReplicationFactor(#[from] ReplicationFactorError),
    /// The manual assignment cannot be.
    #[error(transparent)]
    InvalidReplicaAssignment(#[from] AssignmentError),
    /// A topic's or group's config is invalid.
    #[error(transparent)]
    InvalidConfig(ConfigRefusal),
    /// The request contradicts itself, or a broker's config is invalid.
    #[error(transparent)]
    InvalidRequest(RequestError),
    /// The request asks for more than one command may do.
    #[error("Excessively large number of partitions per request.")]
    PolicyViolation,
    /// `delete.topic.enable` is false.
    #[error("Topic deletion is disabled.")]
    TopicDeletionDisabled,
    /// A user's credentials cannot be changed so.
    #[error(transparent)]
    Credential(CredentialError),
    /// No leader is elected.
    #[error(transparent)]
    Election(ElectionError),
    /// There is no reassignment to call off.
    #[error("No partition reassignment is in progress.")]
    NoReassignmentInProgress,
    /// A feature's level cannot be changed so.
    #[error("No feature was changed, because of one: {0}")]
    InvalidUpdateVersion(FeatureError),
    /// There is no such broker.
    #[error("Broker ID {0} is not currently registered")]
    BrokerNotRegistered(i32),
    /// The metadata log cannot take the command now: the disk is full.
    #[error("The metadata log cannot be written at the moment: the disk is full.")]
    LogFull,
    /// The command's records for one resource are more than the log takes in one piece.
    #[error("The request changes more at once than the metadata log takes in one piece.")]
    CommandTooLarge,
    /// The broker is stopping.
    #[error("The broker is stopping.")]
    Stopping,
}

/// How an unknown topic was asked for; the message says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnknownTopic {
    /// For its partitions or its deletion.
    NotHosted,
    /// For its configs, by this name.
    NoConfigs(String),
}

impl std::fmt::Display for UnknownTopic {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            UnknownTopic::NotHosted => out.write_str("This server does not host this topic-partition."),
            UnknownTopic::NoConfigs(name) => write!(out, "The topic '{name}' does not exist."),
        }
    }
}

/// What is wrong with a partition count.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PartitionCountError {
    /// It is not positive.
    #[error("Number of partitions was set to an invalid non-positive value.")]
    NotPositive,
    /// The topic has this many.
    #[error("Topic already has {0} partition(s).")]
    Unchanged(usize),
    /// The topic has more.
    #[error("The topic {topic} currently has {current} partition(s); {wanted} would not be an increase.")]
    NotAnIncrease {
        /// The topic.
        topic: String,
        /// How many it has.
        current: usize,
        /// How many were asked for.
        wanted: i32,
    },
}

/// What is wrong with a replication factor.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReplicationFactorError {
    /// It is not positive.
    #[error("Replication factor must be larger than 0, or -1 to use the default value.")]
    NotPositive,
    /// A reassignment that must not change it would.
    #[error("The replication factor is changed from {current} to {target}")]
    Changed {
        /// Replicas of the partition.
        current: usize,
        /// Replicas of the reassignment.
        target: usize,
    },
    /// There are not as many brokers.
    #[error(
        "Unable to replicate the partition {factor} time(s): The target replication factor of {factor} cannot be reached because only \
         {brokers} broker(s) are registered or some brokers have all their log directories cordoned."
    )]
    TooFewBrokers {
        /// The factor.
        factor: i32,
        /// How many brokers there are.
        brokers: usize,
    },
}

/// Why no leader is elected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ElectionError {
    /// The partition has the leader that is wanted.
    #[error("Leader election not needed for topic partition.")]
    NotNeeded,
    /// The first replica is not there.
    #[error("The preferred leader was not available.")]
    PreferredLeaderNotAvailable,
    /// No replica is there.
    #[error("Eligible topic partition leaders are not available.")]
    EligibleLeadersNotAvailable,
}

/// What is wrong with a manual assignment.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AssignmentError {
    /// Partitions are left out.
    #[error("partitions should be a consecutive 0-based integer sequence")]
    NotConsecutive,
    /// A partition comes twice.
    #[error("Found multiple manual partition assignments for partition {0}")]
    Repeated(i32),
    /// A partition has no replica.
    #[error("The manual partition assignment includes an empty replica list.")]
    Empty,
    /// A partition lies twice on one broker.
    #[error("The manual partition assignment includes the broker {0} more than once.")]
    RepeatedBroker(i32),
    /// There is no such broker.
    #[error("The manual partition assignment includes broker {0}, but no such broker is registered.")]
    UnknownBroker(i32),
    /// The partitions differ in their number of replicas.
    #[error(
        "The manual partition assignment includes a partition with {found} replica(s), but this is not consistent with previous \
         partitions, which have {expected} replica(s)."
    )]
    Inconsistent {
        /// Replicas of the partition.
        found: usize,
        /// Replicas of those before it.
        expected: usize,
    },
    /// There are more or fewer assignments than new partitions.
    #[error("Attempted to add {added} additional partition(s), but only {assigned} assignment(s) were specified.")]
    WrongCount {
        /// New partitions.
        added: usize,
        /// Assignments.
        assigned: usize,
    },
}

/// Why a config change is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigRefusal {
    /// A name or value is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Topic configs without a value.
    #[error("Null value not supported for topic configs: {0}")]
    NullValues(String),
    /// Appending to, or subtracting from, what is no list.
    #[error("Can't {operation} to key {name} because its type is not LIST.")]
    NotAList {
        /// `APPEND` or `SUBTRACT`.
        operation: &'static str,
        /// The config.
        name: String,
    },
}

/// What is wrong with a request as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// A topic's name comes twice.
    #[error("Duplicate topic name.")]
    RepeatedTopic,
    /// A topic's id comes twice.
    #[error("Duplicate topic id.")]
    RepeatedTopicId,
    /// A topic comes by name and by id.
    #[error("The provided topic name maps to an ID that was already supplied.")]
    RepeatedByNameAndId,
    /// A name of the broker's own.
    #[error("Creation of internal topic {0} is prohibited.")]
    InternalTopic(&'static str),
    /// An assignment and a replication factor.
    #[error("A manual partition assignment was specified, but replication factor was not set to -1.")]
    AssignmentWithFactor,
    /// An assignment and a partition count.
    #[error("A manual partition assignment was specified, but numPartitions was not set to -1.")]
    AssignmentWithCount,
    /// A resource comes twice.
    #[error("Each resource must appear at most once.")]
    RepeatedResource,
    /// A config comes twice.
    #[error("Error due to duplicate config keys")]
    RepeatedConfig,
    /// Configs without a value.
    #[error("Null value not supported for : {0}")]
    NullValues(String),
    /// Configs for all topics, which do not exist.
    #[error("Default topic resources are not allowed.")]
    DefaultTopic,
    /// Configs for all groups, which do not exist.
    #[error("Default group resources are not allowed.")]
    DefaultGroup,
    /// A subscription without a name.
    #[error("Subscription name can't be empty")]
    NamelessSubscription,
    /// The broker's name is no number.
    #[error("Node id must be an integer, but it is: {0}")]
    BrokerNotANumber(String),
    /// Another broker's name.
    #[error("Unexpected broker id, expected {expected}, but received {found}")]
    OtherBroker {
        /// This broker.
        expected: i32,
        /// The one asked for.
        found: String,
    },
    /// Quotas are wrong.
    #[error(transparent)]
    Quota(#[from] QuotaError),
    /// A broker's or subscription's config is invalid, which Kafka answers with this code.
    #[error(transparent)]
    Config(#[from] ConfigError),
}
