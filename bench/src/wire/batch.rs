//! Record batches as a consumer sees them: headers, checksums, and the values of uncompressed records.
//!
//! What a broker sends is judged, never trusted: every length is checked against the bytes that are there.

use super::template::{
    ATTRIBUTES_AT, BASE_TIMESTAMP_AT, CRC_AT, HEADER_BYTES, LAST_OFFSET_DELTA_AT, LENGTH_AT, LENGTH_EXCLUDES_BYTES,
    MAGIC, MAGIC_AT, RECORD_COUNT_AT,
};
use corelog_protocol::varint::read_i64;

/// Why a batch is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchFlaw {
    /// The format is not 2, or the length is impossible.
    #[error("not a record batch")]
    NotABatch,
    /// The checksum does not match the bytes.
    #[error("the checksum of a batch does not match")]
    Checksum,
    /// The records do not add up to what the header says.
    #[error("the records of a batch do not match its header")]
    Records,
    /// The records are compressed with a codec that does not exist, or do not decompress.
    #[error("the records of a batch do not decompress")]
    Compression,
}

/// One whole batch.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    bytes: &'a [u8],
}

impl<'a> Batch<'a> {
    /// Cuts the first batch off `bytes`. Nothing if they end before it does: a fetch may cut its last batch short.
    ///
    /// # Errors
    /// `NotABatch` where no batch can begin.
    pub fn cut(bytes: &mut &'a [u8]) -> Result<Option<Batch<'a>>, BatchFlaw> {
        if bytes.len() < HEADER_BYTES {
            return Ok(None);
        }
        if bytes.get(MAGIC_AT) != Some(&MAGIC) {
            return Err(BatchFlaw::NotABatch);
        }
        let length = usize::try_from(i32_at(bytes, LENGTH_AT)).map_err(|_| BatchFlaw::NotABatch)?;
        let whole = length + LENGTH_EXCLUDES_BYTES;
        if whole < HEADER_BYTES {
            return Err(BatchFlaw::NotABatch);
        }
        let Some((batch, rest)) = bytes.split_at_checked(whole) else { return Ok(None) };
        *bytes = rest;
        Ok(Some(Batch { bytes: batch }))
    }

    /// Offset of its first record.
    pub fn base_offset(&self) -> i64 {
        i64_at(self.bytes, 0)
    }

    /// Offset of its last record.
    pub fn last_offset(&self) -> i64 {
        self.base_offset().wrapping_add(i64::from(i32_at(self.bytes, LAST_OFFSET_DELTA_AT)))
    }

    /// Bytes of the whole batch.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Number of the codec: 0 for records as they are.
    pub fn codec(&self) -> u8 {
        (i16_at(self.bytes, ATTRIBUTES_AT) & 7) as u8
    }

    /// Markers rather than records.
    pub fn is_control(&self) -> bool {
        i16_at(self.bytes, ATTRIBUTES_AT) & 0x20 != 0
    }

    /// The timestamp that the records' own count from, in ms.
    pub fn base_timestamp_ms(&self) -> i64 {
        i64_at(self.bytes, BASE_TIMESTAMP_AT)
    }

    /// Number of records, as the header says.
    pub fn record_count(&self) -> i32 {
        i32_at(self.bytes, RECORD_COUNT_AT)
    }

    /// Compares the checksum with the bytes.
    ///
    /// # Errors
    /// `Checksum` if they differ.
    pub fn verify(&self) -> Result<(), BatchFlaw> {
        let computed = crc_fast::crc32_iscsi(self.bytes.get(ATTRIBUTES_AT..).unwrap_or_default());
        if computed == i32_at(self.bytes, CRC_AT) as u32 { Ok(()) } else { Err(BatchFlaw::Checksum) }
    }

    /// The bytes of the records, compressed where the batch is.
    pub fn records(&self) -> &'a [u8] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default()
    }

