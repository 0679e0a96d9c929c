//! Owns the view of a batch's first 61 bytes, and the walk from batch to batch in a slice.
//!
//! ```text
//!  0      8        12             16      17    21           23                27               35
//!  | base | length | leader epoch | magic | crc | attributes | last offset     | base timestamp | max timestamp
//!  |  i64 |  i32   |     i32      |  i8   | u32 |    i16     | delta i32       |      i64       |     i64
//!  43            51               53              57       61
//!  | producer id | producer epoch | base sequence | records | records ...
//!  |     i64     |      i16       |      i32      |   i32   |
//! ```
//! All big-endian. The length counts from the leader epoch on; the CRC-32C covers everything from the attributes to the end.

use super::error::{BatchError, Flaw};
use crate::ids::{LeaderEpoch, Offset};
use crate::limits::{BATCH_BYTES_MAX, BATCH_HEADER_BYTES, BATCH_PREFIX_BYTES};

pub(super) const LENGTH_AT: usize = 8;
pub(super) const LEADER_EPOCH_AT: usize = 12;
pub(super) const MAGIC_AT: usize = 16;
pub(super) const CRC_AT: usize = 17;
pub(super) const ATTRIBUTES_AT: usize = 21;
pub(super) const LAST_OFFSET_DELTA_AT: usize = 23;
pub(super) const BASE_TIMESTAMP_AT: usize = 27;
pub(super) const MAX_TIMESTAMP_AT: usize = 35;
pub(super) const PRODUCER_ID_AT: usize = 43;
pub(super) const PRODUCER_EPOCH_AT: usize = 51;
pub(super) const BASE_SEQUENCE_AT: usize = 53;
pub(super) const RECORD_COUNT_AT: usize = 57;

/// What Kafka writes for a producer id, epoch or sequence that is not there.
pub const NO_PRODUCER_ID: i64 = -1;
/// The epoch that goes with [`NO_PRODUCER_ID`].
pub const NO_PRODUCER_EPOCH: i16 = -1;
/// The sequence of a batch that is not idempotent.
pub const NO_SEQUENCE: i32 = -1;
/// The timestamp of a batch without one.
pub const NO_TIMESTAMP: i64 = -1;

/// The compression of a batch's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Records as they are.
    #[default]
    None,
    /// RFC 1952 members.
    Gzip,
    /// Snappy blocks in the framing of Java's snappy streams.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard frames.
    Zstd,
}

impl Codec {
    /// The id in a batch's attributes.
    pub fn id(self) -> i16 {
        match self {
            Codec::None => 0,
            Codec::Gzip => 1,
            Codec::Snappy => 2,
            Codec::Lz4 => 3,
            Codec::Zstd => 4,
        }
    }

    /// The codec with this id, or none where Kafka has none.
    pub fn from_id(id: i16) -> Option<Codec> {
        match id {
            0 => Some(Codec::None),
            1 => Some(Codec::Gzip),
            2 => Some(Codec::Snappy),
            3 => Some(Codec::Lz4),
            4 => Some(Codec::Zstd),
            _ => None,
        }
    }

    /// The name that Kafka's `compression.type` gives it (`none` for uncompressed).
    pub const fn name(self) -> &'static str {
        match self {
            Codec::None => "none",
            Codec::Gzip => "gzip",
            Codec::Snappy => "snappy",
            Codec::Lz4 => "lz4",
            Codec::Zstd => "zstd",
        }
    }
}

/// Who stamped a batch's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer, per record.
    #[default]
    CreateTime,
    /// The broker, one stamp for the whole batch.
    LogAppendTime,
}

/// The attributes field: bits 0-2 codec, 3 timestamp type, 4 transactional, 5 control, 6 delete horizon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes(pub i16);

impl Attributes {
    pub(super) const CODEC_MASK: i16 = 0x07;
    pub(super) const LOG_APPEND_TIME: i16 = 0x08;
    pub(super) const TRANSACTIONAL: i16 = 0x10;
    pub(super) const CONTROL: i16 = 0x20;
    pub(super) const DELETE_HORIZON: i16 = 0x40;

    /// The codec, or the error of an id that does not exist.
    pub fn codec(self) -> Result<Codec, BatchError> {
        Codec::from_id(self.0 & Self::CODEC_MASK).ok_or(BatchError::Invalid(Flaw::UnknownCodec))
    }

