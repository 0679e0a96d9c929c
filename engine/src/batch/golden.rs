//! Batches made by Kafka's own Java classes (4.3.1), kept as fixtures: read whole, record by record, and packed again.

use super::*;
use crate::limits::DECOMPRESSED_BYTES_MAX;
use proptest::prelude::*;

const GOLDEN: [(Codec, &[u8]); 5] = [
    (Codec::None, include_bytes!("../../tests/fixtures/batches/none.batch")),
    (Codec::Gzip, include_bytes!("../../tests/fixtures/batches/gzip.batch")),
    (Codec::Snappy, include_bytes!("../../tests/fixtures/batches/snappy.batch")),
    (Codec::Lz4, include_bytes!("../../tests/fixtures/batches/lz4.batch")),
    (Codec::Zstd, include_bytes!("../../tests/fixtures/batches/zstd.batch")),
];
const RECORDS: i64 = 200;

fn value(index: i64) -> Vec<u8> {
    format!("value {index} ").repeat((index % 7 * 3) as usize).into_bytes()
}

fn timestamp_ms(index: i64) -> i64 {
    1_700_000_000_000 + index * 37 % 1_000
}

#[test]
fn batches_of_java_are_read_record_by_record() {
    for (codec, batch) in GOLDEN {
        let (header, batch) = only_batch(batch).unwrap();
        verify_checksum(&header, batch).unwrap();
        assert_eq!(header.attributes.codec(), Ok(codec));
        assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), (4711, 3, 17));
        assert_eq!((header.record_count, header.last_offset_delta), (200, 199));
        assert_eq!((header.base_timestamp_ms, header.max_timestamp_ms), (timestamp_ms(0), 1_700_000_000_999));
        let records = record_bytes(&header, batch, DECOMPRESSED_BYTES_MAX).unwrap();
        let mut walk = Records::new(&header, &records);
        for index in 0..RECORDS {
            let record = walk.next().unwrap().unwrap();
            assert_eq!(i64::from(record.offset_delta), index);
            assert_eq!(record.timestamp_ms(&header), timestamp_ms(index));
            let key = format!("key-{index}");
            assert_eq!(record.key, (index % 4 != 0).then_some(key.as_bytes()));
            assert_eq!(record.value, (index % 5 != 0).then_some(&value(index)[..]));
            let (name, text) = (format!("h{index}"), format!("v{index}"));
            let headers: Vec<Header<'_>> = record.headers().collect();
            let expected: &[Header<'_>] = &[(name.as_bytes(), Some(text.as_bytes())), (b"null", None)];
            assert_eq!(headers, if index % 3 == 0 { expected } else { &[] });
        }
        assert_eq!(walk.next(), None);
        let rules = Rules { compacted: false, timestamp_before_ms_max: 1_000, ..Rules::default() };
        assert_eq!(validate::check_records(&header, batch, &rules, 1_700_000_001_000), Ok(1_700_000_000_999));
    }
}

#[test]
fn builder_writes_the_bytes_that_java_writes() {
    let mut builder = BatchBuilder::new().producer(4711, 3, 17);
    for index in 0..RECORDS {
        let (key, name, text) = (format!("key-{index}"), format!("h{index}"), format!("v{index}"));
        let headers: &[Header<'_>] = &[(name.as_bytes(), Some(text.as_bytes())), (b"null", None)];
        builder
            .push(
                timestamp_ms(index),
                (index % 4 != 0).then_some(key.as_bytes()),
                (index % 5 != 0).then_some(&value(index)),
                if index % 3 == 0 { headers } else { &[] },
            )
            .unwrap();
    }
    assert_eq!(builder.build().unwrap(), GOLDEN[0].1);
}

/// Everything that a broker does with a client's batch, the checksum aside: a hostile client computes that too.
fn judge(bytes: &[u8], rules: &Rules) -> Result<i64, BatchError> {
    let (header, batch) = only_batch(bytes)?;
    validate::check_envelope(&header, rules)?;
    validate::check_header(&header)?;
    validate::check_records(&header, batch, rules, 1_700_000_001_000)
}

proptest! {
    #[test]
    fn mutated_batches_are_judged_without_a_panic(
        golden in 0..GOLDEN.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        near_the_front in any::<bool>(),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = GOLDEN[golden].1.to_vec();
        for (position, value) in changes {
            let range = if near_the_front { 90 } else { bytes.len() };
            bytes[position.index(range)] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let rules = Rules { timestamp_before_ms_max: 5_000, ..Rules::default() };
        if let Ok(max_timestamp_ms) = judge(&bytes, &rules) {
            prop_assert!(max_timestamp_ms <= 1_700_000_001_000 + rules.timestamp_after_ms_max);
        }
    }
}
