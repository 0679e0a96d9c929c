//! Owns the answers to `ListOffsets`: the ends of a partition, and records by their timestamps.

use super::fetch::{FetchError, Isolation};
use super::state::Partition;
use crate::batch::header::NO_TIMESTAMP;
use crate::batch::{BatchHeader, Batches, Records, record_bytes};
use crate::ids::{LeaderEpoch, Offset};
use crate::limits::{DECOMPRESSED_BYTES_MAX, TIMESTAMP_SCAN_BYTES};
use crate::log::ReadError;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSpec {
    /// -1: where a reader stops.
    Latest,
    /// -2: the first offset.
    Earliest,
    /// -3: the first record that has the largest timestamp.
    MaxTimestamp,
    /// -4: the first offset on local disks, which is the first.
    EarliestLocal,
    /// -5: the last offset in remote storage, of which there is none.
    LatestTiered,
    /// -6: the first offset on its way to remote storage, of which there is none.
    EarliestPendingUpload,
    /// The first record with at least this timestamp in ms.
    AtOrAfter(i64),
}

impl OffsetSpec {
    /// What the protocol's timestamp field asks for; none for a negative number without meaning.
    pub fn from_timestamp(timestamp: i64) -> Option<OffsetSpec> {
        Some(match timestamp {
            -1 => OffsetSpec::Latest,
            -2 => OffsetSpec::Earliest,
            -3 => OffsetSpec::MaxTimestamp,
            -4 => OffsetSpec::EarliestLocal,
            -5 => OffsetSpec::LatestTiered,
            -6 => OffsetSpec::EarliestPendingUpload,
            0.. => OffsetSpec::AtOrAfter(timestamp),
            _ => return None,
        })
    }
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundOffset {
    /// The offset; -1 for none.
    pub offset: Offset,
    /// The record's timestamp in ms; -1 where an end was asked for, or none found.
    pub timestamp_ms: i64,
    /// The term of the record, or of the end.
    pub leader_epoch: Option<LeaderEpoch>,
}

impl FoundOffset {
    /// Nothing.
    pub const NONE: FoundOffset = FoundOffset { offset: Offset(-1), timestamp_ms: NO_TIMESTAMP, leader_epoch: None };
}

impl Partition {
    /// Looks up an offset. Reads at most the batches that may hold the record, decompressing one.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn list_offset(&self, spec: OffsetSpec, isolation: Isolation) -> Result<FoundOffset, FetchError> {
        if self.state.borrow().is_deleted {
            return Err(FetchError::Deleted);
        }
        let until = self.visible_end(isolation);
        match spec {
            OffsetSpec::Latest => Ok(end_found(until, Some(self.leader_epoch()))),
            OffsetSpec::Earliest | OffsetSpec::EarliestLocal => {
                let state = self.state.borrow();
                let log_start = state.watermarks.log_start();
                Ok(end_found(log_start, state.epochs.at(log_start)))
            }
            OffsetSpec::LatestTiered | OffsetSpec::EarliestPendingUpload => {
                Ok(end_found(Offset(-1), Some(LeaderEpoch::UNKNOWN)))
            }
            OffsetSpec::MaxTimestamp => {
                let found = self.log.batch_with_max_timestamp(self.key(), until).await;
                match self.looked_up(found)? {
                    None => Ok(FoundOffset::NONE),
                    Some(batch) => self.first_record(batch.base_offset, batch.max_timestamp_ms, until).await,
                }
            }
            OffsetSpec::AtOrAfter(timestamp_ms) => {
                let found = self.log.first_batch_at_or_after(self.key(), timestamp_ms, until).await;
                match self.looked_up(found)? {
                    None => Ok(FoundOffset::NONE),
                    Some(batch) => self.first_record(batch.base_offset, timestamp_ms, until).await,
                }
            }
        }
    }

    /// A partition that was never written is not known to the log: it holds nothing.
    fn looked_up<T>(&self, found: Result<Option<T>, ReadError>) -> Result<Option<T>, FetchError> {
        match found {
            Err(ReadError::UnknownPartition) => Ok(None),
            other => other.map_err(|error| self.read_error(Offset::ZERO, error)),
        }
    }

    /// The first record from the batch at `from` on that is not before the log start and has at least this timestamp. That is in the first
    /// batch, unless the log start lies inside it.
    async fn first_record(&self, from: Offset, timestamp_ms: i64, until: Offset) -> Result<FoundOffset, FetchError> {
        let mut next = from.max(self.watermarks().log_start());
        // One batch at first, whatever its size.
        let mut bytes_max = 1;
        while next < until {
            let read = self.log.read(self.key(), next, until, bytes_max, true).await;
            bytes_max = TIMESTAMP_SCAN_BYTES;
            let read = read.map_err(|error| self.read_error(next, error))?;
            if read.next_offset <= next {
                break;
            }
            let joined;
            let bytes: &[u8] = if let [only] = read.slices.as_slice() {
                only
            } else {
                joined = read.slices.concat();
                &joined
            };
            for batch in Batches::new(bytes) {
                // The log verified what it read; a batch that does not parse now is passed over like one without the record.
                let Ok((header, batch)) = batch else { break };
                if header.max_timestamp_ms < timestamp_ms {
                    continue;
                }
                let log_start = self.watermarks().log_start();
                if let Some(found) = record_in(&header, batch, timestamp_ms, log_start) {
                    return Ok(found);
                }
            }
            next = read.next_offset;
        }
        Ok(FoundOffset::NONE)
    }
}

fn end_found(offset: Offset, leader_epoch: Option<LeaderEpoch>) -> FoundOffset {
    FoundOffset { offset, timestamp_ms: NO_TIMESTAMP, leader_epoch }
}

/// The first record of a batch at or after `log_start` with at least this timestamp. What does not decompress, which a client may have
/// stored, is found as a whole: at its first offset.
fn record_in(header: &BatchHeader, batch: &[u8], timestamp_ms: i64, log_start: Offset) -> Option<FoundOffset> {
    let leader_epoch = Some(header.leader_epoch).filter(|leader_epoch| leader_epoch.0 >= 0);
    let whole =
        FoundOffset { offset: header.base_offset.max(log_start), timestamp_ms: header.max_timestamp_ms, leader_epoch };
    let Ok(records) = record_bytes(header, batch, DECOMPRESSED_BYTES_MAX) else { return Some(whole) };
    for record in Records::new(header, &records) {
        let Ok(record) = record else { return Some(whole) };
        let offset = header.base_offset.plus(i64::from(record.offset_delta));
        let found_ms = record.timestamp_ms(header);
        if offset >= log_start && found_ms >= timestamp_ms {
            return Some(FoundOffset { offset, timestamp_ms: found_ms, leader_epoch });
        }
    }
    None
}
