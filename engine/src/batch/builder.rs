//! Owns the making of batches: for the metadata log, the command-line tools, re-compression and tests.

use super::compression::{self, Compression};
use super::error::{BatchError, Flaw};
use super::header::{
    Attributes, BASE_SEQUENCE_AT, BASE_TIMESTAMP_AT, CRC_AT, Codec, LAST_OFFSET_DELTA_AT, LENGTH_AT, MAGIC_AT,
    NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, NO_TIMESTAMP, PRODUCER_EPOCH_AT, PRODUCER_ID_AT, RECORD_COUNT_AT,
    TimestampType,
};
use super::record::Header;
use super::{checksum, patch};
use crate::ids::{LeaderEpoch, Offset};
use crate::limits::{BATCH_BYTES_MAX, BATCH_HEADER_BYTES, BATCH_PREFIX_BYTES};
use corelog_protocol::varint::{bytes_of, write_i32, write_i64};

const MAGIC: u8 = 2;

/// Collects records, then makes one batch of them.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    compression: Compression,
    attributes: i16,
    base_offset: Offset,
    leader_epoch: LeaderEpoch,
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
    base_timestamp_ms: i64,
    max_timestamp_ms: i64,
    last_offset_delta: i32,
    record_count: i32,
    records: Vec<u8>,
}

impl Default for BatchBuilder {
    fn default() -> BatchBuilder {
        BatchBuilder::new()
    }
}

impl BatchBuilder {
    /// An uncompressed batch at offset 0, without producer, in an unknown term.
    pub fn new() -> BatchBuilder {
        BatchBuilder {
            compression: Compression::default(),
            attributes: 0,
            base_offset: Offset::ZERO,
            leader_epoch: LeaderEpoch::UNKNOWN,
            producer_id: NO_PRODUCER_ID,
            producer_epoch: NO_PRODUCER_EPOCH,
            base_sequence: NO_SEQUENCE,
            base_timestamp_ms: NO_TIMESTAMP,
            max_timestamp_ms: NO_TIMESTAMP,
            last_offset_delta: -1,
            record_count: 0,
            records: Vec::new(),
        }
    }

    /// Sets codec and level.
    pub fn compression(mut self, compression: Compression) -> BatchBuilder {
        self.compression = compression;
        self
    }

    /// Sets offset and term.
    pub fn at(mut self, base_offset: Offset, leader_epoch: LeaderEpoch) -> BatchBuilder {
        (self.base_offset, self.leader_epoch) = (base_offset, leader_epoch);
        self
    }

    /// Sets the idempotent producer: its id, its epoch, and the sequence of the first record.
    pub fn producer(mut self, id: i64, epoch: i16, base_sequence: i32) -> BatchBuilder {
        (self.producer_id, self.producer_epoch, self.base_sequence) = (id, epoch, base_sequence);
        self
    }

    /// Marks the batch as part of a transaction.
    pub fn transactional(mut self) -> BatchBuilder {
        self.attributes |= Attributes::TRANSACTIONAL;
        self
    }

    /// Marks the batch as one of markers rather than data.
    pub fn control(mut self) -> BatchBuilder {
        self.attributes |= Attributes::CONTROL;
        self
    }

    /// Records pushed so far.
    pub fn record_count(&self) -> i32 {
        self.record_count
    }

    /// Bytes that the batch would take uncompressed.
    pub fn uncompressed_bytes(&self) -> usize {
        BATCH_HEADER_BYTES + self.records.len()
    }

