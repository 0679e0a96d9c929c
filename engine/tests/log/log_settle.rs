//! The settling pass: space that topics with little retention leave behind comes back although others keep theirs, and nobody who reads
//! notices.

#[cfg(sim)]
use crate::fixture::segment_count;
use crate::fixture::{append, key, open, read_all, small_options, until};
use corelog_engine::ids::Offset;
#[cfg(sim)]
use corelog_engine::ids::PartitionKey;
#[cfg(sim)]
use corelog_engine::log::{AppendRefused, EntryProgress, LogObserver, Retention};
use corelog_engine::log::{LogOptions, ReadError, ShardLog};
use corelog_rt::testing;
use corelog_rt::time;
use std::time::Duration;

const SHORT_LIVED: u32 = 20;
const LONG_LIVED: u32 = 20;
const PAYLOAD: usize = 700;

fn options(is_on: bool) -> LogOptions {
    let mut options = small_options();
    options.settle.is_on = is_on;
    options.settle.interval = Duration::from_millis(1);
    options.settle.rest_max = Duration::ZERO;
    options
}

/// Appends to twenty partitions that keep their last few batches and, a tenth as often, to one that keeps everything.
async fn mixed_load(log: &ShardLog, rounds: i64) {
    for round in 0..rounds {
        let mut last = None;
        for partition in 0..SHORT_LIVED {
            last = Some(append(log, key(partition), round, 1, PAYLOAD).await);
            if round >= 20 {
                log.log_start(key(partition), Offset(round - 20)).expect("there is room");
            }
        }
        if round % 2 == 0 {
            last = Some(append(log, key(LONG_LIVED), round / 2, 1, PAYLOAD).await);
        }
        if let (Some(sequence), 0) = (last, round % 10) {
            log.durable(sequence).await.expect("it is open");
        }
    }
}

#[test]
fn space_comes_back_beside_a_partition_that_keeps_everything() {
    for is_on in [true, false] {
        testing::run(move || async move {
            let directory = testing::temp_dir();
            let (log, _) = open(&directory, &options(is_on)).await;
            mixed_load(&log, 3000).await;
            if is_on {
                // The current segment, files that are kept for the next ones, and the reserve.
                let rest = (6 + options(is_on).settle.reserve_files as u64) * options(is_on).segment_bytes;
                until("space comes back", async || {
                    let found = log.sample();
                    found.settle_segments > 0 && found.disk_bytes < found.live_bytes * 3 / 2 + rest
                })
                .await;
            } else {
                let found = log.sample();
                assert!(found.disk_bytes > found.live_bytes * 10, "the load does not need the pass: {found:?}");
            }
            let bases = read_all(&log, key(LONG_LIVED), 0, 1500, 50_000, PAYLOAD).await;
            assert_eq!(bases, (0..1500).collect::<Vec<_>>());
            log.close().await;
            // And the same after a restart.
            let (log, _) = open(&directory, &options(is_on)).await;
            let bases = read_all(&log, key(LONG_LIVED), 0, 1500, 50_000, PAYLOAD).await;
            assert_eq!(bases, (0..1500).collect::<Vec<_>>());
            log.close().await;
        });
    }
}

#[test]
fn what_dies_together_is_written_once() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let (log, _) = open(&directory, &options(true)).await;
        for round in 0..4000 {
            for partition in 0..4 {
                append(&log, key(partition), round, 1, PAYLOAD).await;
                if round % 100 == 0 && round >= 1000 {
                    log.log_start(key(partition), Offset(round - 1000)).expect("there is room");
                }
            }
        }
        let found = log.sample();
        assert_eq!(found.settle_segments, 0, "{found:?}");
        assert!(found.disk_bytes < 16 * options(true).segment_bytes, "{found:?}");
        log.close().await;
    });
}

#[test]
fn a_reader_that_was_there_before_notices_nothing() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let (log, _) = open(&directory, &options(true)).await;
        let reader = {
            let log = log.clone();
            corelog_rt::task::spawn(async move {
                let (mut next, mut seen) = (Offset(0), 0);
                while seen < 1000 {
                    let end = log.partition_range(key(LONG_LIVED)).map_or(Offset(0), |(_, end)| end);
                    let records = match log.read(key(LONG_LIVED), next, end, 3000, true).await {
                        Ok(records) if !records.slices.is_empty() => records,
                        Ok(_) | Err(ReadError::UnknownPartition) => {
                            time::sleep(Duration::from_millis(1)).await;
                            continue;
                        }
                        Err(error) => panic!("{error}"),
                    };
                    for (header, _) in crate::fixture::batches(&records) {
                        assert_eq!(header.base_offset, Offset(seen));
                        seen += 1;
                    }
                    next = records.next_offset;
                }
            })
        };
        mixed_load(&log, 2000).await;
        reader.await;
        until("segments are settled", async || log.sample().settle_segments > 0).await;
        log.close().await;
    });
}

/// Says that all but one partition keep their records for [`Lifetimes::KEPT_MS`].
#[cfg(sim)]
struct Lifetimes;

#[cfg(sim)]
impl Lifetimes {
    const KEPT_MS: i64 = 5000;
}

