//! Owns the inputs: record batches like those of clients, the same in every run.

use corelog_engine::batch::{BatchBuilder, BatchHeader};

/// The broker's clock in every case, in ms.
pub const NOW_MS: i64 = 1_700_000_000_000;

/// Bytes of a batch that [`batch`] makes, without building it.
pub const fn batch_bytes(records: u64, value_bytes: u64) -> u64 {
    // Of each record: length, attributes, timestamp, offset, no key, length of the value, no headers.
    let mut bytes = 61;
    let mut record = 0;
    while record < records {
        let body = 1 + 1 + varint_bytes(record) + 1 + varint_bytes(value_bytes) + value_bytes + 1;
        bytes += varint_bytes(body) + body;
        record += 1;
    }
    bytes
}

const fn varint_bytes(value: u64) -> u64 {
    let mut bytes = 1;
    let mut rest = (value * 2) >> 7;
    while rest > 0 {
        bytes += 1;
        rest >>= 7;
    }
    bytes
}

/// An uncompressed batch of `records` without keys, each with a value of `value_bytes`, as a producer sends it.
pub fn batch(records: usize, value_bytes: usize) -> Vec<u8> {
    let value: Vec<u8> = (0..value_bytes).map(|index| (index % 251) as u8).collect();
    let mut builder = BatchBuilder::new();
    for _ in 0..records {
        builder.push(NOW_MS, None, Some(&value), &[]).expect("it takes so few records");
    }
    builder.build().expect("it has records")
}

/// The header of a batch that was just built.
pub fn header_of(batch: &[u8]) -> BatchHeader {
    BatchHeader::parse(batch).expect("a batch that was just built")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predicted_bytes_are_those_of_the_batch() {
        for (records, value_bytes) in [(1, 10), (1, 1000), (16, 1000), (150, 100), (1000, 1000)] {
            let built = batch(records, value_bytes).len() as u64;
            assert_eq!(batch_bytes(records as u64, value_bytes as u64), built, "{records} of {value_bytes}");
        }
    }
}
