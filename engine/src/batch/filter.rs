//! Owns what compaction does to one batch: records go, the batch keeps its offsets.
//!
//! As in Kafka: base offset, last offset, producer and sequence of the batch stay, so nobody sees that anything but records went. The codec stays
//! too. Tombstones that stay are given a delete horizon (KIP-534): the batch's base timestamp becomes the time from which they may go, and bit 6 of
//! the attributes says so; the records' own timestamps stay what they were.

use super::builder;
use super::compression::Compression;
use super::error::{BatchError, Flaw};
use super::header::{
    ATTRIBUTES_AT, Attributes, BASE_TIMESTAMP_AT, BatchHeader, MAX_TIMESTAMP_AT, NO_TIMESTAMP, RECORD_COUNT_AT,
    TimestampType,
};
use super::record::{Record, Records};
use crate::limits::BATCH_HEADER_BYTES;
use corelog_protocol::varint::{bytes_of, read_i32, read_i64, write_i64};

/// What is left of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filtered {
    /// The batch.
    pub left: Left,
    /// Records that stay.
    pub kept: u64,
    /// Records that go.
    pub removed: u64,
}

/// The batch itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// It stays as it is.
    Whole,
    /// This one takes its place.
    Rewritten(Vec<u8>),
    /// No record stays.
    Nothing,
}

impl BatchHeader {
    /// From when its tombstones may go, in ms since 1970; none while compaction has not seen them.
    pub fn delete_horizon_ms(&self) -> Option<i64> {
        self.attributes.has_delete_horizon().then_some(self.base_timestamp_ms)
    }
}

