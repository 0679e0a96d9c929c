//! Owns the judgement over one idempotent producer's batches: next, again, or out of order.
//!
//! The rules are Kafka's. A producer that is not known (it never wrote here, expired, or was forgotten) may begin with any sequence.

use crate::batch::BatchHeader;
use crate::batch::header::NO_SEQUENCE;
use crate::ids::{CommitSequence, Offset};
use crate::limits::PRODUCER_BATCHES_MAX;
use smallvec::SmallVec;
use thiserror::Error;

/// One batch of a producer, remembered to answer it once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerBatch {
    /// Sequence of its last record.
    pub last_sequence: i32,
    /// Offset of its last record.
    pub last_offset: Offset,
    /// Last offset minus first.
    pub offset_delta: i32,
    /// Its largest timestamp in ms.
    pub timestamp_ms: i64,
    /// The commit that holds it; 0 for one that was recovered, which is durable.
    pub commit: CommitSequence,
}

impl ProducerBatch {
    /// Sequence of its first record.
    pub fn first_sequence(&self) -> i32 {
        let first = i64::from(self.last_sequence) - i64::from(self.offset_delta);
        if first < 0 { (first + i64::from(i32::MAX) + 1) as i32 } else { first as i32 }
    }

    /// Offset of its first record.
    pub fn first_offset(&self) -> Offset {
        self.last_offset.plus(-i64::from(self.offset_delta))
    }
}

/// What a partition knows of one producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerState {
    /// Its epoch: a lower one is fenced.
    pub epoch: i16,
    /// Epoch of the transaction coordinator that last ended one of its transactions, -1 if none did.
    pub coordinator_epoch: i32,
    /// Largest timestamp of its last batch, in ms.
    pub last_timestamp_ms: i64,
    /// When it last wrote by the broker's clock, in ms: what its expiry counts from.
    pub seen_ms: i64,
    /// Its last batches of this epoch, oldest first, at most five.
    pub batches: SmallVec<[ProducerBatch; 1]>,
}

/// What a batch is to its producer's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sequenced {
    /// The one that is due, or one without a producer: append it.
    Next,
    /// One that is there already: answer with where it is, once its commit is as durable as was asked for.
    Duplicate(ProducerBatch),
}

/// Why a producer's batch is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProducerError {
    /// A newer instance of the producer has written.
    #[error("producer epoch {found} is older than {known}")]
    StaleEpoch {
        /// The batch's epoch.
        found: i16,
        /// The newest that wrote.
        known: i16,
    },
    /// Not the sequence that is due.
    #[error("sequence {found} does not follow {last}")]
    OutOfOrder {
        /// The batch's first sequence.
        found: i32,
        /// The last one appended, -1 if the epoch is new.
        last: i32,
    },
    /// Part of a transaction that the partition does not know to be open.
    #[error("batch is not part of an open transaction")]
    NoTransaction,
}

impl ProducerState {
    /// Judges a batch with a producer id and a checked header.
    ///
    /// # Errors
    /// [`ProducerError`].
    pub fn judge(&self, header: &BatchHeader) -> Result<Sequenced, ProducerError> {
        let (epoch, first) = (header.producer_epoch, header.base_sequence);
        if epoch == self.epoch {
            let last_sequence = header.last_sequence();
            let again =
                |batch: &&ProducerBatch| batch.last_sequence == last_sequence && batch.first_sequence() == first;
            if let Some(batch) = self.batches.iter().find(again) {
                return Ok(Sequenced::Duplicate(*batch));
            }
            let last = self.batches.last().map_or(NO_SEQUENCE, |batch| batch.last_sequence);
            let follows = i64::from(first) == i64::from(last) + 1 || (first == 0 && last == i32::MAX);
            return if follows { Ok(Sequenced::Next) } else { Err(ProducerError::OutOfOrder { found: first, last }) };
        }
        if epoch < self.epoch {
            return Err(ProducerError::StaleEpoch { found: epoch, known: self.epoch });
        }
        if first == 0 {
            Ok(Sequenced::Next)
        } else {
            Err(ProducerError::OutOfOrder { found: first, last: NO_SEQUENCE })
        }
    }

    /// Remembers a batch that was appended.
    pub fn remember(&mut self, epoch: i16, batch: ProducerBatch, seen_ms: i64) {
        if epoch != self.epoch {
            self.epoch = epoch;
            self.batches.clear();
        }
        if self.batches.len() >= PRODUCER_BATCHES_MAX {
            self.batches.remove(0);
        }
        self.batches.push(batch);
        self.last_timestamp_ms = batch.timestamp_ms;
        self.seen_ms = seen_ms;
    }
}