    /// Adds a record at the next offset. The first one's timestamp is what all count from.
    ///
    /// # Errors
    /// `Invalid(Full)` if the batch cannot take it; it stays as it was.
    pub fn push(
        &mut self,
        timestamp_ms: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> Result<(), BatchError> {
        let full = BatchError::Invalid(Flaw::Full);
        let base_timestamp_ms = if self.record_count == 0 { timestamp_ms } else { self.base_timestamp_ms };
        let timestamp_delta_ms = timestamp_ms.wrapping_sub(base_timestamp_ms);
        let offset_delta = self.record_count;
        let header_bytes: usize =
            headers.iter().map(|&(name, value)| nullable_bytes(Some(name)) + nullable_bytes(value)).sum();
        let body = 1
            + bytes_of(timestamp_delta_ms)
            + bytes_of(i64::from(offset_delta))
            + nullable_bytes(key)
            + nullable_bytes(value)
            + bytes_of(headers.len() as i64)
            + header_bytes;
        if self.record_count == i32::MAX || self.uncompressed_bytes() + 5 + body > BATCH_BYTES_MAX {
            return Err(full);
        }
        let out = &mut self.records;
        write_i64(out, body as i64);
        out.push(0);
        write_i64(out, timestamp_delta_ms);
        write_i32(out, offset_delta);
        write_nullable(out, key);
        write_nullable(out, value);
        write_i64(out, headers.len() as i64);
        for &(name, value) in headers {
            write_nullable(out, Some(name));
            write_nullable(out, value);
        }
        self.base_timestamp_ms = base_timestamp_ms;
        self.max_timestamp_ms = if offset_delta == 0 { timestamp_ms } else { self.max_timestamp_ms.max(timestamp_ms) };
        self.last_offset_delta = offset_delta;
        self.record_count += 1;
        Ok(())
    }

    /// The batch, compressed and with its checksum.
    ///
    /// # Errors
    /// `Invalid(NoRecords)` if nothing was pushed.
    pub fn build(self) -> Result<Vec<u8>, BatchError> {
        if self.record_count == 0 {
            return Err(BatchError::Invalid(Flaw::NoRecords));
        }
        let mut batch = vec![0; BATCH_HEADER_BYTES];
        if self.compression.codec == Codec::None {
            batch.extend_from_slice(&self.records);
        } else {
            compression::compress(self.compression, &self.records, &mut batch);
        }
        let attributes = Attributes(self.attributes | self.compression.codec.id());
        let length = i32::try_from(batch.len() - BATCH_PREFIX_BYTES).map_err(|_| BatchError::Invalid(Flaw::Full))?;
        put(&mut batch, LENGTH_AT, &length.to_be_bytes());
        put(&mut batch, MAGIC_AT, &[MAGIC]);
        put(&mut batch, LAST_OFFSET_DELTA_AT, &self.last_offset_delta.to_be_bytes());
        put(&mut batch, BASE_TIMESTAMP_AT, &self.base_timestamp_ms.to_be_bytes());
        put(&mut batch, PRODUCER_ID_AT, &self.producer_id.to_be_bytes());
        put(&mut batch, PRODUCER_EPOCH_AT, &self.producer_epoch.to_be_bytes());
        put(&mut batch, BASE_SEQUENCE_AT, &self.base_sequence.to_be_bytes());
        put(&mut batch, RECORD_COUNT_AT, &self.record_count.to_be_bytes());
        patch::assign(&mut batch, self.base_offset, self.leader_epoch);
        patch::stamp(&mut batch, attributes, TimestampType::CreateTime, self.max_timestamp_ms);
        Ok(batch)
    }
}

/// Replaces the records of a whole batch by `records`, compressed as `compression` says; header fields other than codec, length and
/// checksum stay.
pub(super) fn repack(
    source: &[u8],
    attributes: Attributes,
    compression: Compression,
    records: &[u8],
) -> Result<Vec<u8>, BatchError> {
    let mut batch = source.get(..BATCH_HEADER_BYTES).expect("a whole batch has a header").to_vec();
    if compression.codec == Codec::None {
        batch.extend_from_slice(records);
    } else {
        compression::compress(compression, records, &mut batch);
    }
    let length = i32::try_from(batch.len() - BATCH_PREFIX_BYTES).map_err(|_| BatchError::Invalid(Flaw::Full))?;
    put(&mut batch, LENGTH_AT, &length.to_be_bytes());
    let attributes = attributes.0 & !Attributes::CODEC_MASK | compression.codec.id();
    put(&mut batch, super::header::ATTRIBUTES_AT, &attributes.to_be_bytes());
    let crc = checksum::checksum_of(&batch);
    put(&mut batch, CRC_AT, &crc.to_be_bytes());
    Ok(batch)
}

pub(super) fn put(batch: &mut [u8], at: usize, bytes: &[u8]) {
    batch
        .get_mut(at..at + bytes.len())
        .expect("every field of the header lies inside its 61 bytes")
        .copy_from_slice(bytes);
}

fn nullable_bytes(part: Option<&[u8]>) -> usize {
    part.map_or(1, |part| bytes_of(part.len() as i64) + part.len())
}

fn write_nullable(out: &mut Vec<u8>, part: Option<&[u8]>) {
    match part {
        None => write_i32(out, -1),
        Some(part) => {
            write_i64(out, part.len() as i64);
            out.extend_from_slice(part);
        }
    }
}
