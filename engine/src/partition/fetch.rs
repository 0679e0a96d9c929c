//! Owns reading from a partition for clients: what they may see, and whole batches of it.

use super::leader_epochs::EpochEnd;
use super::state::Partition;
use crate::ids::{LeaderEpoch, Offset};
use crate::log::{ReadError, ReadRecords};
use thiserror::Error;

/// How far a reader may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Up to the high watermark.
    #[default]
    ReadUncommitted,
    /// Up to the first open transaction.
    ReadCommitted,
}

/// One partition's part of a Fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadRequest {
    /// The first offset wanted; the whole batch that holds it comes.
    pub from: Offset,
    /// The most bytes wanted.
    pub bytes_max: usize,
    /// How far the reader may see.
    pub isolation: Isolation,
    /// Give one whole batch even if it alone has more than `bytes_max`.
    pub at_least_one: bool,
}

/// What a read found.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The batches; empty at the end.
    pub records: ReadRecords,
    /// High watermark as of the read: pass it to [`Partition::watch`].
    pub high_watermark: Offset,
    /// Last stable offset as of the read.
    pub stable: Offset,
    /// Log start as of the read.
    pub log_start: Offset,
}

/// Why nothing can be read. Codes meant: `OutOfRange` `OFFSET_OUT_OF_RANGE`; `Deleted` `NOT_LEADER_OR_FOLLOWER`; `Storage`
/// `KAFKA_STORAGE_ERROR`.
#[derive(Debug, Error)]
pub enum FetchError {
    /// Outside what the partition has.
    #[error("offset {asked} lies outside {log_start} to {end}")]
    OutOfRange {
        /// The offset asked for.
        asked: Offset,
        /// The partition's start.
        log_start: Offset,
        /// The partition's end.
        end: Offset,
    },
    /// The partition is gone.
    #[error("the partition was deleted")]
    Deleted,
    /// The device, or what is on it, is damaged.
    #[error(transparent)]
    Storage(ReadError),
}

/// A client's idea of the leader's term is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EpochError {
    /// The client knows an older term: `FENCED_LEADER_EPOCH`.
    #[error("the client's leader epoch is older")]
    Fenced,
    /// The client knows a newer term: `UNKNOWN_LEADER_EPOCH`.
    #[error("the client's leader epoch is newer")]
    Unknown,
}

impl Partition {
    /// Compares the term that a client believes in; a negative one is not compared.
    ///
    /// # Errors
    /// [`EpochError`].
    pub fn check_epoch(&self, current: LeaderEpoch) -> Result<(), EpochError> {
        let own = self.leader_epoch();
        match current {
            LeaderEpoch(..0) => Ok(()),
            older if older < own => Err(EpochError::Fenced),
            newer if newer > own => Err(EpochError::Unknown),
            _ => Ok(()),
        }
    }

    /// Whether a reader whose last batch was of the term `last_fetched`, and who wants to go on at `from`, has read what is not in this log:
    /// then the end of the last common term.
    ///
    /// # Errors
    /// `OutOfRange` if that cannot be told.
    pub fn diverging(&self, from: Offset, last_fetched: LeaderEpoch) -> Result<Option<EpochEnd>, FetchError> {
        let Some(found) = self.epoch_end(last_fetched) else { return Err(self.out_of_range(from)) };
        Ok((found.leader_epoch < last_fetched || found.end < from).then_some(found))
    }

    /// Where a reader of this isolation stops.
    pub fn visible_end(&self, isolation: Isolation) -> Offset {
        let watermarks = self.watermarks();
        match isolation {
            Isolation::ReadUncommitted => watermarks.high(),
            Isolation::ReadCommitted => watermarks.stable(),
        }
    }

    /// Reads whole batches, none beyond what the reader may see.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn read(&self, request: ReadRequest) -> Result<Fetched, FetchError> {
        let (watermarks, is_deleted) = {
            let state = self.state.borrow();
            (state.watermarks, state.is_deleted)
        };
        if is_deleted {
            return Err(FetchError::Deleted);
        }
        if request.from < watermarks.log_start() || request.from > watermarks.end() {
            return Err(self.out_of_range(request.from));
        }
        let until = self.visible_end(request.isolation);
        let nothing = request.from >= until || (request.bytes_max == 0 && !request.at_least_one);
        let records = if nothing {
            ReadRecords { next_offset: request.from, ..ReadRecords::default() }
        } else {
            self.log
                .read(self.key(), request.from, until, request.bytes_max, request.at_least_one)
                .await
                .map_err(|error| self.read_error(request.from, error))?
        };
        if records.bytes > 0 {
            self.meters.read((records.next_offset.0 - request.from.0).max(0) as u64, records.bytes as u64);
        }
        Ok(Fetched {
            records,
            high_watermark: watermarks.high(),
            stable: watermarks.stable(),
            log_start: watermarks.log_start(),
        })
    }

    /// What a failed read of the log means to a client: it may have raced with retention or deletion.
    pub(super) fn read_error(&self, asked: Offset, error: ReadError) -> FetchError {
        if self.state.borrow().is_deleted {
            return FetchError::Deleted;
        }
        match error {
            ReadError::OutOfRange { .. } => self.out_of_range(asked),
            ReadError::UnknownPartition | ReadError::Damaged(_) | ReadError::Io { .. } => FetchError::Storage(error),
        }
    }

    pub(super) fn out_of_range(&self, asked: Offset) -> FetchError {
        let watermarks = self.watermarks();
        FetchError::OutOfRange { asked, log_start: watermarks.log_start(), end: watermarks.end() }
    }
}
