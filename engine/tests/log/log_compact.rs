//! Compaction: of each key the newest record stays, offsets stay, readers go on, tombstones go when they may.

use crate::compaction::{Compacted, Found, Keyed, append_batch, append_random, read_records, read_step};
use crate::fixture::{Collector, key, segment_count, small_options, until};
use corelog_engine::batch::{BatchBuilder, BatchHeader};
use corelog_engine::ids::{LeaderEpoch, Offset};
use corelog_engine::log::{Compaction, LogOptions, ShardLog};
use corelog_rt::{task, testing, time};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

const KEYS: usize = 40;

fn options() -> LogOptions {
    let mut options = small_options();
    options.segment_bytes = 128 << 10;
    options.commit_bytes_max = 16 << 10;
    options.settle.interval = Duration::from_millis(1);
    options.settle.rest_max = Duration::ZERO;
    options.compaction.interval = Duration::from_millis(5);
    options
}

async fn open(directory: &Path, options: &LogOptions, observer: &Rc<Compacted>) -> ShardLog {
    let mut collector = Collector::default();
    let log = ShardLog::open(directory.to_owned(), options.clone(), &mut collector).await.expect("opens");
    observer.found(&log);
    log.set_observer(Rc::<Compacted>::clone(observer));
    log.start();
    log
}

async fn check(log: &ShardLog, keyed: &RefCell<Keyed>) -> usize {
    let (start, end) = log.partition_range(key(0)).expect("it is known");
    let (found, _) = read_records(log, key(0), start, end).await.expect("reads");
    assert_eq!(end.0, keyed.borrow().sent.len() as i64);
    keyed.borrow_mut().check(start.0, end.0, &found).expect("what is left is right");
    found.len()
}

/// Waits until no more than so many records are left, all of them right at any moment.
async fn compacted_to(log: &ShardLog, keyed: &RefCell<Keyed>, records: usize) {
    until("superseded records go", async || check(log, keyed).await <= records).await;
    assert_eq!(check(log, keyed).await, records);
}

/// So long after everything was compacted that compaction has looked again and again.
async fn looked_again(log: &ShardLog) {
    let before = log.sample().compaction.passes;
    time::sleep(Duration::from_millis(100)).await;
    assert_eq!(log.sample().compaction.passes, before, "there is nothing to compact");
}

async fn load(log: &ShardLog, keyed: &RefCell<Keyed>, batches: usize) {
    for index in 0..batches {
        let sequence = append_random(log, key(0), keyed, KEYS as u64).await;
        if index % 50 == 49 {
            log.durable(sequence).await.expect("it is open");
        }
    }
    log.durable(log.log_start(key(0), Offset(0)).expect("there is room")).await.expect("it is open");
}

#[test]
fn of_each_key_the_newest_record_is_left() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let observer = Compacted::new([0], 3_600_000);
        let log = open(&directory, &options(), &observer).await;
        let keyed = RefCell::new(Keyed::default());
        load(&log, &keyed, 2000).await;
        // Of each key there is one record left, be it a tombstone.
        compacted_to(&log, &keyed, KEYS).await;
        until("their space comes back", async || {
            let found = log.sample();
            let has_compacted = found.compaction.passes > 0 && found.compaction.records_removed > 5000;
            has_compacted && found.live_bytes < 128 << 10 && segment_count(&log) < 8
        })
        .await;
        log.close().await;
        // A restart finds the same, knows what is clean, and goes on.
        let log = open(&directory, &options(), &observer).await;
        looked_again(&log).await;
        assert_eq!(check(&log, &keyed).await, KEYS);
        assert_eq!(log.sample().compaction.passes, 0);
        load(&log, &keyed, 500).await;
        compacted_to(&log, &keyed, KEYS).await;
        log.close().await;
    });
}

#[test]
fn small_map_takes_several_passes_and_gets_there_too() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let observer = Compacted::new([0], 3_600_000);
        let mut options = options();
        options.compaction.map_bytes_max = 6 << 10;
        let log = open(&directory, &options, &observer).await;
        let keyed = RefCell::new(Keyed::default());
        load(&log, &keyed, 600).await;
        compacted_to(&log, &keyed, KEYS).await;
        until("the last of many passes ends", async || log.sample().compaction.passes > 10).await;
        log.close().await;
    });
}

#[test]
fn tombstones_go_when_their_time_has_come() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let observer = Compacted::new([0], 400);
        let log = open(&directory, &options(), &observer).await;
        let keyed = RefCell::new(Keyed::default());
        load(&log, &keyed, 1000).await;
        until("superseded records go", async || check(&log, &keyed).await <= KEYS).await;
        time::sleep(Duration::from_millis(500)).await;
        // Something new makes the partition dirty: a key of its own.
        let base = keyed.borrow().sent.len() as i64;
        let mut builder = BatchBuilder::new().at(Offset(base), LeaderEpoch(1));
        builder.push(5, Some(b"another"), Some(b"value"), &[]).expect("it has room");
        let appended = append_batch(&log, key(0), &builder.build().expect("it has a record"));
        log.durable(appended.expect("there is room")).await.expect("it is open");
        keyed.borrow_mut().sent.push((b"another".to_vec(), Some(b"value".to_vec())));
        let end = keyed.borrow().sent.len() as i64;
        let newest: BTreeMap<_, _> = keyed.borrow().newest(0, end);
        let values = newest.values().filter(|offset| keyed.borrow().sent[**offset as usize].1.is_some()).count();
        assert!(values < newest.len(), "some keys were deleted");
        compacted_to(&log, &keyed, values).await;
        log.close().await;
    });
}

