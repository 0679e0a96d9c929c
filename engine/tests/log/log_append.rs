//! Appending, reading back, rolling, recycling, restarting.

use crate::fixture::{append, batch, batches, key, open, read_all, segment_count, small_options, try_append};
use corelog_engine::ids::Offset;
use corelog_engine::log::{AppendRefused, ReadError};
use corelog_rt::testing;

#[test]
fn appended_batches_read_back() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let (log, said) = open(&directory, &small_options()).await;
        assert!(said.is_empty());
        let mut last = append(&log, key(0), 0, 3, 100).await;
        last = last.max(append(&log, key(1), 0, 1, 10).await);
        last = last.max(append(&log, key(0), 3, 2, 100).await);
        log.durable(last).await.unwrap();
        assert_eq!(read_all(&log, key(0), 0, 5, 1 << 20, 100).await, [0, 3]);
        assert_eq!(read_all(&log, key(0), 1, 5, 1 << 20, 100).await, [0, 3], "the batch that holds the offset");
        assert_eq!(read_all(&log, key(0), 3, 5, 1 << 20, 100).await, [3]);
        assert_eq!(read_all(&log, key(0), 0, 4, 1 << 20, 100).await, [0], "none beyond the bound");
        assert_eq!(read_all(&log, key(0), 0, 5, 1, 100).await, [0, 3], "one batch at a time");
        let none = log.read(key(0), Offset(0), Offset(5), 1, false).await.unwrap();
        assert!(none.slices.is_empty());
        let end = log.read(key(0), Offset(5), Offset(5), 100, true).await.unwrap();
        assert_eq!((end.slices.len(), end.next_offset), (0, Offset(5)));
        assert!(matches!(log.read(key(0), Offset(6), Offset(9), 1, true).await, Err(ReadError::OutOfRange { .. })));
        assert!(matches!(log.read(key(7), Offset(0), Offset(9), 1, true).await, Err(ReadError::UnknownPartition)));
        log.close().await;
    });
}

#[test]
fn failed_fill_leaves_nothing() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let (log, _) = open(&directory, &small_options()).await;
        let failed: Result<_, AppendRefused> = log.append(key(0), 500, |space| {
            space.fill(0xff);
            Err(AppendRefused::Closed)
        });
        assert_eq!(failed, Err(AppendRefused::Closed));
        let last = append(&log, key(0), 0, 1, 50).await;
        log.durable(last).await.unwrap();
        assert_eq!(read_all(&log, key(0), 0, 1, 100, 50).await, [0]);
        log.close().await;
    });
}

#[test]
fn many_partitions_over_many_segments_survive_restarts() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let options = small_options();
        const PARTITIONS: u32 = 40;
        const ROUNDS: i64 = 60;
        for life in 0..3 {
            let (log, _) = open(&directory, &options).await;
            let mut last = None;
            for round in 0..ROUNDS {
                for partition in 0..PARTITIONS {
                    let base = (life * ROUNDS + round) * 2;
                    last = last.max(Some(append(&log, key(partition), base, 2, 700).await));
                }
            }
            log.durable(last.unwrap()).await.unwrap();
            for partition in 0..PARTITIONS {
                let end = (life + 1) * ROUNDS * 2;
                let bases = read_all(&log, key(partition), 0, end, 10_000, 700).await;
                assert_eq!(bases, (0..end).step_by(2).collect::<Vec<_>>(), "partition {partition}");
                assert_eq!(log.partition_range(key(partition)), Some((Offset(0), Offset(end))));
            }
            assert!(segment_count(&log) > 1);
            log.close().await;
        }
    });
}

#[test]
fn batch_larger_than_a_commit_has_one_of_its_own() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let options = small_options();
        let (log, _) = open(&directory, &options).await;
        let mut base = 0;
        for payload in [10, 200_000, 10, 300_000, 390_000, 65_000, 390_000] {
            let last = append(&log, key(0), base, 1, payload).await;
            log.durable(last).await.unwrap();
            let records = log.read(key(0), Offset(base), Offset(base + 1), 1, true).await.unwrap();
            let found = batches(&records);
            assert_eq!(found[0].1.as_ref(), batch(base, 1, payload, 1_000_000 + base).as_slice());
            base += 1;
        }
        let too_large = try_append(&log, key(0), base, 1, options.segment_bytes as usize / 2);
        assert!(matches!(too_large, Err(AppendRefused::TooLarge { .. })));
        log.close().await;
    });
}

#[test]
fn segments_without_live_data_are_used_again() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let options = small_options();
        let (log, _) = open(&directory, &options).await;
        for base in 0..2000 {
            let last = append(&log, key(0), base, 1, 5000).await;
            if base % 50 == 49 {
                log.durable(last).await.unwrap();
                let last = log.log_start(key(0), Offset(base - 20)).unwrap();
                log.durable(last).await.unwrap();
            }
        }
        let statistics = log.sample();
        assert!(segment_count(&log) <= 3, "{statistics:?}");
        assert!(statistics.disk_bytes <= 7 * options.segment_bytes, "{statistics:?}");
        assert!(matches!(log.read(key(0), Offset(1), Offset(2000), 1, true).await, Err(ReadError::OutOfRange { .. })));
        assert_eq!(read_all(&log, key(0), 1979, 2000, 9000, 5000).await, (1979..2000).collect::<Vec<_>>());
        log.close().await;
        let (log, _) = open(&directory, &options).await;
        assert_eq!(log.partition_range(key(0)), Some((Offset(1979), Offset(2000))));
        assert_eq!(read_all(&log, key(0), 1979, 2000, 9000, 5000).await, (1979..2000).collect::<Vec<_>>());
        log.close().await;
    });
}
