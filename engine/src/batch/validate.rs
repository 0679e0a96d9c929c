//! Owns the judgement over batches that clients produce: what Kafka refuses is refused, with the same distinctions.
//!
//! The order is Kafka's: shape of the request, base offset, size, checksum, header, records. The checksum comes before whatever it covers, so
//! that damage on the way is told as damage (which clients retry) and not as a bad batch (which they do not).
//!
//! How far the broker looks:
//! - An uncompressed batch is walked record by record: number, encoding, offset deltas, timestamps, keys. That costs a few varints a record on
//!   bytes that were just copied. Kafka would store records whose offset deltas are not 0..n as they are; here they are refused.
//! - A compressed batch is judged by its header alone, its timestamps by the batch's first and largest one, unless the topic needs more:
//!   compaction (keys), a finite `message.timestamp.before.max.ms` (the smallest timestamp is not in the header), or another
//!   `compression.type`. Then it is decompressed within a cap and walked like an uncompressed one.

use super::error::{BatchError, Flaw};
use super::header::{BatchHeader, Codec, NO_PRODUCER_ID, NO_TIMESTAMP, TimestampType};
use super::record::{Records, record_bytes};
use crate::limits::DECOMPRESSED_BYTES_MAX;

/// What a topic asks of the batches that clients send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// `max.message.bytes`: of a whole batch as stored.
    pub bytes_max: usize,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`: how far a timestamp may lie before the broker's clock.
    pub timestamp_before_ms_max: i64,
    /// `message.timestamp.after.max.ms`: how far it may lie after it.
    pub timestamp_after_ms_max: i64,
    /// `cleanup.policy` includes `compact`: every record needs a key.
    pub compacted: bool,
}

impl Default for Rules {
    /// Kafka's defaults.
    fn default() -> Rules {
        Rules {
            bytes_max: 1_048_588,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_ms_max: i64::MAX,
            timestamp_after_ms_max: 3_600_000,
            compacted: false,
        }
    }
}

impl Rules {
    /// Whether the records of a compressed batch must be looked at.
    pub fn look_inside(&self) -> bool {
        self.compacted || (self.timestamp_type == TimestampType::CreateTime && self.timestamp_before_ms_max != i64::MAX)
    }
}

/// The one batch that a Produce request may carry for a partition. A partial one behind it is ignored, as Kafka does.
///
/// # Errors
/// `Invalid(NoBatch)` without a whole batch, `Invalid(SeveralBatches)`, and whatever [`BatchHeader::parse`] finds.
pub fn only_batch(records: &[u8]) -> Result<(BatchHeader, &[u8]), BatchError> {
    let Some((header, batch, rest)) = split_batch(records)? else {
        return Err(BatchError::Invalid(Flaw::NoBatch));
    };
    match split_batch(rest) {
        Ok(None) => Ok((header, batch)),
        Ok(Some(_)) => Err(BatchError::Invalid(Flaw::SeveralBatches)),
        Err(error) => Err(error),
    }
}

type Split<'a> = (BatchHeader, &'a [u8], &'a [u8]);

fn split_batch(bytes: &[u8]) -> Result<Option<Split<'_>>, BatchError> {
    let header = match BatchHeader::parse(bytes) {
        Ok(header) => header,
        Err(BatchError::Truncated { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(bytes.split_at_checked(header.bytes).map(|(batch, rest)| (header, batch, rest)))
}

/// What Kafka checks before the checksum: base offset and size.
///
/// # Errors
/// `Invalid(BaseOffset)` or `TooLarge`.
pub fn check_envelope(header: &BatchHeader, rules: &Rules) -> Result<(), BatchError> {
    if header.base_offset.0 != 0 {
        return Err(BatchError::Invalid(Flaw::BaseOffset));
    }
    check_size(header.bytes, rules)
}

/// The size of a batch as it would be stored; asked again after a re-compression.
///
/// # Errors
/// `TooLarge`.
pub fn check_size(bytes: usize, rules: &Rules) -> Result<(), BatchError> {
    if bytes > rules.bytes_max { Err(BatchError::TooLarge { bytes, bytes_max: rules.bytes_max }) } else { Ok(()) }
}

/// What a client's header may say. The checksum must have been verified, or be verified before this error is told.
///
/// # Errors
/// `Invalid` with the contradiction, `TimestampType` for a stamp that only brokers set.
pub fn check_header(header: &BatchHeader) -> Result<(), BatchError> {
    let flaw = if header.last_offset_delta < 0 {
        Flaw::CountAgainstOffsets
    } else if header.record_count <= 0 {
        Flaw::NoRecords
    } else if i64::from(header.last_offset_delta) + 1 != i64::from(header.record_count) {
        Flaw::CountAgainstOffsets
    } else if header.attributes.is_control() {
        Flaw::ControlBatch
    } else if header.producer_id != NO_PRODUCER_ID && (header.base_sequence < 0 || header.producer_epoch < 0) {
        Flaw::Sequence
    } else {
        header.attributes.codec()?;
        return match header.attributes.timestamp_type() {
            TimestampType::CreateTime => Ok(()),
            TimestampType::LogAppendTime => Err(BatchError::TimestampType),
        };
    };
    Err(BatchError::Invalid(flaw))
}

/// The records of a batch whose header passed [`check_header`] and whose checksum is right. Gives the largest timestamp in ms.
///
/// # Errors
/// `Invalid`, `Compression`, `Timestamp` or `MissingKey`, of the first record that is wrong.
pub fn check_records(header: &BatchHeader, batch: &[u8], rules: &Rules, now_ms: i64) -> Result<i64, BatchError> {
    if header.attributes.codec()? != Codec::None && !rules.look_inside() {
        // Base and largest timestamp stand for all: the smallest does not matter without a bound on the past.
        check_timestamp(header.max_timestamp_ms, header.last_offset_delta, rules, now_ms)?;
        check_timestamp(header.base_timestamp_ms, 0, rules, now_ms)?;
        return Ok(header.max_timestamp_ms);
    }
    let records = record_bytes(header, batch, DECOMPRESSED_BYTES_MAX)?;
    check_record_bytes(header, &records, rules, now_ms)
}

/// As [`check_records`], of records that are decompressed already.
///
/// # Errors
/// `Invalid`, `Timestamp` or `MissingKey`, of the first record that is wrong.
pub fn check_record_bytes(header: &BatchHeader, records: &[u8], rules: &Rules, now_ms: i64) -> Result<i64, BatchError> {
    let mut max_timestamp_ms = NO_TIMESTAMP;
    for (index, record) in (0i32..).zip(Records::new(header, records)) {
        let record = record?;
        if record.offset_delta != index {
            return Err(BatchError::Invalid(Flaw::RecordOffsetDelta));
        }
        if rules.compacted && record.key.is_none() {
            return Err(BatchError::MissingKey { record: index });
        }
        let timestamp_ms = record.timestamp_ms(header);
        check_timestamp(timestamp_ms, index, rules, now_ms)?;
        max_timestamp_ms = max_timestamp_ms.max(timestamp_ms);
    }
    Ok(max_timestamp_ms)
}

fn check_timestamp(timestamp_ms: i64, record: i32, rules: &Rules, now_ms: i64) -> Result<(), BatchError> {
    if rules.timestamp_type == TimestampType::LogAppendTime || timestamp_ms == NO_TIMESTAMP {
        return Ok(());
    }
    let age_ms = now_ms.saturating_sub(timestamp_ms);
    let lead_ms = timestamp_ms.saturating_sub(now_ms);
    if age_ms > rules.timestamp_before_ms_max || lead_ms > rules.timestamp_after_ms_max {
        return Err(BatchError::Timestamp { timestamp_ms, record });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{BatchBuilder, Compression};

    const NOW_MS: i64 = 1_700_000_000_000;

    fn batch(codec: Codec, timestamps: &[i64]) -> Vec<u8> {
        let mut builder = BatchBuilder::new().compression(Compression { codec, level: None });
        for &timestamp_ms in timestamps {
            builder.push(timestamp_ms, Some(b"key"), Some(b"value"), &[]).unwrap();
        }
        builder.build().unwrap()
    }

    fn judge(batch: &[u8], rules: &Rules) -> Result<i64, BatchError> {
        let (header, batch) = only_batch(batch)?;
        check_envelope(&header, rules)?;
        check_header(&header)?;
        check_records(&header, batch, rules, NOW_MS)
    }

    fn header() -> BatchHeader {
        BatchHeader::parse(&batch(Codec::None, &[NOW_MS, NOW_MS])).unwrap()
    }

    #[test]
    fn one_whole_batch_is_asked_for() {
        let one = batch(Codec::None, &[NOW_MS]);
        assert!(only_batch(&one).is_ok());
        for cut in [0, 10, 16, 40, 60, one.len() - 1] {
            assert_eq!(only_batch(&one[..cut]), Err(BatchError::Invalid(Flaw::NoBatch)), "{cut}");
        }
        let two = [&one[..], &one].concat();
        assert_eq!(only_batch(&two), Err(BatchError::Invalid(Flaw::SeveralBatches)));
        assert!(only_batch(&two[..two.len() - 1]).is_ok());
    }

    #[test]
    fn contradicting_header_is_refused() {
        let good = header();
        assert_eq!(check_header(&good), Ok(()));
        let flaw = |header: BatchHeader| check_header(&header).unwrap_err();
        let invalid = BatchError::Invalid;
        assert_eq!(flaw(BatchHeader { last_offset_delta: -1, ..good }), invalid(Flaw::CountAgainstOffsets));
        assert_eq!(flaw(BatchHeader { last_offset_delta: i32::MAX, ..good }), invalid(Flaw::CountAgainstOffsets));
        assert_eq!(flaw(BatchHeader { record_count: 0, ..good }), invalid(Flaw::NoRecords));
        assert_eq!(flaw(BatchHeader { record_count: 3, ..good }), invalid(Flaw::CountAgainstOffsets));
        assert_eq!(
            flaw(BatchHeader { attributes: crate::batch::Attributes(0x20), ..good }),
            invalid(Flaw::ControlBatch)
        );
        assert_eq!(flaw(BatchHeader { attributes: crate::batch::Attributes(5), ..good }), invalid(Flaw::UnknownCodec));
        assert_eq!(flaw(BatchHeader { attributes: crate::batch::Attributes(8), ..good }), BatchError::TimestampType);
        assert_eq!(flaw(BatchHeader { producer_id: 5, producer_epoch: 0, ..good }), invalid(Flaw::Sequence));
        assert_eq!(flaw(BatchHeader { producer_id: 5, base_sequence: 0, ..good }), invalid(Flaw::Sequence));
    }

    #[test]
    fn base_offset_and_size_are_bounded() {
        let good = header();
        let rules = Rules { bytes_max: good.bytes, ..Rules::default() };
        assert_eq!(check_envelope(&good, &rules), Ok(()));
        let moved = BatchHeader { base_offset: crate::ids::Offset(1), ..good };
        assert_eq!(check_envelope(&moved, &rules), Err(BatchError::Invalid(Flaw::BaseOffset)));
        let larger = BatchHeader { bytes: good.bytes + 1, ..good };
        assert_eq!(
            check_envelope(&larger, &rules),
            Err(BatchError::TooLarge { bytes: good.bytes + 1, bytes_max: good.bytes })
        );
    }

    #[test]
    fn timestamps_outside_the_bounds_are_told_for_every_codec() {
        let rules = Rules { timestamp_before_ms_max: 1_000, timestamp_after_ms_max: 2_000, ..Rules::default() };
        for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
            assert_eq!(judge(&batch(codec, &[NOW_MS - 1_000, NOW_MS + 2_000, NOW_MS]), &rules), Ok(NOW_MS + 2_000));
            assert_eq!(judge(&batch(codec, &[NOW_MS, -1]), &rules), Ok(NOW_MS));
            let early = judge(&batch(codec, &[NOW_MS, NOW_MS - 1_001, NOW_MS]), &rules);
            assert_eq!(early, Err(BatchError::Timestamp { timestamp_ms: NOW_MS - 1_001, record: 1 }));
            let late = judge(&batch(codec, &[NOW_MS, NOW_MS + 2_001]), &rules);
            assert_eq!(late, Err(BatchError::Timestamp { timestamp_ms: NOW_MS + 2_001, record: 1 }));
            let late = judge(&batch(codec, &[NOW_MS, NOW_MS + 3_600_001]), &Rules::default());
            assert_eq!(late, Err(BatchError::Timestamp { timestamp_ms: NOW_MS + 3_600_001, record: 1 }));
            let stamped = Rules { timestamp_type: TimestampType::LogAppendTime, ..rules };
            assert!(judge(&batch(codec, &[0, i64::MAX / 2]), &stamped).is_ok());
        }
    }

    #[test]
    fn compacted_topic_needs_keys() {
        let rules = Rules { compacted: true, ..Rules::default() };
        for codec in [Codec::None, Codec::Zstd] {
            let mut builder = BatchBuilder::new().compression(Compression { codec, level: None });
            builder.push(NOW_MS, Some(b""), None, &[]).unwrap();
            builder.push(NOW_MS, None, Some(b"value"), &[]).unwrap();
            let batch = builder.build().unwrap();
            assert_eq!(judge(&batch, &rules), Err(BatchError::MissingKey { record: 1 }));
            assert_eq!(judge(&batch, &Rules::default()), Ok(NOW_MS));
        }
    }

    #[test]
    fn uncompressed_records_are_counted() {
        let mut bytes = batch(Codec::None, &[NOW_MS, NOW_MS]);
        bytes[26] = 2;
        bytes[60] = 3;
        assert_eq!(judge(&bytes, &Rules::default()), Err(BatchError::Invalid(Flaw::CountAgainstRecords)));
        bytes[26] = 0;
        bytes[60] = 1;
        assert_eq!(judge(&bytes, &Rules::default()), Err(BatchError::Invalid(Flaw::CountAgainstRecords)));
    }
}
