//! Log starts, truncations, deletions, checkpoints, time, retention.

use crate::fixture::{Said, append, key, open, read_all, segment_count, small_options, until};
use corelog_engine::ids::{LeaderEpoch, Offset, PartitionKey};
use corelog_engine::log::{EntryProgress, LogObserver, LogOptions, ReadError, Retention, ShardLog};
use corelog_rt::testing;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

async fn fill(log: &ShardLog, partition: u32, from: i64, until: i64, payload: usize) {
    let mut last = None;
    for base in from..until {
        last = Some(append(log, key(partition), base, 1, payload).await);
    }
    if let Some(last) = last {
        log.durable(last).await.unwrap();
    }
}

async fn reopen(log: ShardLog, directory: &Path, options: &LogOptions) -> (ShardLog, Vec<Said>) {
    log.close().await;
    open(directory, options).await
}

#[test]
fn truncated_batches_stay_hidden_over_restarts_and_rolls() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let options = small_options();
        let (log, _) = open(&directory, &options).await;
        fill(&log, 0, 0, 600, 5000).await;
        log.truncate(key(0), Offset(150), LeaderEpoch(2)).unwrap();
        // The next offset leaves a gap, as a compacted leader's log does.
        fill(&log, 0, 160, 300, 5000).await;
        let expected: Vec<i64> = (0..150).chain(160..300).collect();
        assert_eq!(read_all(&log, key(0), 0, 300, 30_000, 5000).await, expected);
        let (log, _) = reopen(log, &directory, &options).await;
        assert_eq!(read_all(&log, key(0), 0, 300, 30_000, 5000).await, expected);
        // Roll past the truncation entry: from then on only checkpoints remember it.
        fill(&log, 1, 0, 500, 5000).await;
        let (log, _) = reopen(log, &directory, &options).await;
        assert_eq!(read_all(&log, key(0), 0, 300, 30_000, 5000).await, expected);
        assert_eq!(log.partition_range(key(0)), Some((Offset(0), Offset(300))));
        log.close().await;
    });
}

#[test]
fn deleted_partition_frees_its_segments_and_stays_deleted() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let options = small_options();
        let (log, _) = open(&directory, &options).await;
        fill(&log, 0, 0, 1000, 5000).await;
        assert!(segment_count(&log) > 4);
        let last = log.delete_partition(key(0)).unwrap();
        log.durable(last).await.unwrap();
        // The last roll may still be writing its footer.
        until("all but the current segment are free", async || segment_count(&log) == 1).await;
        assert!(matches!(log.read(key(0), Offset(0), Offset(9), 9, true).await, Err(ReadError::UnknownPartition)));
        fill(&log, 1, 0, 300, 5000).await;
        let (log, said) = reopen(log, &directory, &options).await;
        assert_eq!(log.partition_range(key(0)), None);
        assert!(!said.iter().any(|said| matches!(said, Said::Checkpoint(found, ..) if *found == key(0))));
        // A namesake sees nothing of it.
        fill(&log, 0, 0, 10, 100).await;
        let (log, _) = reopen(log, &directory, &options).await;
        assert_eq!(read_all(&log, key(0), 0, 10, 3000, 100).await, (0..10).collect::<Vec<_>>());
        log.close().await;
    });
}

#[derive(Debug, Default)]
struct States {
    states: RefCell<BTreeMap<PartitionKey, Vec<u8>>>,
    written: RefCell<Vec<EntryProgress>>,
    durable: RefCell<Vec<EntryProgress>>,
}

impl LogObserver for States {
    fn written(&self, progress: &[EntryProgress]) {
        self.written.borrow_mut().extend_from_slice(progress);
    }

    fn durable(&self, progress: &[EntryProgress]) {
        self.durable.borrow_mut().extend_from_slice(progress);
        assert!(self.written.borrow().starts_with(&self.durable.borrow()), "durable follows written");
    }

    fn checkpoint(&self, out: &mut dyn FnMut(PartitionKey, &[u8])) {
        for (key, state) in self.states.borrow().iter() {
            out(*key, state);
        }
    }

    fn space(&self, _full: bool) {}
}

