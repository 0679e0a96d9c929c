//! Owns the periodic work of a shard: retention, and producers that are idle for too long.
//!
//! One task on every shard, started once it serves. It goes through the partitions in slices, so that requests are not kept waiting,
//! and stops when the engine stops.

use std::rc::Rc;
use std::time::Duration;

use corelog_rt::{task, time};

use super::state::Shard;
use crate::limits::PARTITIONS_PER_SLICE;

impl Shard {
    /// Starts the periodic work.
    pub(super) fn start_ticker(self: &Rc<Self>) {
        let retention_ms = self.settings.static_ms("log.retention.check.interval.ms");
        let producers_ms = self.settings.static_ms("producer.id.expiration.check.interval.ms");
        let shard = Rc::clone(self);
        task::spawn(async move {
            while shard.sleeps(retention_ms.min(producers_ms)).await {
                shard.retain(time::unix_ms()).await;
                shard.bury().await;
            }
        });
    }

    /// Moves up the log start of every partition that holds more, or older records, than its topic keeps, and lets partitions forget
    /// idle producers. The ticker does it; tests and tools may.
    pub async fn retain(&self, now_ms: i64) {
        for (index, partition) in self.partitions.all().into_iter().enumerate() {
            if index % PARTITIONS_PER_SLICE == PARTITIONS_PER_SLICE - 1 {
                task::yield_now().await;
            }
            if let Err(refused) = partition.retain(now_ms) {
                // The next round tries again.
                tracing::debug!("retention of partition {}: {refused}", partition.key());
            }
        }
    }

    /// Waits; says whether the engine still runs afterwards.
    async fn sleeps(&self, wait_ms: u64) -> bool {
        // An error is the time that ran out.
        time::timeout(Duration::from_millis(wait_ms), self.stopped()).await.is_err()
    }
}
