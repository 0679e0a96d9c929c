//! Owns the CRC-32C of batches: alone, and fused with the one copy a batch makes on its way to the device.
//!
//! The checksum of a slice is taken right after the slice was copied, while it is still in the first-level cache, so that the second pass
//! over the bytes costs no memory traffic.

use super::error::BatchError;
use super::header::{ATTRIBUTES_AT, BatchHeader};
use crate::limits::CHECKSUM_STEP_BYTES;
use crc_fast::{CrcAlgorithm, Digest};

/// CRC-32C of the covered part of `batch`, a whole batch of at least 61 bytes.
pub fn checksum_of(batch: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(covered(batch))
}

/// Compares the batch's checksum with its bytes.
///
/// # Errors
/// `Checksum` if they differ.
pub fn verify_checksum(header: &BatchHeader, batch: &[u8]) -> Result<(), BatchError> {
    compare(header, checksum_of(batch))
}

/// Copies the whole batch `source` to `target` of the same length, and compares its checksum on the way. `target` is filled either way.
///
/// # Errors
/// `Checksum` if the batch's bytes do not match it.
pub fn copy_checked(header: &BatchHeader, source: &[u8], target: &mut [u8]) -> Result<(), BatchError> {
    assert_eq!(source.len(), target.len(), "the batch has exactly the room it needs");
    if source.len() <= CHECKSUM_STEP_BYTES {
        target.copy_from_slice(source);
        return compare(header, crc_fast::crc32_iscsi(covered(target)));
    }
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    let mut skip = ATTRIBUTES_AT;
    for (from, to) in source.chunks(CHECKSUM_STEP_BYTES).zip(target.chunks_mut(CHECKSUM_STEP_BYTES)) {
        to.copy_from_slice(from);
        digest.update(to.get(skip..).unwrap_or_default());
        skip = 0;
    }
    compare(header, digest.finalize() as u32)
}

fn compare(header: &BatchHeader, computed: u32) -> Result<(), BatchError> {
    if header.crc == computed { Ok(()) } else { Err(BatchError::Checksum { stored: header.crc, computed }) }
}

fn covered(batch: &[u8]) -> &[u8] {
    batch.get(ATTRIBUTES_AT..).expect("a whole batch is longer than its uncovered prefix")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::BatchBuilder;
    use proptest::prelude::*;

    fn batch_of(value_bytes: usize) -> Vec<u8> {
        let mut builder = BatchBuilder::new();
        let value: Vec<u8> = (0..value_bytes).map(|index| index as u8).collect();
        builder.push(1, None, Some(&value), &[]).unwrap();
        builder.build().unwrap()
    }

    #[test]
    fn known_vector_of_crc32c() {
        let mut batch = vec![0; ATTRIBUTES_AT];
        batch.extend(b"123456789");
        assert_eq!(checksum_of(&batch), 0xe306_9283);
    }

    proptest! {
        #[test]
        fn copy_finds_every_flipped_bit(value_bytes in 0usize..50_000, position: prop::sample::Index, bit in 0u8..8) {
            let mut batch = batch_of(value_bytes);
            let mut target = vec![0; batch.len()];
            let header = BatchHeader::parse(&batch).unwrap();
            prop_assert_eq!(copy_checked(&header, &batch, &mut target), Ok(()));
            prop_assert_eq!(&batch, &target);
            prop_assert_eq!(verify_checksum(&header, &batch), Ok(()));
            let at = ATTRIBUTES_AT + position.index(batch.len() - ATTRIBUTES_AT);
            batch[at] ^= 1 << bit;
            let is_checksum_error = matches!(copy_checked(&header, &batch, &mut target), Err(BatchError::Checksum { .. }));
            prop_assert!(is_checksum_error);
        }
    }
}