    /// Who stamped the records.
    pub fn timestamp_type(self) -> TimestampType {
        if self.0 & Self::LOG_APPEND_TIME == 0 { TimestampType::CreateTime } else { TimestampType::LogAppendTime }
    }

    /// Part of a transaction.
    pub fn is_transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }

    /// Holds a marker (commit, abort, leader change) rather than data.
    pub fn is_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }

    /// The base timestamp is a delete horizon (compaction wrote it).
    pub fn has_delete_horizon(self) -> bool {
        self.0 & Self::DELETE_HORIZON != 0
    }
}

/// A batch's header, parsed. Its length was checked to be possible; nothing else was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record (of the first that was there before compaction).
    pub base_offset: Offset,
    /// Bytes of the whole batch, prefix and header included: at least 61.
    pub bytes: usize,
    /// The leader's term when the batch was appended.
    pub leader_epoch: LeaderEpoch,
    /// CRC-32C of everything from the attributes on, as the batch says.
    pub crc: u32,
    /// Codec and flags.
    pub attributes: Attributes,
    /// Last offset minus base offset; hostile until validated.
    pub last_offset_delta: i32,
    /// What the records' timestamp deltas count from, in ms.
    pub base_timestamp_ms: i64,
    /// The largest timestamp of the batch, in ms.
    pub max_timestamp_ms: i64,
    /// Idempotent producer, or -1.
    pub producer_id: i64,
    /// Its epoch, or -1.
    pub producer_epoch: i16,
    /// Sequence of the first record, or -1.
    pub base_sequence: i32,
    /// Number of records; hostile until validated.
    pub record_count: i32,
}

impl BatchHeader {
    /// Parses the header at the start of `bytes`, which may go on beyond the batch or end before it: only the 61 bytes must be there.
    ///
    /// # Errors
    /// `Truncated` below 61 bytes, `OldFormat` or `UnknownFormat` by the magic byte, `Length` for an impossible length field.
    pub fn parse(bytes: &[u8]) -> Result<BatchHeader, BatchError> {
        // The magic byte sits at the same place in every format, so an old, shorter message is told apart before its length is judged.
        let magic =
            *bytes.get(MAGIC_AT).ok_or(BatchError::Truncated { needed: BATCH_HEADER_BYTES, available: bytes.len() })?
                as i8;
        match magic {
            2 => {}
            0 | 1 => return Err(BatchError::OldFormat { magic }),
            _ => return Err(BatchError::UnknownFormat { magic }),
        }
        let header: &[u8; BATCH_HEADER_BYTES] =
            bytes.first_chunk().ok_or(BatchError::Truncated { needed: BATCH_HEADER_BYTES, available: bytes.len() })?;
        let length = i32_at(header, LENGTH_AT);
        let whole = usize::try_from(length).map_err(|_| BatchError::Length { length })? + BATCH_PREFIX_BYTES;
        if !(BATCH_HEADER_BYTES..=BATCH_BYTES_MAX).contains(&whole) {
            return Err(BatchError::Length { length });
        }
        Ok(BatchHeader {
            base_offset: Offset(i64_at(header, 0)),
            bytes: whole,
            leader_epoch: LeaderEpoch(i32_at(header, LEADER_EPOCH_AT)),
            crc: i32_at(header, CRC_AT) as u32,
            attributes: Attributes(i16_at(header, ATTRIBUTES_AT)),
            last_offset_delta: i32_at(header, LAST_OFFSET_DELTA_AT),
            base_timestamp_ms: i64_at(header, BASE_TIMESTAMP_AT),
            max_timestamp_ms: i64_at(header, MAX_TIMESTAMP_AT),
            producer_id: i64_at(header, PRODUCER_ID_AT),
            producer_epoch: i16_at(header, PRODUCER_EPOCH_AT),
            base_sequence: i32_at(header, BASE_SEQUENCE_AT),
            record_count: i32_at(header, RECORD_COUNT_AT),
        })
    }

    /// Offset of the last record.
    pub fn last_offset(&self) -> Offset {
        self.base_offset.plus(i64::from(self.last_offset_delta))
    }

    /// The offset after the last record.
    pub fn next_offset(&self) -> Offset {
        self.last_offset().plus(1)
    }

    /// Written by an idempotent or transactional producer.
    pub fn has_producer(&self) -> bool {
        self.producer_id > NO_PRODUCER_ID
    }