#[test]
fn young_and_unstable_records_are_left_alone() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let observer = Compacted::new([0], 0);
        let rules = observer.rules.get();
        observer.rules.set(Compaction { lag_ms_min: 3_600_000, ..rules });
        let log = open(&directory, &options(), &observer).await;
        let keyed = RefCell::new(Keyed::default());
        load(&log, &keyed, 300).await;
        looked_again(&log).await;
        assert_eq!(check(&log, &keyed).await, keyed.borrow().sent.len());
        // Nearly all of it must be new.
        observer.rules.set(Compaction { dirty_ppm_min: 990_000, ..rules });
        compacted_to(&log, &keyed, KEYS).await;
        until("the pass ends", async || log.sample().compaction.passes > 0).await;
        let before = log.sample().compaction.passes;
        load(&log, &keyed, 2).await;
        looked_again(&log).await;
        // Unless it waits for too long.
        observer.rules.set(Compaction { dirty_ppm_min: 1_000_000, lag_ms_max: 50, ..rules });
        until("what waits is compacted", async || log.sample().compaction.passes > before).await;
        log.close().await;
    });
}

#[test]
fn last_batches_of_producers_and_the_ends_of_ranges_stay_without_records() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let observer = Compacted::new([0], 0);
        let log = open(&directory, &options(), &observer).await;
        let (mut end, mut last) = (0, None);
        for round in 0..60 {
            let mut builder =
                BatchBuilder::new().producer(7 + round % 2, 0, round as i32).at(Offset(end), LeaderEpoch(1));
            builder.push(1_000 + end, Some(b"one"), Some(&[1; 100]), &[]).expect("it has room");
            builder.push(1_000 + end, Some(b"one"), Some(&[2; 100]), &[]).expect("it has room");
            let appended = append_batch(&log, key(0), &builder.build().expect("it has records"));
            last = Some(appended.expect("there is room"));
            end += 2;
        }
        *observer.producers_last.borrow_mut() = vec![Offset(21), Offset(119)];
        log.durable(last.expect("there are some")).await.expect("it is open");
        let all = async || read_records(&log, key(0), Offset(0), Offset(end)).await.expect("reads");
        until("superseded records go", async || all().await.0.len() <= 1).await;
        let (found, headers) = all().await;
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [119]);
        let left: Vec<(i64, i32)> =
            headers.iter().map(|header: &BatchHeader| (header.base_offset.0, header.record_count)).collect();
        assert_eq!(left, [(20, 0), (118, 1)]);
        assert_eq!((headers[0].producer_id, headers[0].last_sequence()), (7, 11));
        // Times find what has records.
        let by_time = log.first_batch_at_or_after(key(0), 0, Offset(end)).await.expect("looks up");
        assert_eq!(by_time.map(|batch| batch.base_offset), Some(Offset(118)));
        assert_eq!(log.partition_range(key(0)), Some((Offset(0), Offset(end))));
        log.close().await;
    });
}

#[test]
fn a_reader_meanwhile_never_goes_back_and_misses_no_newest_record() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let observer = Compacted::new([0], 3_600_000);
        let log = open(&directory, &options(), &observer).await;
        let keyed = Rc::new(RefCell::new(Keyed::default()));
        let is_done = Rc::new(Cell::new(false));
        let reader = {
            let (log, is_done) = (log.clone(), Rc::clone(&is_done));
            task::spawn(async move {
                let (mut next, mut seen) = (Offset(0), BTreeMap::new());
                loop {
                    let was_done = is_done.get();
                    let end = log.partition_range(key(0)).map_or(Offset(0), |(_, end)| end);
                    if end > Offset(0) {
                        let mut found = Found::default();
                        next = read_step(&log, key(0), next, end, &mut found).await.expect("reads");
                        for (offset, (name, value)) in found.0 {
                            seen.insert(name, (offset, value));
                        }
                    }
                    if was_done && next >= end {
                        return seen;
                    }
                    time::sleep(Duration::from_millis(1)).await;
                }
            })
        };
        for _ in 0..10 {
            load(&log, &keyed, 200).await;
            time::sleep(Duration::from_millis(30)).await;
        }
        is_done.set(true);
        let seen = reader.await;
        let end = keyed.borrow().sent.len() as i64;
        for (name, offset) in keyed.borrow().newest(0, end) {
            assert_eq!(seen.get(&name).map(|(offset, _)| *offset), Some(offset), "{name:?}");
        }
        assert!(log.sample().compaction.passes > 1);
        log.close().await;
    });
}