/// Leaves of a whole batch, whose decompressed `records` come along, those that `keep` says. Tombstones among them are given the horizon
/// `horizon_ms`, unless there is one or none is given.
///
/// # Errors
/// `Invalid` if a record is malformed or lies outside the batch's offsets, `Invalid(Full)` if the result is larger than any batch may be.
pub fn filter(
    header: &BatchHeader,
    batch: &[u8],
    records: &[u8],
    horizon_ms: Option<i64>,
    mut keep: impl FnMut(&Record<'_>) -> bool,
) -> Result<Filtered, BatchError> {
    let mut out = Filtered { left: Left::Whole, kept: 0, removed: 0 };
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut max_timestamp_ms = NO_TIMESTAMP;
    let mut has_tombstone = false;
    let mut rest = records;
    let mut walk = Records::new(header, records);
    while let Some(record) = walk.next() {
        let record = record?;
        if record.offset_delta < 0 || record.offset_delta > header.last_offset_delta {
            return Err(BatchError::Invalid(Flaw::RecordOffsetDelta));
        }
        let (raw, after) = rest.split_at(rest.len() - walk.rest().len());
        rest = after;
        if !keep(&record) {
            out.removed += 1;
            continue;
        }
        out.kept += 1;
        has_tombstone |= record.value.is_none();
        max_timestamp_ms = max_timestamp_ms.max(record.timestamp_ms(header));
        kept.push(raw);
    }
    if out.kept == 0 {
        out.left = Left::Nothing;
        return Ok(out);
    }
    let horizon_ms = horizon_ms.filter(|_| has_tombstone && !header.attributes.has_delete_horizon());
    if out.removed == 0 && horizon_ms.is_none() {
        return Ok(out);
    }
    let mut content = Vec::with_capacity(records.len() + 8);
    for raw in kept {
        match horizon_ms {
            None => content.extend_from_slice(raw),
            Some(base_ms) => rebase(header, raw, base_ms, &mut content)?,
        }
    }
    let mut first = batch.get(..BATCH_HEADER_BYTES).expect("a whole batch has a header").to_vec();
    let mut attributes = header.attributes;
    if let Some(horizon_ms) = horizon_ms {
        attributes.0 |= Attributes::DELETE_HORIZON;
        builder::put(&mut first, BASE_TIMESTAMP_AT, &horizon_ms.to_be_bytes());
    }
    if attributes.timestamp_type() == TimestampType::CreateTime {
        builder::put(&mut first, MAX_TIMESTAMP_AT, &max_timestamp_ms.to_be_bytes());
    }
    builder::put(&mut first, RECORD_COUNT_AT, &(out.kept as i32).to_be_bytes());
    let compression = Compression { codec: attributes.codec()?, level: None };
    out.left = Left::Rewritten(builder::repack(&first, attributes, compression, &content)?);
    Ok(out)
}

/// Appends a record as it is encoded in a batch whose timestamps count from `base_ms`.
fn rebase(header: &BatchHeader, raw: &[u8], base_ms: i64, out: &mut Vec<u8>) -> Result<(), BatchError> {
    let malformed = BatchError::Invalid(Flaw::Record);
    let mut rest = raw;
    read_i32(&mut rest).ok_or(malformed)?;
    let (&attributes, mut tail) = rest.split_first().ok_or(malformed)?;
    let delta_ms = read_i64(&mut tail).ok_or(malformed)?;
    let delta_ms = header.base_timestamp_ms.wrapping_add(delta_ms).wrapping_sub(base_ms);
    write_i64(out, (1 + bytes_of(delta_ms) + tail.len()) as i64);
    out.push(attributes);
    write_i64(out, delta_ms);
    out.extend_from_slice(tail);
    Ok(())
}

/// A batch without records that keeps the offsets, the producer and the sequence of `batch`.
pub fn without_records(header: &BatchHeader, batch: &[u8]) -> Vec<u8> {
    let mut first = batch.get(..BATCH_HEADER_BYTES).expect("a whole batch has a header").to_vec();
    let attributes = Attributes(header.attributes.0 & !Attributes::DELETE_HORIZON);
    builder::put(&mut first, BASE_TIMESTAMP_AT, &NO_TIMESTAMP.to_be_bytes());
    builder::put(&mut first, RECORD_COUNT_AT, &0i32.to_be_bytes());
    builder::put(&mut first, ATTRIBUTES_AT, &attributes.0.to_be_bytes());
    builder::repack(&first, attributes, Compression::default(), &[]).expect("a header alone is not too large")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{BatchBuilder, Codec, record_bytes, verify_checksum};
    use crate::ids::{LeaderEpoch, Offset};
    use crate::limits::DECOMPRESSED_BYTES_MAX;

    const CODECS: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

    /// Ten records; those at 3 and 7 are tombstones.
    fn source(codec: Codec) -> Vec<u8> {
        let mut builder = BatchBuilder::new()
            .compression(Compression { codec, level: None })
            .producer(9, 2, 40)
            .at(Offset(100), LeaderEpoch(5));
        for index in 0..10i64 {
            let key = format!("key {index}");
            let value = format!("value {index}");
            let value = (index % 4 != 3).then_some(value.as_bytes());
            builder.push(1_000 + index, Some(key.as_bytes()), value, &[(b"name", Some(b"x"))]).unwrap();
        }
        builder.build().unwrap()
    }

    fn filtered(batch: &[u8], horizon_ms: Option<i64>, keep: impl Fn(i32) -> bool) -> Filtered {
        let header = BatchHeader::parse(batch).unwrap();
        let records = record_bytes(&header, batch, DECOMPRESSED_BYTES_MAX).unwrap();
        filter(&header, batch, &records, horizon_ms, |record| keep(record.offset_delta)).unwrap()
    }

    type Seen = Vec<(i32, i64, Option<Vec<u8>>, bool)>;

    fn seen(batch: &[u8]) -> Seen {
        let header = BatchHeader::parse(batch).unwrap();
        verify_checksum(&header, batch).unwrap();
        let records = record_bytes(&header, batch, DECOMPRESSED_BYTES_MAX).unwrap();
        let records = Records::new(&header, &records).map(|record| record.unwrap());
        let one = |record: Record<'_>| {
            assert_eq!(record.headers().count(), 1);
            let key = record.key.map(<[u8]>::to_vec);
            (record.offset_delta, record.timestamp_ms(&header), key, record.value.is_some())
        };
        records.map(one).collect()
    }

    #[test]
    fn kept_records_keep_offsets_timestamps_and_codec() {
        for codec in CODECS {
            let batch = source(codec);
            let found = filtered(&batch, Some(77_000), |delta| delta % 3 == 0);
            assert_eq!((found.kept, found.removed), (4, 6));
            let Left::Rewritten(left) = found.left else { panic!("records went") };
            let header = BatchHeader::parse(&left).unwrap();
            assert_eq!(header.attributes.codec(), Ok(codec));
            assert_eq!(
                (header.base_offset, header.last_offset(), header.leader_epoch),
                (Offset(100), Offset(109), LeaderEpoch(5))
            );
            assert_eq!(
                (header.producer_id, header.producer_epoch, header.base_sequence, header.last_sequence()),
                (9, 2, 40, 49)
            );
            assert_eq!((header.record_count, header.max_timestamp_ms), (4, 1_009));
            assert_eq!(header.delete_horizon_ms(), Some(77_000));
            let expected: Seen = seen(&batch).into_iter().filter(|(delta, ..)| delta % 3 == 0).collect();
            assert_eq!(seen(&left), expected);
            // Once it is set, the horizon stays.
            let again = filtered(&left, Some(99_000), |_| true);
            assert_eq!(again.left, Left::Whole);
            let Left::Rewritten(fewer) = filtered(&left, Some(99_000), |delta| delta != 9).left else { panic!() };
            assert_eq!(BatchHeader::parse(&fewer).unwrap().delete_horizon_ms(), Some(77_000));
            assert_eq!(seen(&fewer), expected[..3]);
        }
    }

    #[test]
    fn batch_that_keeps_everything_stays_as_it_is() {
        let batch = source(Codec::Lz4);
        assert_eq!(filtered(&batch, None, |_| true).left, Left::Whole);
        assert_eq!(filtered(&batch, Some(5), |delta| delta != 3 && delta != 7).kept, 8);
        let Left::Rewritten(left) = filtered(&batch, Some(5), |delta| delta != 3 && delta != 7).left else { panic!() };
        assert_eq!(BatchHeader::parse(&left).unwrap().delete_horizon_ms(), None);
        assert!(matches!(filtered(&batch, Some(5), |_| true).left, Left::Rewritten(_)));
    }

    #[test]
    fn batch_without_records_keeps_offsets_and_sequence() {
        let batch = source(Codec::Zstd);
        let found = filtered(&batch, Some(5), |_| false);
        assert_eq!((found.left, found.kept, found.removed), (Left::Nothing, 0, 10));
        let header = BatchHeader::parse(&batch).unwrap();
        let empty = without_records(&header, &batch);
        let header = BatchHeader::parse(&empty).unwrap();
        verify_checksum(&header, &empty).unwrap();
        assert_eq!((empty.len(), header.record_count, header.attributes.codec()), (61, 0, Ok(Codec::None)));
        assert_eq!((header.base_offset, header.last_offset(), header.last_sequence()), (Offset(100), Offset(109), 49));
        assert_eq!(header.max_timestamp_ms, 1_009);
        assert_eq!(filtered(&empty, Some(5), |_| true).left, Left::Nothing);
    }

    #[test]
    fn record_outside_its_batch_is_an_error() {
        let batch = source(Codec::None);
        let header = BatchHeader { last_offset_delta: 5, ..BatchHeader::parse(&batch).unwrap() };
        let result = filter(&header, &batch, &batch[BATCH_HEADER_BYTES..], None, |_| true);
        assert_eq!(result, Err(BatchError::Invalid(Flaw::RecordOffsetDelta)));
    }
}
