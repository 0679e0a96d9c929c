//! Owns what takes records away: `DeleteRecords`, `retention.ms` and `retention.bytes`, which move the start up; what compaction obeys; and the
//! expiry of producers.

use super::state::Partition;
use crate::ids::{CommitSequence, Offset};
use crate::log::{AppendRefused, Compaction, Retention};
use thiserror::Error;

/// Why records were not deleted. Codes meant: `OutOfRange` `OFFSET_OUT_OF_RANGE`; `Deleted` `NOT_LEADER_OR_FOLLOWER`; `Log` as for appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DeleteRecordsError {
    /// Beyond the high watermark, or negative.
    #[error("records up to offset {asked} cannot be deleted, {high_watermark} is visible")]
    OutOfRange {
        /// The offset asked for.
        asked: Offset,
        /// The high watermark.
        high_watermark: Offset,
    },
    /// The partition is gone.
    #[error("the partition was deleted")]
    Deleted,
    /// The log does not take it now.
    #[error(transparent)]
    Log(#[from] AppendRefused),
}

impl Partition {
    /// Deletes what lies before `before`, or everything visible if none is given. Gives the partition's start then, and what to wait for
    /// before answering, if anything changed.
    ///
    /// # Errors
    /// [`DeleteRecordsError`]; nothing was changed.
    pub fn delete_records(
        &self,
        before: Option<Offset>,
    ) -> Result<(Offset, Option<CommitSequence>), DeleteRecordsError> {
        let watermarks = self.watermarks();
        if self.state.borrow().is_deleted {
            return Err(DeleteRecordsError::Deleted);
        }
        let before = before.unwrap_or(watermarks.high());
        if before < Offset::ZERO || before > watermarks.high() {
            return Err(DeleteRecordsError::OutOfRange { asked: before, high_watermark: watermarks.high() });
        }
        if before <= watermarks.log_start() {
            return Ok((watermarks.log_start(), None));
        }
        let commit = self.raise_log_start(before)?;
        Ok((before, Some(commit)))
    }

    /// Applies retention as of `now_ms` by the broker's clock, and forgets producers that are idle for too long. Gives the new start if
    /// records went.
    ///
    /// # Errors
    /// [`AppendRefused`]: the next call tries again.
    pub fn retain(&self, now_ms: i64) -> Result<Option<Offset>, AppendRefused> {
        let (settings, high) = {
            let mut state = self.state.borrow_mut();
            if state.is_deleted {
                return Ok(None);
            }
            let expiration_ms = state.settings.producer_expiration_ms;
            state.producers.expire(now_ms, expiration_ms);
            (state.settings, state.watermarks.high())
        };
        if !settings.delete || (settings.retention_ms.is_none() && settings.retention_bytes.is_none()) {
            return Ok(None);
        }
        let retention = Retention {
            before_timestamp_ms: settings.retention_ms.map(|keep_ms| now_ms.saturating_sub(keep_ms)),
            bytes_max: settings.retention_bytes,
        };
        let start = match self.log.expire(self.key(), &retention) {
            Some(start) => start.min(high),
            None => return Ok(None),
        };
        if start <= self.watermarks().log_start() {
            return Ok(None);
        }
        self.raise_log_start(start)?;
        Ok(Some(start))
    }

    /// How long records are kept by their timestamps, in ms; none for ever.
    pub fn retention_ms(&self) -> Option<i64> {
        let settings = self.state.borrow().settings;
        settings.retention_ms.filter(|_| settings.delete)
    }

    /// How it is compacted as of now; none if it is not.
    pub fn compaction(&self) -> Option<Compaction> {
        let state = self.state.borrow();
        let rules = state.settings.compaction.filter(|_| !state.is_deleted)?;
        Some(Compaction { until: state.watermarks.stable(), ..rules })
    }

    /// Tells of the last offset of each idempotent producer.
    pub fn producers_last(&self, out: &mut dyn FnMut(Offset)) {
        let state = self.state.borrow();
        let last = state.producers.sorted().into_iter().filter_map(|(_, producer)| producer.batches.last());
        last.for_each(|batch| out(batch.last_offset));
    }

    fn raise_log_start(&self, start: Offset) -> Result<CommitSequence, AppendRefused> {
        let commit = self.log.log_start(self.key(), start)?;
        let mut state = self.state.borrow_mut();
        state.watermarks.raise_log_start(start);
        state.epochs.forget_before(start);
        Ok(commit)
    }
}
