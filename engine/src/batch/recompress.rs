//! Owns the re-encoding of a batch for a topic whose `compression.type` is not `producer`.

use super::builder::{self, BatchBuilder};
use super::compression::Compression;
use super::error::{BatchError, Flaw};
use super::header::BatchHeader;
use super::record::{Header, Record, Records, record_bytes};

/// The batch with its records compressed as `compression` says. Offsets run 0..n inside it; producer, sequence, flags and timestamps stay.
/// The checksum of `batch` must have been verified; its records are checked here.
///
/// # Errors
/// `Compression` or `Invalid` if the records are not what the header says; `Full` if the result is larger than any batch may be.
pub fn recompress(
    header: &BatchHeader,
    batch: &[u8],
    compression: Compression,
    bytes_max: usize,
) -> Result<Vec<u8>, BatchError> {
    let records = record_bytes(header, batch, bytes_max)?;
    let mut consecutive = true;
    let mut expected = 0i32;
    for record in Records::new(header, &records) {
        consecutive &= record?.offset_delta == expected;
        expected += 1;
    }
    if expected == 0 {
        return Err(BatchError::Invalid(Flaw::NoRecords));
    }
    if consecutive && header.last_offset_delta == expected - 1 {
        // The encoded records do not depend on their codec: they go over as they are.
        return builder::repack(batch, header.attributes, compression, &records);
    }
    renumber(header, &records, compression)
}

fn renumber(header: &BatchHeader, records: &[u8], compression: Compression) -> Result<Vec<u8>, BatchError> {
    let mut builder = BatchBuilder::new()
        .compression(compression)
        .at(header.base_offset, header.leader_epoch)
        .producer(header.producer_id, header.producer_epoch, header.base_sequence);
    if header.attributes.is_transactional() {
        builder = builder.transactional();
    }
    for record in Records::new(header, records) {
        let record: Record<'_> = record?;
        let headers: Vec<Header<'_>> = record.headers().collect();
        builder.push(record.timestamp_ms(header), record.key, record.value, &headers)?;
    }
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Codec, verify_checksum};
    use crate::limits::DECOMPRESSED_BYTES_MAX;

    const CODECS: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

    fn source(codec: Codec) -> Vec<u8> {
        let mut builder =
            BatchBuilder::new().compression(Compression { codec, level: None }).producer(9, 2, 40).transactional();
        for index in 0..500i64 {
            let text = format!("value {index}");
            builder.push(1_000 + index, Some(b"key"), Some(text.as_bytes()), &[(b"name", None)]).unwrap();
        }
        builder.build().unwrap()
    }

    #[test]
    fn every_pair_of_codecs_keeps_the_records() {
        let plain = source(Codec::None);
        for from in CODECS {
            for to in CODECS {
                let batch = source(from);
                let header = BatchHeader::parse(&batch).unwrap();
                let result =
                    recompress(&header, &batch, Compression { codec: to, level: None }, DECOMPRESSED_BYTES_MAX)
                        .unwrap();
                let header = BatchHeader::parse(&result).unwrap();
                verify_checksum(&header, &result).unwrap();
                assert_eq!(header.bytes, result.len());
                assert_eq!(header.attributes.codec(), Ok(to));
                assert!(header.attributes.is_transactional());
                assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), (9, 2, 40));
                assert_eq!((header.base_timestamp_ms, header.max_timestamp_ms), (1_000, 1_499));
                assert_eq!(record_bytes(&header, &result, DECOMPRESSED_BYTES_MAX).unwrap(), &plain[61..]);
            }
        }
    }

    #[test]
    fn records_that_all_say_offset_zero_are_renumbered() {
        let record = [12u8, 0, 0, 0, 1, 1, 0];
        let mut builder = BatchBuilder::new();
        builder.push(7, None, None, &[]).unwrap();
        builder.push(7, None, None, &[]).unwrap();
        let batch = builder.build().unwrap();
        let header = BatchHeader::parse(&batch).unwrap();
        let zeros =
            builder::repack(&batch, header.attributes, Compression::default(), &[record, record].concat()).unwrap();
        let header = BatchHeader::parse(&zeros).unwrap();
        let result = recompress(&header, &zeros, Compression { codec: Codec::Zstd, level: None }, 1 << 20).unwrap();
        let header = BatchHeader::parse(&result).unwrap();
        let bytes = record_bytes(&header, &result, 1 << 20).unwrap();
        let deltas: Vec<i32> = Records::new(&header, &bytes).map(|record| record.unwrap().offset_delta).collect();
        assert_eq!(deltas, [0, 1]);
    }
}
