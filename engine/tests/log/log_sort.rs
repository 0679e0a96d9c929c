//! Sorting: segments in which many partitions lie in small pieces are written anew, once, for those who read one partition of them when it is cold. What
//! dies soon, and what few partitions share, is written once and never moved.

use crate::fixture::{Collector, batch, meta, small_options, until};
use corelog_engine::ids::{PartitionKey, TopicNumber};
#[cfg(sim)]
use corelog_engine::log::Retention;
use corelog_engine::log::{AppendRefused, EntryProgress, LogObserver, LogOptions, LogSample, ShardLog};
use corelog_rt::{testing, time};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

const PAYLOAD: usize = 1000;
const BATCHES_PER_PARTITION: i64 = 150;
const SORT_AFTER: Duration = Duration::from_secs(1);

fn options(sort_after: Option<Duration>) -> LogOptions {
    let mut options = small_options();
    options.settle.interval = Duration::from_millis(100);
    options.settle.sort_after = sort_after;
    options
}

fn key(partition: u32) -> PartitionKey {
    PartitionKey { topic: TopicNumber(9), partition }
}

/// Says how long all partitions keep their records.
struct Kept(Option<i64>);

impl LogObserver for Kept {
    fn written(&self, _progress: &[EntryProgress]) {}

    fn durable(&self, _progress: &[EntryProgress]) {}

    fn checkpoint(&self, _out: &mut dyn FnMut(PartitionKey, &[u8])) {}

    fn space(&self, _full: bool) {}

    fn retention_ms(&self, _key: PartitionKey) -> Option<i64> {
        self.0
    }
}

async fn open(directory: &Path, options: LogOptions, kept_ms: Option<i64>) -> ShardLog {
    let mut sink = Collector::default();
    let log = ShardLog::open(directory.to_owned(), options, &mut sink).await.expect("opens");
    log.set_observer(Rc::new(Kept(kept_ms)));
    log.start();
    log
}

async fn append(log: &ShardLog, partition: u32, base: i64) {
    let now_ms = time::unix_ms();
    let bytes = batch(base, 1, PAYLOAD, now_ms);
    loop {
        let appended = log.append(key(partition), bytes.len(), |space| {
            space.copy_from_slice(&bytes);
            Ok::<_, AppendRefused>(meta(base, 1, now_ms))
        });
        match appended {
            Ok(_) => return,
            Err(AppendRefused::Busy) => log.admission().await,
            Err(refused) => panic!("{refused}"),
        }
    }
}

/// Appends to so many partitions in turn.
async fn interleave(log: &ShardLog, partitions: u32) {
    for base in 0..BATCHES_PER_PARTITION {
        for partition in 0..partitions {
            append(log, partition, base).await;
        }
    }
}

fn sorted(sample: &LogSample) -> u64 {
    sample.settle_passes.iter().filter(|(reason, _)| *reason == "fragments").map(|(_, passes)| passes).sum()
}

/// Reads a partition from its start to its end. Gives back its bytes, and what was read from the device for them in how many reads.
async fn read_cold(log: &ShardLog, partition: u32) -> (u64, u64, u64) {
    let before = log.sample();
    let (mut next, end) = log.partition_range(key(partition)).expect("it is known");
    let mut bytes = 0;
    while next < end {
        let records = log.read(key(partition), next, end, 64 << 10, true).await.expect("reads");
        assert!(records.next_offset > next);
        (next, bytes) = (records.next_offset, bytes + records.bytes as u64);
    }
    let after = log.sample();
    (bytes, after.device_read_bytes - before.device_read_bytes, after.device_reads - before.device_reads)
}

#[test]
fn cold_reader_of_one_among_many_partitions_reads_what_it_wants() {
    for is_sorted in [true, false] {
        testing::run(move || async move {
            let directory = testing::temp_dir();
            let settings = options(is_sorted.then_some(SORT_AFTER));
            let log = open(&directory, settings.clone(), None).await;
            interleave(&log, 64).await;
            let wait = Duration::from_secs(if cfg!(sim) { 60 } else { 8 });
            if is_sorted {
                until("segments are sorted", async || sorted(&log.sample()) > 0).await;
            }
            time::sleep(wait).await;
            let found = log.sample();
            assert_eq!(sorted(&found) > 0, is_sorted);
            // Written once by appends, and at most once by sorting.
            assert!(
                found.settle_bytes <= found.batch_bytes * 11 / 10,
                "{} of {}",
                found.settle_bytes,
                found.batch_bytes
            );
            time::sleep(wait).await;
            assert_eq!(log.sample().settle_bytes, found.settle_bytes, "what is sorted stays as it is");
            log.close().await;
            let log = open(&directory, settings, None).await;
            let (wanted, read, reads) = read_cold(&log, 7).await;
            assert!(wanted >= BATCHES_PER_PARTITION as u64 * PAYLOAD as u64);
            let block_bytes = options(None).read_block_bytes as u64;
            if is_sorted {
                assert!(read < wanted * 5 / 2, "{read} bytes were read for {wanted}");
                assert!(reads <= read.div_ceil(block_bytes) + 4, "{reads} reads for {read} bytes");
            } else {
                assert!(read > wanted * 6, "{read} bytes were read for {wanted}: nothing needs sorting");
            }
            for partition in 0..64 {
                assert!(read_cold(&log, partition).await.0 >= BATCHES_PER_PARTITION as u64 * PAYLOAD as u64);
            }
            assert!(log.verify().await.flaws.is_empty());
            log.close().await;
        });
    }
}

#[test]
fn what_few_partitions_share_is_not_sorted() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let log = open(&directory, options(Some(Duration::ZERO)), None).await;
        for base in 0..1500 {
            for partition in 0..4 {
                append(&log, partition, base).await;
            }
        }
        time::sleep(Duration::from_secs(2)).await;
        let found = log.sample();
        assert!(found.segments_sealed > 4);
        assert_eq!((sorted(&found), found.settle_bytes), (0, 0));
        log.close().await;
    });
}

/// Dense traffic on one retention, in pieces as small as those that are sorted where they live long: a write amplification of 1.0.
#[cfg(sim)]
#[test]
fn what_lives_less_than_many_times_the_wait_is_written_once() {
    const KEPT_MS: i64 = 20_000;
    for kept_ms in [Some(KEPT_MS), None] {
        testing::run(move || async move {
            let directory = testing::temp_dir();
            let log = open(&directory, options(Some(SORT_AFTER)), kept_ms).await;
            for base in 0..600 {
                for partition in 0..64 {
                    append(&log, partition, base).await;
                }
                if let (Some(kept_ms), 0) = (kept_ms, base % 10) {
                    for partition in 0..64 {
                        let before_timestamp_ms = Some(time::unix_ms() - kept_ms);
                        let retention = Retention { before_timestamp_ms, bytes_max: None };
                        if let Some(start) = log.expire(key(partition), &retention) {
                            log.log_start(key(partition), start).expect("there is room");
                        }
                    }
                }
                time::sleep(Duration::from_millis(100)).await;
            }
            let found = log.sample();
            assert_eq!(sorted(&found) > 0, kept_ms.is_none(), "{:?}", found.settle_passes);
            if kept_ms.is_some() {
                assert_eq!(found.settle_bytes, 0, "a write amplification of 1.0");
                assert!(found.disk_bytes < 30 << 20, "{} bytes of disk", found.disk_bytes);
            }
            log.close().await;
        });
    }
}
