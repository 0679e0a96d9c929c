//! Owns the changes that a broker makes to a batch in place.
//!
//! Base offset and leader epoch lie outside the checksum; a changed timestamp makes a new one necessary. All take a whole batch that was
//! parsed before, and assert so.

use super::checksum::checksum_of;
use super::header::{ATTRIBUTES_AT, Attributes, CRC_AT, LEADER_EPOCH_AT, MAX_TIMESTAMP_AT, TimestampType};
use crate::ids::{LeaderEpoch, Offset};
use crate::limits::BATCH_HEADER_BYTES;

/// Writes where the batch begins in its partition, and in whose term it was appended. The checksum stays valid.
pub fn assign(batch: &mut [u8], base_offset: Offset, leader_epoch: LeaderEpoch) {
    put(batch, 0, &base_offset.0.to_be_bytes());
    put(batch, LEADER_EPOCH_AT, &leader_epoch.0.to_be_bytes());
}

/// Writes the largest timestamp and who stamped the records, then the checksum that this makes necessary.
pub fn stamp(batch: &mut [u8], attributes: Attributes, timestamp_type: TimestampType, max_timestamp_ms: i64) {
    let attributes = match timestamp_type {
        TimestampType::CreateTime => attributes.0 & !Attributes::LOG_APPEND_TIME,
        TimestampType::LogAppendTime => attributes.0 | Attributes::LOG_APPEND_TIME,
    };
    put(batch, ATTRIBUTES_AT, &attributes.to_be_bytes());
    put(batch, MAX_TIMESTAMP_AT, &max_timestamp_ms.to_be_bytes());
    let crc = checksum_of(batch);
    put(batch, CRC_AT, &crc.to_be_bytes());
}

fn put(batch: &mut [u8], at: usize, bytes: &[u8]) {
    assert!(batch.len() >= BATCH_HEADER_BYTES, "only whole batches are patched");
    batch
        .get_mut(at..at + bytes.len())
        .expect("every field of the header lies inside its 61 bytes")
        .copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{BatchBuilder, BatchHeader, verify_checksum};

    #[test]
    fn patched_batch_keeps_a_valid_checksum() {
        let mut builder = BatchBuilder::new();
        builder.push(1_000, Some(b"key"), Some(b"value"), &[]).unwrap();
        let mut batch = builder.build().unwrap();
        assign(&mut batch, Offset(77), LeaderEpoch(5));
        let header = BatchHeader::parse(&batch).unwrap();
        assert_eq!((header.base_offset, header.leader_epoch), (Offset(77), LeaderEpoch(5)));
        verify_checksum(&header, &batch).unwrap();
        stamp(&mut batch, header.attributes, TimestampType::LogAppendTime, 123_456);
        let header = BatchHeader::parse(&batch).unwrap();
        assert_eq!(header.attributes.timestamp_type(), TimestampType::LogAppendTime);
        assert_eq!(header.max_timestamp_ms, 123_456);
        verify_checksum(&header, &batch).unwrap();
        stamp(&mut batch, header.attributes, TimestampType::CreateTime, 1_000);
        let header = BatchHeader::parse(&batch).unwrap();
        assert_eq!(header.attributes, Attributes(0));
        verify_checksum(&header, &batch).unwrap();
    }
}