    /// Sequence of the last record, or -1; sequences wrap from `i32::MAX` to 0.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence == NO_SEQUENCE {
            return NO_SEQUENCE;
        }
        sequence_plus(self.base_sequence, self.last_offset_delta)
    }
}

/// The sequence `count` records after `sequence`, both at least 0, wrapped at `i32::MAX` to 0.
pub fn sequence_plus(sequence: i32, count: i32) -> i32 {
    let sum = i64::from(sequence) + i64::from(count);
    if sum > i64::from(i32::MAX) { (sum - i64::from(i32::MAX) - 1) as i32 } else { sum as i32 }
}

/// Walks the batches of a slice: `(header, whole batch)`, then at most one error, then nothing.
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    rest: &'a [u8],
}

impl<'a> Batches<'a> {
    /// Starts at the first byte of `bytes`, which must be a batch's.
    pub fn new(bytes: &'a [u8]) -> Batches<'a> {
        Batches { rest: bytes }
    }

    /// What has not been walked yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<(BatchHeader, &'a [u8]), BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let step = BatchHeader::parse(self.rest).and_then(|header| {
            self.rest
                .split_at_checked(header.bytes)
                .map(|(batch, rest)| (header, batch, rest))
                .ok_or(BatchError::Truncated { needed: header.bytes, available: self.rest.len() })
        });
        match step {
            Ok((header, batch, rest)) => {
                self.rest = rest;
                Some(Ok((header, batch)))
            }
            Err(error) => {
                self.rest = &[];
                Some(Err(error))
            }
        }
    }
}

pub(super) fn i16_at(header: &[u8; BATCH_HEADER_BYTES], at: usize) -> i16 {
    i16::from_be_bytes(field(header, at))
}

pub(super) fn i32_at(header: &[u8; BATCH_HEADER_BYTES], at: usize) -> i32 {
    i32::from_be_bytes(field(header, at))
}

pub(super) fn i64_at(header: &[u8; BATCH_HEADER_BYTES], at: usize) -> i64 {
    i64::from_be_bytes(field(header, at))
}

fn field<const BYTES: usize>(header: &[u8; BATCH_HEADER_BYTES], at: usize) -> [u8; BYTES] {
    *header.get(at..).and_then(|tail| tail.first_chunk()).expect("every field of the header lies inside its 61 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_bytes() -> Vec<u8> {
        let mut bytes = vec![0u8; BATCH_HEADER_BYTES];
        bytes[LENGTH_AT..12].copy_from_slice(&49i32.to_be_bytes());
        bytes[MAGIC_AT] = 2;
        bytes
    }

    #[test]
    fn seventeen_bytes_with_old_magic_is_old_format() {
        let mut bytes = vec![0u8; 17];
        assert_eq!(BatchHeader::parse(&bytes), Err(BatchError::OldFormat { magic: 0 }));
        bytes[MAGIC_AT] = 1;
        assert_eq!(BatchHeader::parse(&bytes), Err(BatchError::OldFormat { magic: 1 }));
        bytes[MAGIC_AT] = 3;
        assert_eq!(BatchHeader::parse(&bytes), Err(BatchError::UnknownFormat { magic: 3 }));
        bytes[MAGIC_AT] = 2;
        assert_eq!(BatchHeader::parse(&bytes), Err(BatchError::Truncated { needed: 61, available: 17 }));
    }

    #[test]
    fn impossible_length_is_refused() {
        for length in [-1, 0, 48, i32::MIN, i32::MAX, 1 << 30] {
            let mut bytes = header_bytes();
            bytes[LENGTH_AT..12].copy_from_slice(&length.to_be_bytes());
            assert_eq!(BatchHeader::parse(&bytes), Err(BatchError::Length { length }));
        }
        assert_eq!(BatchHeader::parse(&header_bytes()).unwrap().bytes, 61);
    }

    #[test]
    fn batches_stop_after_the_first_error() {
        let mut bytes = header_bytes();
        bytes.extend(header_bytes());
        bytes.extend([0; 5]);
        let seen: Vec<bool> = Batches::new(&bytes).map(|step| step.is_ok()).collect();
        assert_eq!(seen, [true, true, false]);
    }

    #[test]
    fn sequence_wraps_to_zero() {
        assert_eq!(sequence_plus(i32::MAX, 1), 0);
        assert_eq!(sequence_plus(i32::MAX - 1, 3), 1);
        assert_eq!(sequence_plus(5, 3), 8);
    }
}