#[cfg(sim)]
impl LogObserver for Lifetimes {
    fn written(&self, _progress: &[EntryProgress]) {}

    fn durable(&self, _progress: &[EntryProgress]) {}

    fn checkpoint(&self, _out: &mut dyn FnMut(PartitionKey, &[u8])) {}

    fn space(&self, _full: bool) {}

    fn retention_ms(&self, key: PartitionKey) -> Option<i64> {
        (key.partition != LONG_LIVED).then_some(Lifetimes::KEPT_MS)
    }
}

#[cfg(sim)]
async fn append_now(log: &ShardLog, key: PartitionKey, base: i64) {
    let now_ms = time::unix_ms();
    let bytes = crate::fixture::batch(base, 1, PAYLOAD, now_ms);
    let done = log.append(key, bytes.len(), |space| {
        space.copy_from_slice(&bytes);
        Ok::<_, AppendRefused>(crate::fixture::meta(base, 1, now_ms))
    });
    log.durable(done.expect("there is room")).await.expect("it is open");
}

/// Time is virtual there: a minute of load takes no minute.
#[cfg(sim)]
#[test]
fn what_dies_soon_is_not_moved() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let mut settings = options(true);
        settings.settle.interval = Duration::from_secs(1);
        let mut sink = crate::fixture::Collector::default();
        let log = ShardLog::open(directory, settings.clone(), &mut sink).await.expect("opens");
        log.set_observer(std::rc::Rc::new(Lifetimes));
        log.start();
        for round in 0..1200 {
            for partition in 0..SHORT_LIVED {
                append_now(&log, key(partition), round).await;
            }
            append_now(&log, key(LONG_LIVED), round).await;
            // Retention looks at one partition after the other: some have let go of a segment that others still hold.
            let looked_at = key(round as u32 % SHORT_LIVED);
            let retention =
                Retention { before_timestamp_ms: Some(time::unix_ms() - Lifetimes::KEPT_MS), bytes_max: None };
            if let Some(start) = log.expire(looked_at, &retention) {
                log.log_start(looked_at, start).expect("there is room");
            }
            time::sleep(Duration::from_millis(50)).await;
        }
        let found = log.sample();
        // Each append waited for its commit, a block of the device.
        let written_bytes = found.commit_bytes.count() * 4096;
        assert!(found.settle_segments > 0, "{found:?}");
        assert!(found.settle_bytes < written_bytes / 5, "{written_bytes} written: {found:?}");
        // More than a hundred were written; what lives six seconds takes about a dozen.
        assert!(segment_count(&log) < 20, "{found:?}");
        log.close().await;
    });
}

/// A hundred partitions keep their records for a minute, eight for ever: for an hour, of which the log without the pass sees a quarter.
#[cfg(sim)]
#[test]
fn mixed_retention_takes_little_more_than_what_is_live_for_an_hour() {
    const SHORT: u32 = 100;
    const KEPT_MS: i64 = 60_000;
    const ROUND: Duration = Duration::from_secs(5);
    const PAYLOAD: usize = 3000;
    for (is_on, rounds) in [(true, 720), (false, 180)] {
        testing::run(move || async move {
            let directory = testing::temp_dir();
            let mut settings = options(is_on);
            settings.segment_bytes = 256 << 10;
            settings.settle.interval = Duration::from_secs(1);
            let mut sink = crate::fixture::Collector::default();
            let log = ShardLog::open(directory, settings.clone(), &mut sink).await.expect("opens");
            log.start();
            let mut worst: f64 = 0.0;
            for round in 0..rounds {
                let now_ms = time::unix_ms();
                let mut last = None;
                for partition in 0..SHORT + 8 {
                    let bytes = crate::fixture::batch(round, 1, PAYLOAD, now_ms);
                    last = Some(loop {
                        let done = log.append(key(partition), bytes.len(), |space| {
                            space.copy_from_slice(&bytes);
                            Ok::<_, AppendRefused>(crate::fixture::meta(round, 1, now_ms))
                        });
                        match done {
                            Ok(sequence) => break sequence,
                            Err(AppendRefused::Busy) => log.admission().await,
                            Err(refused) => panic!("{refused}"),
                        }
                    });
                }
                log.durable(last.expect("something was appended")).await.expect("it is open");
                for partition in 0..SHORT {
                    let retention = Retention { before_timestamp_ms: Some(now_ms - KEPT_MS), bytes_max: None };
                    if let Some(start) = log.expire(key(partition), &retention) {
                        log.log_start(key(partition), start).expect("there is room");
                    }
                }
                time::sleep(ROUND).await;
                // Once there is more than the files of a log with nothing in it.
                let found = log.sample();
                let rest = (4 + found.segments_reserve) * settings.segment_bytes;
                if round > rounds / 6 {
                    worst = worst.max(found.disk_bytes.saturating_sub(rest) as f64 / found.live_bytes as f64);
                }
            }
            println!("pass {is_on}: files take {worst:.2} times what is live");
            assert_eq!(worst < 1.5, is_on, "files take {worst:.2} times what is live, pass {is_on}");
            log.close().await;
        });
    }
}
