//! Owns the partitions of one shard: the map that handlers look them up in, and the log's view of them.
//!
//! Changed when the metadata image changes; read by everything else. Never held borrowed across an await or a call into a partition.

use std::cell::RefCell;
use std::rc::Rc;

use corelog_rt::map::HashMap;

use crate::ids::{LogId, Offset, PartitionKey};
use crate::log::{Compaction, EntryProgress, LogObserver};
use crate::partition::Partition;

/// The partitions of one shard.
#[derive(Clone, Default)]
pub(super) struct Partitions {
    by_key: Rc<RefCell<HashMap<PartitionKey, Entry>>>,
}

#[derive(Clone)]
struct Entry {
    log: LogId,
    partition: Rc<Partition>,
}

impl Partitions {
    pub(super) fn get(&self, key: PartitionKey) -> Option<Rc<Partition>> {
        self.by_key.borrow().get(&key).map(|entry| Rc::clone(&entry.partition))
    }

    pub(super) fn all(&self) -> Vec<Rc<Partition>> {
        self.by_key.borrow().values().map(|entry| Rc::clone(&entry.partition)).collect()
    }

    pub(super) fn keys(&self) -> Vec<PartitionKey> {
        self.by_key.borrow().keys().copied().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.by_key.borrow().len()
    }

    pub(super) fn insert(&self, key: PartitionKey, log: LogId, partition: Rc<Partition>) {
        self.by_key.borrow_mut().insert(key, Entry { log, partition });
    }

    pub(super) fn remove(&self, key: PartitionKey) -> Option<(LogId, Rc<Partition>)> {
        self.by_key.borrow_mut().remove(&key).map(|entry| (entry.log, entry.partition))
    }

    /// What follows the progress of `log` for these partitions.
    pub(super) fn observer(&self, log: LogId) -> Rc<dyn LogObserver> {
        Rc::new(Observer { log, partitions: self.clone() })
    }

    fn of_log(&self, log: LogId) -> Vec<(PartitionKey, Rc<Partition>)> {
        let by_key = self.by_key.borrow();
        let of_log = by_key.iter().filter(|(_, entry)| entry.log == log);
        of_log.map(|(key, entry)| (*key, Rc::clone(&entry.partition))).collect()
    }
}

/// Passes a log's progress on to its partitions.
struct Observer {
    log: LogId,
    partitions: Partitions,
}

impl LogObserver for Observer {
    fn written(&self, progress: &[EntryProgress]) {
        for entry in progress {
            if let Some(partition) = self.partitions.get(entry.key) {
                partition.on_written(entry.last_offset);
            }
        }
    }

    fn durable(&self, progress: &[EntryProgress]) {
        for entry in progress {
            if let Some(partition) = self.partitions.get(entry.key) {
                partition.on_durable(entry.last_offset);
            }
        }
    }

    fn checkpoint(&self, out: &mut dyn FnMut(PartitionKey, &[u8])) {
        for (key, partition) in self.partitions.of_log(self.log) {
            out(key, &partition.snapshot());
        }
    }

    fn retention_ms(&self, key: PartitionKey) -> Option<i64> {
        self.partitions.get(key).and_then(|partition| partition.retention_ms())
    }

    fn compacted(&self, out: &mut dyn FnMut(PartitionKey, Compaction)) {
        for (key, entry) in self.partitions.by_key.borrow().iter().filter(|(_, entry)| entry.log == self.log) {
            if let Some(rules) = entry.partition.compaction() {
                out(*key, rules);
            }
        }
    }

    fn producers_last(&self, key: PartitionKey, out: &mut dyn FnMut(Offset)) {
        if let Some(partition) = self.partitions.get(key) {
            partition.producers_last(out);
        }
    }

    fn space(&self, full: bool) {
        if full {
            tracing::error!("log {}: the disk is full; writes are refused until there is space again", self.log);
        } else {
            tracing::info!("log {}: there is space again; writes are accepted", self.log);
        }
    }
}