#[test]
fn checkpoint_gives_every_state_back_whole() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let options = small_options();
        let (log, _) = open(&directory, &options).await;
        log.close().await;
        let mut collector = crate::fixture::Collector::default();
        let log = ShardLog::open(directory.clone(), options.clone(), &mut collector).await.unwrap();
        let observer = Rc::new(States::default());
        for partition in 0..50u32 {
            // From nothing to more than one commit holds.
            let bytes = if partition == 3 { 70_000 } else { partition as usize * partition as usize * 30 };
            let state: Vec<u8> = (0..bytes).map(|byte| byte as u8).collect();
            observer.states.borrow_mut().insert(key(partition), state);
        }
        log.set_observer(Rc::clone(&observer) as Rc<dyn LogObserver>);
        log.start();
        observer.states.borrow_mut().retain(|key, _| key.partition < 25);
        fill(&log, 60, 0, 400, 5000).await;
        assert_eq!(observer.durable.borrow().last().unwrap().last_offset, Offset(399));
        let (log, said) = reopen(log, &directory, &options).await;
        let mut found: BTreeMap<PartitionKey, Vec<u8>> = BTreeMap::new();
        for one in said {
            if let Said::Checkpoint(key, _, _, state) = one {
                found.insert(key, state);
            }
        }
        for (key, state) in observer.states.borrow().iter() {
            assert_eq!(found.get(key), Some(state), "{key}");
        }
        assert_eq!(found.get(&key(60)), Some(&Vec::new()));
        log.close().await;
    });
}

#[test]
fn time_is_found_in_sealed_and_current_segments() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let options = small_options();
        let (log, _) = open(&directory, &options).await;
        fill(&log, 0, 0, 500, 5000).await;
        fill(&log, 1, 0, 20, 100).await;
        for log in [log.clone()] {
            for base in [0, 1, 77, 250, 499] {
                let found = log.first_batch_at_or_after(key(0), 1_000_000 + base, Offset(500)).await.unwrap().unwrap();
                assert_eq!((found.base_offset, found.max_timestamp_ms), (Offset(base), 1_000_000 + base));
            }
            let before = log.first_batch_at_or_after(key(0), 5, Offset(500)).await.unwrap().unwrap();
            assert_eq!(before.base_offset, Offset(0));
            assert_eq!(log.first_batch_at_or_after(key(0), 1_000_500, Offset(500)).await.unwrap(), None);
            assert_eq!(log.first_batch_at_or_after(key(0), 1_000_400, Offset(400)).await.unwrap(), None);
            let largest = log.batch_with_max_timestamp(key(0), Offset(500)).await.unwrap().unwrap();
            assert_eq!(largest.base_offset, Offset(499));
            let largest = log.batch_with_max_timestamp(key(0), Offset(100)).await.unwrap().unwrap();
            assert_eq!(largest.base_offset, Offset(99));
        }
        log.close().await;
    });
}

#[test]
fn retention_moves_by_segments_and_by_extents_of_the_current_one() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let options = small_options();
        let (log, _) = open(&directory, &options).await;
        fill(&log, 0, 0, 1000, 5000).await;
        let none = Retention::default();
        assert_eq!(log.expire(key(0), &none), None);
        let time = |offset: i64| Retention { before_timestamp_ms: Some(1_000_000 + offset), bytes_max: None };
        assert_eq!(log.expire(key(0), &time(0)), None);
        let start = log.expire(key(0), &time(500)).unwrap();
        assert!(start.0 > 200 && start.0 <= 500, "{start}");
        assert_eq!(log.expire(key(0), &time(1000)), Some(Offset(1000)), "extents of the current segment go, too");
        let bytes = log.partition_bytes(key(0));
        let size = Retention { before_timestamp_ms: None, bytes_max: Some(bytes / 2) };
        let start = log.expire(key(0), &size).unwrap();
        assert!(start.0 > 200 && start.0 <= 500, "{start}");
        let last = log.log_start(key(0), start).unwrap();
        log.durable(last).await.unwrap();
        assert!(log.partition_bytes(key(0)) >= bytes / 2);
        assert!(log.partition_bytes(key(0)) < bytes * 3 / 4);
        assert_eq!(log.expire(key(0), &size), None);
        log.close().await;
    });
}