    /// Hands each value of `records`, the uncompressed bytes of this batch's records, to `visit` with its key's length.
    ///
    /// # Errors
    /// `Records` as soon as they contradict the header.
    pub fn each_value(&self, records: &[u8], mut visit: impl FnMut(usize, &[u8])) -> Result<(), BatchFlaw> {
        let mut rest = records;
        for _ in 0..self.record_count() {
            let length = read_i64(&mut rest).and_then(|length| usize::try_from(length).ok());
            let (record, after) = length.and_then(|length| rest.split_at_checked(length)).ok_or(BatchFlaw::Records)?;
            rest = after;
            let (key_bytes, value) = key_and_value(record).ok_or(BatchFlaw::Records)?;
            visit(key_bytes, value);
        }
        if rest.is_empty() { Ok(()) } else { Err(BatchFlaw::Records) }
    }
}

/// The length of a record's key (0 for none) and its value (empty for none).
fn key_and_value(record: &[u8]) -> Option<(usize, &[u8])> {
    let (_attributes, mut rest) = record.split_first()?;
    let _timestamp_delta = read_i64(&mut rest)?;
    let _offset_delta = read_i64(&mut rest)?;
    let key_bytes = usize::try_from(read_i64(&mut rest)?).unwrap_or(0);
    rest = rest.get(key_bytes..)?;
    let value_bytes = usize::try_from(read_i64(&mut rest)?).unwrap_or(0);
    Some((key_bytes, rest.get(..value_bytes)?))
}

fn i16_at(bytes: &[u8], at: usize) -> i16 {
    i16::from_be_bytes(field(bytes, at))
}

fn i32_at(bytes: &[u8], at: usize) -> i32 {
    i32::from_be_bytes(field(bytes, at))
}

fn i64_at(bytes: &[u8], at: usize) -> i64 {
    i64::from_be_bytes(field(bytes, at))
}

fn field<const BYTES: usize>(bytes: &[u8], at: usize) -> [u8; BYTES] {
    *bytes.get(at..).and_then(<[u8]>::first_chunk).expect("the header was checked to be there")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::stamp::Stamp;
    use crate::wire::template::{RecordShape, Template, put, seal};

    fn batch_of(count: usize) -> Vec<u8> {
        let shape = RecordShape { value_bytes: 100, key_bytes: Some(5) };
        let template = Template::new(shape, 9, |part| part.fill(3));
        let mut batch = Vec::new();
        template.append(count, &mut batch);
        for (index, at) in template.values(count).iter().enumerate() {
            Stamp { producer: 1, sequence: index as u64, time_ns: 5 }.write(&mut batch[*at..]);
        }
        seal(&mut batch);
        batch
    }

    #[test]
    fn every_prefix_of_a_template_is_a_batch() {
        for count in 1..=9 {
            let bytes = batch_of(count);
            let mut rest = bytes.as_slice();
            let batch = Batch::cut(&mut rest).unwrap().unwrap();
            assert_eq!((rest.len(), batch.bytes(), batch.verify()), (0, bytes.len(), Ok(())));
            assert_eq!((batch.last_offset(), batch.record_count()), (count as i64 - 1, count as i32));
            let mut seen = Vec::new();
            batch
                .each_value(batch.records(), |key_bytes, value| {
                    seen.push((key_bytes, value.len(), Stamp::read(value).unwrap().sequence));
                })
                .unwrap();
            assert_eq!(seen, (0..count as u64).map(|sequence| (5, 100, sequence)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn damage_is_found() {
        let mut bytes = batch_of(3);
        bytes[100] ^= 1;
        assert_eq!(Batch::cut(&mut bytes.as_slice()).unwrap().unwrap().verify(), Err(BatchFlaw::Checksum));
        put(&mut bytes, RECORD_COUNT_AT, 4_i32.to_be_bytes());
        let batch = Batch::cut(&mut bytes.as_slice()).unwrap().unwrap();
        assert_eq!(batch.each_value(batch.records(), |_, _| {}), Err(BatchFlaw::Records));
        put(&mut bytes, RECORD_COUNT_AT, 2_i32.to_be_bytes());
        let batch = Batch::cut(&mut bytes.as_slice()).unwrap().unwrap();
        assert_eq!(batch.each_value(batch.records(), |_, _| {}), Err(BatchFlaw::Records));
        put(&mut bytes, LENGTH_AT, (-5_i32).to_be_bytes());
        assert_eq!(Batch::cut(&mut bytes.as_slice()).err(), Some(BatchFlaw::NotABatch));
        let whole = batch_of(2);
        assert!(Batch::cut(&mut &whole[..whole.len() - 1]).unwrap().is_none());
    }
}
