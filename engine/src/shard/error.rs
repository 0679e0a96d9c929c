//! Owns why an engine does not start: one variant per distinct reaction, each with what a person can do.
//!
//! Plain data.

use std::io;
use std::path::PathBuf;

use corelog_rt::dir::LockError;
use corelog_rt::fatal::Reason;
use corelog_rt::runtime::RunError;
use thiserror::Error;

use crate::ids::{LogId, PartitionKey};
use crate::log::OpenError;
use crate::metadata::batches::BatchesError;
use crate::metadata::codec::RecordError;
use crate::metadata::store::ReplayError;
use crate::metadata::{MetadataError, TopicId};
use crate::partition::SnapshotError;

/// Why an engine does not start.
#[derive(Debug, Error)]
pub enum BootError {
    /// The executors do not start.
    #[error(transparent)]
    Runtime(#[from] RunError),
    /// Another process has the data directory.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The operating system refused something.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// A newer version laid the directory out.
    #[error("{} has layout version {version}: start the newer Corelog that wrote it", file.display())]
    NewerLayout {
        /// The identity file.
        file: PathBuf,
        /// Its version.
        version: u32,
    },
    /// The identity file is damaged.
    #[error("{} is damaged: {what} is missing or unreadable", file.display())]
    IdentityDamaged {
        /// The identity file.
        file: PathBuf,
        /// Which of its lines.
        what: &'static str,
    },
    /// The directory is another broker's.
    #[error("{} belongs to broker {found}, but node.id is {expected}: set node.id to {found} or choose another directory", data_dir.display())]
    OtherBroker {
        /// The data directory.
        data_dir: PathBuf,
        /// Whose it is.
        found: i32,
        /// Who asked.
        expected: i32,
    },
    /// The directory is a Kafka broker's.
    #[error("{} holds the data of an Apache Kafka broker: choose another directory", data_dir.display())]
    KafkaDirectory {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// More logs than there may be.
    #[error("{} holds more logs than {}", data_dir.display(), crate::limits::LOGS_MAX)]
    TooManyLogs {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// A log does not open.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// A log's checkpoint holds what a partition cannot read.
    #[error("log {log}: the checkpoint of partition {key}: {error}")]
    Checkpoint {
        /// The log.
        log: LogId,
        /// The partition.
        key: PartitionKey,
        /// What is wrong.
        error: SnapshotError,
    },
    /// The directory of a log that holds partitions is gone.
    #[error("{} is missing, but topics have partitions in it: put it back", path.display())]
    LogMissing {
        /// Where it was.
        path: PathBuf,
    },
    /// The metadata log cannot be replayed.
    #[error(transparent)]
    MetadataReplay(#[from] ReplayError),
    /// The metadata log cannot be written.
    #[error("the metadata log cannot be written: {0}")]
    MetadataWrite(MetadataError),
    /// Identity and metadata name different clusters.
    #[error(
        "the identity file names cluster {identity}, the metadata log cluster {metadata}: files of two clusters were mixed"
    )]
    OtherCluster {
        /// What the file says.
        identity: TopicId,
        /// What the log says.
        metadata: TopicId,
    },
    /// A shard stopped while the engine started.
    #[error("a shard stopped while the engine started")]
    Stopped,
}

impl BootError {
    /// The reason, and so the exit code, that it stands for.
    pub fn reason(&self) -> Reason {
        match self {
            BootError::Runtime(error) => error.reason(),
            BootError::Locked(LockError::Held { .. }) => Reason::DataDirectoryLocked,
            BootError::Locked(LockError::Io { error, .. }) | BootError::Io { error, .. } => {
                Reason::of_start_error(error)
            }
            BootError::Log(OpenError::Io { error, .. }) => Reason::of_start_error(error),
            BootError::Log(OpenError::Options(_))
            | BootError::OtherBroker { .. }
            | BootError::KafkaDirectory { .. } => Reason::BadConfiguration,
            BootError::Log(OpenError::NewerFormat { .. })
            | BootError::NewerLayout { .. }
            | BootError::Checkpoint { error: SnapshotError::Version { .. }, .. }
            | BootError::MetadataReplay(ReplayError::Batches(BatchesError::Record {
                error: RecordError::NewerVersion(_),
                ..
            })) => Reason::NewerFormat,
            BootError::Log(OpenError::Damaged(_)) | BootError::Checkpoint { .. } => Reason::CorruptSegment,
            BootError::MetadataReplay(_)
            | BootError::LogMissing { .. }
            | BootError::IdentityDamaged { .. }
            | BootError::OtherCluster { .. } => Reason::MetadataInvalid,
            BootError::MetadataWrite(MetadataError::LogFull) => Reason::DiskFullAtStart,
            BootError::MetadataWrite(_) | BootError::TooManyLogs { .. } | BootError::Stopped => Reason::StartFailed,
        }
    }
}
