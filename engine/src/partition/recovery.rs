//! Owns the way back: a partition from a checkpoint and what the log says came after it.
//!
//! The shard's recovery sink keeps one [`PartitionRecovery`] per partition, feeds it in the order of the log, and finishes them once the log is
//! open: then everything that was found is durable. A crash leaves nothing else to repair here.

use super::leader_epochs::LeaderEpochs;
use super::producers::Producers;
use super::settings::PartitionSettings;
use super::snapshot::{self, SnapshotError};
use super::state::{Partition, State};
use super::watermarks::Watermarks;
use crate::batch::BatchHeader;
use crate::ids::{CommitSequence, LeaderEpoch, Offset, PartitionKey};
use crate::log::ShardLog;

/// A partition on its way back.
#[derive(Clone, Debug, Default)]
pub struct PartitionRecovery {
    log_start: Offset,
    end: Offset,
    epochs: LeaderEpochs,
    producers: Producers,
    /// The broker's clock when recovery began: what the expiry of replayed producers counts from.
    now_ms: i64,
}

impl PartitionRecovery {
    /// A partition that no checkpoint knows: it begins with its first batch.
    pub fn new(now_ms: i64) -> PartitionRecovery {
        PartitionRecovery { now_ms, ..PartitionRecovery::default() }
    }

    /// A partition as a checkpoint has it; `state` is what [`Partition::snapshot`] gave, or empty.
    ///
    /// # Errors
    /// [`SnapshotError`] if a newer version wrote it, or it is malformed.
    pub fn from_checkpoint(
        log_start: Offset,
        end: Offset,
        state: &[u8],
        now_ms: i64,
    ) -> Result<PartitionRecovery, SnapshotError> {
        let (epochs, producers) = if state.is_empty() { Default::default() } else { snapshot::decode(state)? };
        Ok(PartitionRecovery { log_start, end, epochs, producers, now_ms })
    }

    /// A batch came after.
    pub fn batch(&mut self, header: &BatchHeader) {
        self.end = self.end.max(header.next_offset());
        self.epochs.assign(header.leader_epoch, header.base_offset);
        self.producers.remember(header, CommitSequence(0), self.now_ms);
    }

    /// The start moved up.
    pub fn log_start(&mut self, offset: Offset) {
        self.log_start = self.log_start.max(offset);
        self.epochs.forget_before(self.log_start);
    }

    /// The end moved down.
    pub fn truncate(&mut self, to: Offset) {
        self.end = self.end.min(to);
        self.epochs.forget_from(to);
        self.producers.forget_from(to);
    }

    /// The partition, of which everything is durable. It goes on in the term that it last knew, until
    /// [`Partition::become_leader`].
    pub fn finish(mut self, key: PartitionKey, log: ShardLog, settings: PartitionSettings) -> Partition {
        self.producers.expire(self.now_ms, settings.producer_expiration_ms);
        // A partition may be empty with a start beyond its last batch only if both moved together.
        let end = self.end.max(self.log_start);
        let watermarks = Watermarks::settled(self.log_start, end);
        Partition::with_state(key, log, State::new(watermarks, self.epochs, self.producers, settings))
    }

    /// Where it ends so far.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// Its latest term so far.
    pub fn leader_epoch(&self) -> Option<LeaderEpoch> {
        self.epochs.latest()
    }
}
