//! Owns a log with partitions that was opened and not started: what its tasks would do, the cases do by hand, so that nothing waits for the device.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use corelog_engine::batch::BatchHeader;
use corelog_engine::ids::{LeaderEpoch, LogId, Offset, PartitionKey, TopicNumber};
use corelog_engine::log::micro::{self, SealedCommit};
use corelog_engine::log::{CheckpointedPartition, EntryProgress, LogObserver, LogOptions, RecoverySink, ShardLog};
use corelog_engine::partition::{Partition, PartitionSettings};
use corelog_rt::testing::temp_dir;

use crate::batches::NOW_MS;

/// The topic of all partitions.
const TOPIC: TopicNumber = TopicNumber(9);

/// A log, its partitions, and what they follow it by.
pub struct World {
    /// The log.
    pub log: ShardLog,
    /// Its partitions, by their index.
    pub partitions: Vec<Rc<Partition>>,
}

impl World {
    /// A new log in a throw-away directory with `count` empty partitions. Runs on a shard.
    pub async fn new(count: u32) -> World {
        let mut options = LogOptions::new(LogId(0));
        options.prewrite = false;
        options.settle.is_on = false;
        let log = ShardLog::open(temp_dir(), options, &mut NothingThere).await.expect("a new log opens");
        let partitions: Vec<Rc<Partition>> = (0..count)
            .map(|partition| {
                let settings = PartitionSettings::default();
                Rc::new(Partition::new(PartitionKey { topic: TOPIC, partition }, log.clone(), settings))
            })
            .collect();
        let followers = partitions.iter().map(|partition| (partition.key(), Rc::clone(partition))).collect();
        log.set_observer(Rc::new(Followers { partitions: RefCell::new(followers) }));
        let world = World { log, partitions };
        world.write_all();
        world
    }

    /// Appends `batch` to each of the first `count` partitions once. Gives the bytes.
    pub fn append(&self, batch: &[u8], count: usize) -> u64 {
        let mut bytes = 0;
        for partition in self.partitions.iter().take(count) {
            partition.append(batch, NOW_MS).expect("the log takes it");
            bytes += batch.len() as u64;
        }
        bytes
    }

    /// Seals the commit that is open.
    pub fn seal(&self) -> SealedCommit {
        micro::seal(&self.log).expect("something was appended")
    }

    /// Seals and reports as written whatever was appended.
    pub fn write_all(&self) {
        while let Some(commit) = micro::seal(&self.log) {
            micro::written(&self.log, commit);
        }
    }

    /// Has the log go on at the start of its segment.
    pub fn rewind(&self) {
        self.write_all();
        micro::rewind(&self.log);
    }
}

/// Tells partitions of the log's progress, as a shard does.
struct Followers {
    partitions: RefCell<BTreeMap<PartitionKey, Rc<Partition>>>,
}

impl LogObserver for Followers {
    fn written(&self, progress: &[EntryProgress]) {
        let partitions = self.partitions.borrow();
        for step in progress {
            partitions.get(&step.key).expect("it is one of the world's").on_written(step.last_offset);
        }
    }

    fn durable(&self, progress: &[EntryProgress]) {
        let partitions = self.partitions.borrow();
        for step in progress {
            partitions.get(&step.key).expect("it is one of the world's").on_durable(step.last_offset);
        }
    }

    fn checkpoint(&self, _out: &mut dyn FnMut(PartitionKey, &[u8])) {}

    fn space(&self, full: bool) {
        assert!(!full, "a log that is rewound is never full");
    }
}

/// A new log has nothing to recover.
struct NothingThere;

impl RecoverySink for NothingThere {
    fn checkpoint(&mut self, partition: &CheckpointedPartition, _state: &[u8]) {
        panic!("{} in a new log", partition.key);
    }

    fn batch(&mut self, key: PartitionKey, _header: &BatchHeader) {
        panic!("a batch of {key} in a new log");
    }

    fn log_start(&mut self, key: PartitionKey, _offset: Offset) {
        panic!("a log start of {key} in a new log");
    }

    fn truncate(&mut self, key: PartitionKey, _to: Offset, _leader_epoch: LeaderEpoch) {
        panic!("a truncation of {key} in a new log");
    }

    fn delete(&mut self, key: PartitionKey) {
        panic!("a deletion of {key} in a new log");
    }
}
