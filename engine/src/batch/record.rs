//! Owns the view of single records inside a batch: borrowed, bounded by the bytes that are there.
//!
//! ```text
//! length varint | attributes i8 | timestamp delta varlong | offset delta varint | key | value | header count varint | headers
//! key, value:     length varint (-1 = null) | bytes
//! one header:     key length varint | key | value length varint (-1 = null) | value
//! ```

use super::compression;
use super::error::{BatchError, Flaw};
use super::header::{BatchHeader, Codec, TimestampType};
use crate::limits::BATCH_HEADER_BYTES;
use corelog_protocol::varint::{read_i32, read_i64};
use std::borrow::Cow;

/// One record. Its parts borrow from the batch, or from its decompressed records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What is added to the batch's base timestamp, in ms.
    pub timestamp_delta_ms: i64,
    /// What is added to the batch's base offset; hostile.
    pub offset_delta: i32,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; none is a tombstone in a compacted topic.
    pub value: Option<&'a [u8]>,
    header_count: i32,
    headers: &'a [u8],
}

/// A record's header: key and value.
pub type Header<'a> = (&'a [u8], Option<&'a [u8]>);

impl<'a> Record<'a> {
    /// The headers in their order.
    pub fn headers(&self) -> impl Iterator<Item = Header<'a>> + use<'a> {
        let mut rest = self.headers;
        (0..self.header_count).map_while(move |_| read_header(&mut rest))
    }

    /// Number of headers.
    pub fn header_count(&self) -> usize {
        self.header_count.max(0) as usize
    }

    /// The record's timestamp in ms, as Kafka gives it to consumers: the batch's own where the broker stamped it.
    pub fn timestamp_ms(&self, header: &BatchHeader) -> i64 {
        match header.attributes.timestamp_type() {
            TimestampType::CreateTime => header.base_timestamp_ms.wrapping_add(self.timestamp_delta_ms),
            TimestampType::LogAppendTime => header.max_timestamp_ms,
        }
    }

    fn read(rest: &mut &'a [u8]) -> Option<Record<'a>> {
        let length = usize::try_from(read_i32(rest)?).ok()?;
        let (mut body, after) = rest.split_at_checked(length)?;
        *rest = after;
        let (_attributes, tail) = body.split_first()?;
        body = tail;
        let timestamp_delta_ms = read_i64(&mut body)?;
        let offset_delta = read_i32(&mut body)?;
        let key = read_nullable(&mut body)?;
        let value = read_nullable(&mut body)?;
        let header_count = read_i32(&mut body)?;
        if header_count < 0 {
            return None;
        }
        let headers = body;
        // Each header takes bytes, so this loop is bounded by the record, whatever the count says.
        for _ in 0..header_count {
            read_header(&mut body)?;
        }
        body.is_empty().then_some(Record { timestamp_delta_ms, offset_delta, key, value, header_count, headers })
    }
}

fn read_header<'a>(rest: &mut &'a [u8]) -> Option<Header<'a>> {
    let key = read_nullable(rest)??;
    Some((key, read_nullable(rest)?))
}

#[expect(clippy::option_option, reason = "cut short, null, and present are three things")]
fn read_nullable<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length = read_i32(rest)?;
    // Kafka's readers take every negative length for null.
    let Ok(length) = usize::try_from(length) else { return Some(None) };
    let (part, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(Some(part))
}

/// The records of a batch: exactly as many as its header says, then nothing; at most one error, which ends it.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
    remaining: i32,
}

impl<'a> Records<'a> {
    /// Walks `bytes`, the uncompressed records of the batch with this header.
    pub fn new(header: &BatchHeader, bytes: &'a [u8]) -> Records<'a> {
        Records { rest: bytes, remaining: header.record_count }
    }

    /// What has not been walked yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.remaining <= 0 {
            if self.rest.is_empty() {
                return None;
            }
            self.rest = &[];
            return Some(Err(BatchError::Invalid(Flaw::CountAgainstRecords)));
        }
        self.remaining -= 1;
        let flaw = if self.rest.is_empty() { Flaw::CountAgainstRecords } else { Flaw::Record };
        let record = Record::read(&mut self.rest).ok_or(BatchError::Invalid(flaw));
        if record.is_err() {
            (self.rest, self.remaining) = (&[], 0);
        }
        Some(record)
    }
}

/// The record bytes of a whole batch, decompressed where it is compressed, to at most `bytes_max`.
///
/// # Errors
/// `Invalid(UnknownCodec)`, or `Compression` if they are corrupt or too large.
pub fn record_bytes<'a>(header: &BatchHeader, batch: &'a [u8], bytes_max: usize) -> Result<Cow<'a, [u8]>, BatchError> {
    let records = batch
        .get(BATCH_HEADER_BYTES..header.bytes)
        .ok_or(BatchError::Truncated { needed: header.bytes, available: batch.len() })?;
    match header.attributes.codec()? {
        Codec::None => Ok(Cow::Borrowed(records)),
        codec => compression::decompress(codec, records, bytes_max).map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::BatchBuilder;
    use proptest::prelude::*;

    fn header_with(record_count: i32) -> BatchHeader {
        let mut builder = BatchBuilder::new();
        builder.push(0, None, None, &[]).unwrap();
        BatchHeader { record_count, ..BatchHeader::parse(&builder.build().unwrap()).unwrap() }
    }

    #[test]
    fn record_with_hostile_lengths_is_malformed() {
        let malformed: [&[u8]; 7] = [
            &[0x7f],                                            // negative record length
            &[0xfe, 0xff, 0xff, 0xff, 0x0f],                    // record length i32::MAX
            &[2, 0],                                            // ends after its attributes
            &[12, 0, 0, 0, 100, 1, 0],                          // key longer than the record
            &[12, 0, 0, 0, 1, 1, 1],                            // header count -1
            &[20, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f], // header count i32::MAX
            &[14, 0, 0, 0, 1, 1, 0, 9],                         // a byte too many inside the record
        ];
        for bytes in malformed {
            let seen: Vec<_> = Records::new(&header_with(1), bytes).collect();
            assert_eq!(seen, [Err(BatchError::Invalid(Flaw::Record))], "{bytes:?}");
        }
    }

    #[test]
    fn count_other_than_the_records_is_told() {
        let one = [12u8, 0, 0, 0, 1, 1, 0];
        let count = Err(BatchError::Invalid(Flaw::CountAgainstRecords));
        assert!(Records::new(&header_with(1), &one).all(|record| record.is_ok()));
        assert_eq!(Records::new(&header_with(0), &one).collect::<Vec<_>>(), [count]);
        assert_eq!(Records::new(&header_with(i32::MAX), &one).nth(1), Some(count));
        assert_eq!(Records::new(&header_with(-5), &[]).count(), 0);
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(count in -3i32..100, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for record in Records::new(&header_with(count), &bytes).flatten() {
                prop_assert!(record.headers().count() == record.header_count());
            }
        }
    }
}
