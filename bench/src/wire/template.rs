//! A record batch that is built once: any number of its first records is a batch too, once the header says so.
//!
//! ```text
//! 0             8        12             16      17    21           23                  27               35              43
//! | base offset | length | leader epoch | magic | CRC | attributes | last offset delta | base timestamp | max timestamp |
//! 43            51               53              57             61
//! | producer id | producer epoch | base sequence | record count | records ...
//! ```

use super::part::{Author, Part};
use super::stamp::STAMP_BYTES;
use corelog_protocol::varint::write_i64;

/// Bytes of a batch before its records.
pub const HEADER_BYTES: usize = 61;
/// Bytes that the batch's length field does not count.
pub const LENGTH_EXCLUDES_BYTES: usize = 12;
/// The batch format.
pub const MAGIC: u8 = 2;
/// Position of the length.
pub const LENGTH_AT: usize = 8;
/// Position of the format.
pub const MAGIC_AT: usize = 16;
/// Position of the checksum.
pub const CRC_AT: usize = 17;
/// Position of the attributes: the checksum covers everything from here.
pub const ATTRIBUTES_AT: usize = 21;
/// Position of the last record's offset from the first's.
pub const LAST_OFFSET_DELTA_AT: usize = 23;
/// Position of the first timestamp, in ms.
pub const BASE_TIMESTAMP_AT: usize = 27;
/// Position of the largest timestamp, in ms.
pub const MAX_TIMESTAMP_AT: usize = 35;
/// Position of the producer id; its epoch and the first sequence follow.
pub const PRODUCER_ID_AT: usize = 43;
/// Position of the producer's epoch.
pub const PRODUCER_EPOCH_AT: usize = 51;
/// Position of the first record's sequence.
pub const BASE_SEQUENCE_AT: usize = 53;
/// Position of the number of records.
pub const RECORD_COUNT_AT: usize = 57;

/// Nanoseconds in a millisecond.
const MILLISECOND_NS: u64 = 1_000_000;

/// What the records of a template look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordShape {
    /// Bytes of a value, at least [`STAMP_BYTES`].
    pub value_bytes: usize,
    /// Bytes of a key; none for records without keys.
    pub key_bytes: Option<usize>,
}

/// A batch of as many records as a batch may have.
pub struct Template {
    shape: RecordShape,
    bytes: Vec<u8>,
    /// Where each record's value begins.
    values: Vec<usize>,
    /// Where each record ends.
    ends: Vec<usize>,
}

impl Template {
    /// Builds `records_max` records of a shape. Payloads come from `fill`, which is handed each key and each value behind its stamp.
    pub fn new(shape: RecordShape, records_max: usize, mut fill: impl FnMut(&mut [u8])) -> Template {
        assert!(shape.value_bytes >= STAMP_BYTES, "a value has room for its stamp");
        assert!(records_max > 0, "a batch has records");
        let mut bytes = Vec::new();
        write_header(&mut bytes);
        let (mut values, mut ends) = (Vec::with_capacity(records_max), Vec::with_capacity(records_max));
        let mut body = Vec::new();
        for index in 0..records_max {
            body.clear();
            body.push(0);
            write_i64(&mut body, 0);
            write_i64(&mut body, index as i64);
            match shape.key_bytes {
                Some(key_bytes) => write_filled(&mut body, key_bytes, 0, &mut fill),
                None => write_i64(&mut body, -1),
            }
            write_filled(&mut body, shape.value_bytes, STAMP_BYTES, &mut fill);
            write_i64(&mut body, 0);
            write_i64(&mut bytes, body.len() as i64);
            bytes.extend_from_slice(&body);
            values.push(bytes.len() - 1 - shape.value_bytes);
            ends.push(bytes.len());
        }
        Template { shape, bytes, values, ends }
    }

    /// The most records of one batch.
    pub fn records_max(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of the keys and values of the first `count` records.
    pub fn payload_bytes(&self, count: usize) -> u64 {
        (self.shape.value_bytes + self.shape.key_bytes.unwrap_or(0)) as u64 * count as u64
    }

    /// Bytes of a batch of the first `count` records, 1 to [`Template::records_max`].
    pub fn batch_bytes(&self, count: usize) -> usize {
        *self.ends.get(count.wrapping_sub(1)).expect("the batch has one to all of the records")
    }

    /// Appends the batch of the first `count` records; its checksum is left for later.
    pub fn append(&self, count: usize, out: &mut Vec<u8>) {
        let (start, bytes) = (out.len(), self.batch_bytes(count));
        out.extend_from_slice(self.bytes.get(..bytes).expect("records end inside the template"));
        let batch = out.get_mut(start..).expect("it was appended just now");
        put(batch, LENGTH_AT, ((bytes - LENGTH_EXCLUDES_BYTES) as i32).to_be_bytes());
        put(batch, LAST_OFFSET_DELTA_AT, (count as i32 - 1).to_be_bytes());
        put(batch, RECORD_COUNT_AT, (count as i32).to_be_bytes());
    }

    /// Where the values of the first `count` records begin.
    pub fn values(&self, count: usize) -> &[usize] {
        self.values.get(..count).expect("the batch has at most all of the records")
    }
}

/// Writes the header of a batch without records, of nobody.
pub fn write_header(out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + HEADER_BYTES, 0);
    let header = out.get_mut(start..).expect("it was appended just now");
    put(header, MAGIC_AT, [MAGIC]);
    put(header, LENGTH_EXCLUDES_BYTES, (-1_i32).to_be_bytes());
    put(header, PRODUCER_ID_AT, (-1_i64).to_be_bytes());
    put(header, PRODUCER_EPOCH_AT, (-1_i16).to_be_bytes());
    put(header, BASE_SEQUENCE_AT, (-1_i32).to_be_bytes());
}

/// Writes who sends a batch, and when it was due, into its header.
pub fn put_author(batch: &mut [u8], author: Author, part: &Part) {
    let time_ms = (part.time_ns / MILLISECOND_NS).to_be_bytes();
    put(batch, BASE_TIMESTAMP_AT, time_ms);
    put(batch, MAX_TIMESTAMP_AT, time_ms);
    if let Some((id, epoch)) = author.idempotent {
        put(batch, PRODUCER_ID_AT, id.to_be_bytes());
        put(batch, PRODUCER_EPOCH_AT, epoch.to_be_bytes());
        put(batch, BASE_SEQUENCE_AT, ((part.sequence & i32::MAX as u64) as i32).to_be_bytes());
    }
}

/// Overwrites a field.
pub fn put<const BYTES: usize>(batch: &mut [u8], at: usize, field: [u8; BYTES]) {
    batch.get_mut(at..at + BYTES).expect("fields lie inside the batch").copy_from_slice(&field);
}

/// Computes the checksum of a finished batch and writes it in.
pub fn seal(batch: &mut [u8]) {
    let crc = crc_fast::crc32_iscsi(batch.get(ATTRIBUTES_AT..).expect("a batch has a header"));
    put(batch, CRC_AT, crc.to_be_bytes());
}

fn write_filled(out: &mut Vec<u8>, bytes: usize, skip: usize, fill: &mut impl FnMut(&mut [u8])) {
    write_i64(out, bytes as i64);
    let start = out.len();
    out.resize(start + bytes, 0);
    fill(out.get_mut(start + skip..).expect("the part that is skipped lies inside"));
}
