//! Owns the way of a client's batch into the log: judge it, copy it once with its checksum, give it its offset.

use super::producer::{ProducerBatch, ProducerError, Sequenced};
use super::settings::PartitionSettings;
use super::state::Partition;
use crate::batch::record::record_bytes;
use crate::batch::validate::{check_envelope, check_header, check_record_bytes, check_records, check_size, only_batch};
use crate::batch::{BatchError, BatchHeader, Rules, TimestampType, copy_checked, patch, recompress, verify_checksum};
use crate::ids::{CommitSequence, LeaderEpoch, Offset};
use crate::limits::DECOMPRESSED_BYTES_MAX;
use crate::log::{AppendRefused, BatchMeta};
use std::borrow::Cow;
use thiserror::Error;

/// A batch that is in the log, or was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Offset of its first record.
    pub base_offset: Offset,
    /// Offset of its last record.
    pub last_offset: Offset,
    /// The broker's stamp in ms if the topic uses it, else -1; of a duplicate the timestamp of the original, as Kafka gives it.
    pub log_append_time_ms: i64,
    /// The partition's start as of now.
    pub log_start: Offset,
    /// What to wait for before answering; of a duplicate the commit of the original, which may still be on its way.
    pub commit: CommitSequence,
    /// It was there before, nothing was appended.
    pub is_duplicate: bool,
}

