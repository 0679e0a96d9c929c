//! Owns the re-encoding of a batch for a topic whose `compression.type` is not `producer`.

use super::builder;
use super::compression::Compression;
use super::error::BatchError;
use super::header::BatchHeader;

/// The batch with its decompressed `records`, which were checked, compressed as `compression` says. The encoding of records does not depend on
/// their codec, so they go over as they are; offset, producer, sequence, flags and timestamps stay.
///
/// # Errors
/// `Invalid(Full)` if the result is larger than any batch may be.
pub fn recompress(
    header: &BatchHeader,
    batch: &[u8],
    records: &[u8],
    compression: Compression,
) -> Result<Vec<u8>, BatchError> {
    builder::repack(batch, header.attributes, compression, records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{BatchBuilder, Codec, record_bytes, verify_checksum};
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
                let records = record_bytes(&header, &batch, DECOMPRESSED_BYTES_MAX).unwrap();
                let result = recompress(&header, &batch, &records, Compression { codec: to, level: None }).unwrap();
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
}
