//! Owns what the logs tell while they are opened: each partition's state as far as its log knows it.
//!
//! Filled by the logs' recovery, emptied when the metadata image says which partitions there are. The metadata log's own entries are left
//! to the controller, which reads them from the log.

use corelog_rt::map::HashMap;

use super::error::BootError;
use crate::batch::BatchHeader;
use crate::ids::{LeaderEpoch, LogId, Offset, PartitionKey};
use crate::log::{CheckpointedPartition, RecoverySink};
use crate::metadata::METADATA_KEY;
use crate::partition::{PartitionRecovery, SnapshotError};

/// The partitions that one log told of.
pub(super) struct Recovering {
    found: HashMap<PartitionKey, PartitionRecovery>,
    now_ms: i64,
    /// The first checkpointed state that could not be read.
    error: Option<(PartitionKey, SnapshotError)>,
}

impl Recovering {
    /// Nothing was told yet, at `now_ms`.
    pub(super) fn new(now_ms: i64) -> Recovering {
        Recovering { found: HashMap::default(), now_ms, error: None }
    }

    /// Whether everything could be read.
    pub(super) fn check(&mut self, log: LogId) -> Result<(), BootError> {
        match self.error.take() {
            Some((key, error)) => Err(BootError::Checkpoint { log, key, error }),
            None => Ok(()),
        }
    }

    /// What was found of a partition.
    pub(super) fn take(&mut self, key: PartitionKey) -> Option<PartitionRecovery> {
        self.found.remove(&key)
    }

    fn of(&mut self, key: PartitionKey) -> Option<&mut PartitionRecovery> {
        let now_ms = self.now_ms;
        (key != METADATA_KEY).then(|| self.found.entry(key).or_insert_with(|| PartitionRecovery::new(now_ms)))
    }
}

impl RecoverySink for Recovering {
    fn checkpoint(&mut self, partition: &CheckpointedPartition, state: &[u8]) {
        let CheckpointedPartition { key, log_start, end, .. } = *partition;
        if key == METADATA_KEY {
            return;
        }
        match PartitionRecovery::from_checkpoint(log_start, end, state, self.now_ms) {
            Ok(recovery) => drop(self.found.insert(key, recovery)),
            Err(error) => drop(self.error.get_or_insert((key, error))),
        }
    }

    fn batch(&mut self, key: PartitionKey, header: &BatchHeader) {
        if let Some(recovery) = self.of(key) {
            recovery.batch(header);
        }
    }

    fn log_start(&mut self, key: PartitionKey, offset: Offset) {
        if let Some(recovery) = self.of(key) {
            recovery.log_start(offset);
        }
    }

    fn truncate(&mut self, key: PartitionKey, to: Offset, _leader_epoch: LeaderEpoch) {
        if let Some(recovery) = self.of(key) {
            recovery.truncate(to);
        }
    }

    fn delete(&mut self, key: PartitionKey) {
        self.found.remove(&key);
    }
}