/// Why nothing was appended.
///
/// The Kafka code meant for each: `Batch` by [`BatchError`] (`Checksum`, `Length`, `UnknownFormat` `CORRUPT_MESSAGE`; `TooLarge`
/// `MESSAGE_TOO_LARGE`; `Timestamp`, `TimestampType` `INVALID_TIMESTAMP`; `OldFormat` `UNSUPPORTED_FOR_MESSAGE_FORMAT`;
/// `Invalid(UnknownCodec)` `UNSUPPORTED_COMPRESSION_TYPE`; all others `INVALID_RECORD`); `Producer` by [`ProducerError`] (`OutOfOrder`
/// `OUT_OF_ORDER_SEQUENCE_NUMBER`; `StaleEpoch` `INVALID_PRODUCER_EPOCH`; `NoTransaction` `INVALID_TXN_STATE`); `Log` by [`AppendRefused`]
/// (`Busy` is no answer: wait for admission and append again; `DiskFull` `KAFKA_STORAGE_ERROR`; `TooLarge` `RECORD_LIST_TOO_LARGE`; `Closed`
/// `NOT_LEADER_OR_FOLLOWER`); `Deleted` `NOT_LEADER_OR_FOLLOWER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AppendError {
    /// The batch is not acceptable.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// Its producer's history forbids it.
    #[error(transparent)]
    Producer(#[from] ProducerError),
    /// The log does not take it now.
    #[error(transparent)]
    Log(#[from] AppendRefused),
    /// The partition is gone.
    #[error("the partition was deleted")]
    Deleted,
}

impl Partition {
    /// Appends the one batch that a Produce request carries for this partition, at `now_ms` by the broker's clock. Its order among all appends is
    /// fixed when this returns; then wait with [`Partition::committed`].
    ///
    /// # Errors
    /// [`AppendError`]; nothing was changed.
    pub fn append(&self, records: &[u8], now_ms: i64) -> Result<Appended, AppendError> {
        let (settings, log_start) = {
            let state = self.state.borrow();
            if state.is_deleted {
                return Err(AppendError::Deleted);
            }
            (state.settings, state.watermarks.log_start())
        };
        let (header, batch) = only_batch(records)?;
        check_envelope(&header, &settings.rules)?;
        match self.judge(&header) {
            Ok(Sequenced::Next) => {}
            // What a header says means nothing before its checksum is right; on the way of a good batch the copy finds that out.
            Ok(Sequenced::Duplicate(original)) => {
                verify_checksum(&header, batch)?;
                return Ok(answer_duplicate(&original, log_start));
            }
            Err(error) => {
                verify_checksum(&header, batch)?;
                return Err(error);
            }
        }
        let (stored, rules) = stored_form(&header, batch, &settings, now_ms)?;
        let header = if matches!(stored, Cow::Borrowed(_)) { header } else { BatchHeader::parse(&stored)? };
        self.append_judged(&header, &stored, rules.as_ref(), now_ms)
    }

    /// Header and producer. Appends of transactions wait for the transaction coordinator, which does not exist yet.
    fn judge(&self, header: &BatchHeader) -> Result<Sequenced, AppendError> {
        check_header(header)?;
        let sequenced = self.state.borrow().producers.judge(header)?;
        if sequenced == Sequenced::Next && header.attributes.is_transactional() {
            return Err(ProducerError::NoTransaction.into());
        }
        Ok(sequenced)
    }

    fn append_judged(
        &self,
        header: &BatchHeader,
        stored: &[u8],
        rules: Option<&Rules>,
        now_ms: i64,
    ) -> Result<Appended, AppendError> {
        let (base_offset, leader_epoch, timestamp_type) = {
            let state = self.state.borrow();
            (state.watermarks.end(), state.leader_epoch, state.settings.rules.timestamp_type)
        };
        let stamp_ms = (timestamp_type == TimestampType::LogAppendTime).then_some(now_ms);
        let mut appended = *header;
        let commit = self.log.append(self.key(), stored.len(), |target| {
            copy_checked(header, stored, target)?;
            let records_max_ms = match rules {
                Some(rules) => check_records(header, target, rules, now_ms)?,
                None => header.max_timestamp_ms,
            };
            finish(target, &mut appended, stamp_ms, records_max_ms, base_offset, leader_epoch);
            Ok::<BatchMeta, AppendError>(BatchMeta {
                base_offset,
                last_offset: appended.last_offset(),
                max_timestamp_ms: appended.max_timestamp_ms,
                leader_epoch,
            })
        })?;
        let mut state = self.state.borrow_mut();
        state.watermarks.append_to(appended.next_offset());
        state.epochs.assign(leader_epoch, base_offset);
        self.meters.appended((appended.last_offset().0 - base_offset.0 + 1) as u64, stored.len() as u64);
        state.producers.remember(&appended, commit, now_ms);
        state.add_pending(commit, appended.last_offset(), stored.len());
        Ok(Appended {
            base_offset,
            last_offset: appended.last_offset(),
            log_append_time_ms: stamp_ms.unwrap_or(-1),
            log_start: state.watermarks.log_start(),
            commit,
            is_duplicate: false,
        })
    }
}

/// What is written: the client's batch, or the same records with the topic's codec. Rules come along if the records are still to be checked.
fn stored_form<'a>(
    header: &BatchHeader,
    batch: &'a [u8],
    settings: &PartitionSettings,
    now_ms: i64,
) -> Result<(Cow<'a, [u8]>, Option<Rules>), AppendError> {
    let rules = settings.rules;
    let compression = match settings.compression {
        Some(compression) if compression.codec != header.attributes.codec()? => compression,
        _ => return Ok((Cow::Borrowed(batch), Some(rules))),
    };
    verify_checksum(header, batch)?;
    let records = record_bytes(header, batch, DECOMPRESSED_BYTES_MAX)?;
    check_record_bytes(header, &records, &rules, now_ms)?;
    let repacked = recompress(header, batch, &records, compression)?;
    check_size(repacked.len(), &rules)?;
    Ok((Cow::Owned(repacked), None))
}

/// Gives a copied batch its place, and its stamp where that differs from the client's.
fn finish(
    target: &mut [u8],
    header: &mut BatchHeader,
    stamp_ms: Option<i64>,
    records_max_ms: i64,
    base_offset: Offset,
    leader_epoch: LeaderEpoch,
) {
    patch::assign(target, base_offset, leader_epoch);
    let max_timestamp_ms = stamp_ms.unwrap_or(records_max_ms);
    if stamp_ms.is_some() {
        patch::stamp(target, header.attributes, TimestampType::LogAppendTime, max_timestamp_ms);
    } else if records_max_ms != header.max_timestamp_ms {
        patch::stamp(target, header.attributes, TimestampType::CreateTime, max_timestamp_ms);
    }
    header.max_timestamp_ms = max_timestamp_ms;
    header.base_offset = base_offset;
    header.leader_epoch = leader_epoch;
}

fn answer_duplicate(original: &ProducerBatch, log_start: Offset) -> Appended {
    Appended {
        base_offset: original.first_offset(),
        last_offset: original.last_offset,
        log_append_time_ms: original.timestamp_ms,
        log_start,
        commit: original.commit,
        is_duplicate: true,
    }
}
