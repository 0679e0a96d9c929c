//! Owns the loading of a coordinator: its partition read from the start, record by record.
//!
//! A task of the shard, in slices, so that nobody waits for long. How much there is to read is bounded by the rolling rewrite.

use std::rc::Rc;

use corelog_engine::metadata::TopicId;
use corelog_engine::partition::{FetchError, Isolation, ReadRequest};
use corelog_protocol::{ErrorCode, Records, Text, Uuid};
use corelog_rt::{task, time};
use thiserror::Error;

use super::slot::{Phase, Slot};
use crate::groups::coordinator::Coordinator;
use crate::groups::records::{BatchReadError, records_of};
use crate::limits::GROUP_LOAD_BYTES;

/// Why a coordinator cannot be loaded.
#[derive(Debug, Error)]
enum LoadError {
    #[error(transparent)]
    Read(#[from] FetchError),
    #[error(transparent)]
    Records(#[from] BatchReadError),
    #[error("the log ends")]
    Closed,
}

impl Slot {
    /// Loads the coordinator; it answers from then on.
    pub(super) async fn load(self: Rc<Self>) {
        let began = time::now();
        // Whoever still has a turn is done with the former state first.
        let turn = self.turn.acquire(1).await;
        let loaded = self.read_all().await;
        if self.is_closed() {
            return;
        }
        match loaded {
            Ok(coordinator) => {
                let (groups, bytes) = (coordinator.len(), coordinator.memory_bytes());
                self.count_memory(bytes);
                *self.phase.borrow_mut() = Phase::Ready(Box::new(coordinator));
                tracing::debug!(partition = %self.partition.key(), groups, took = ?began.elapsed(), "groups are loaded");
            }
            Err(LoadError::Closed | LoadError::Read(FetchError::Deleted)) => return self.close(),
            Err(error) => {
                tracing::error!(partition = %self.partition.key(), %error, "groups cannot be loaded: their members and offsets are out of reach");
                return self.close();
            }
        }
        drop(turn);
        // What a record of its own came to waits like everybody else's; a refusal is told by the next event.
        let _: Result<_, ErrorCode> = self.event(Coordinator::loaded).await;
        let shard = Rc::clone(&self.common.shard);
        self.forget_topics(move |_: &Text, id: Uuid| {
            !id.is_zero() && shard.image().topic_by_id(TopicId(id.0)).is_none()
        })
        .await;
    }

    async fn read_all(&self) -> Result<Coordinator, LoadError> {
        // What was appended before must be there to be read.
        self.durable(self.last_commit.get()).await.map_err(|_| LoadError::Closed)?;
        let mut coordinator = self.common.coordinator();
        let watermarks = self.partition.watermarks();
        let (mut from, end) = (watermarks.log_start(), watermarks.high());
        let mut history_bytes = 0;
        while from < end {
            let isolation = Isolation::ReadUncommitted;
            let request = ReadRequest { from, bytes_max: GROUP_LOAD_BYTES, isolation, at_least_one: true };
            let records = self.partition.read(request).await?.records;
            if records.next_offset <= from {
                return Err(LoadError::Closed);
            }
            history_bytes += records.bytes as u64;
            from = records.next_offset;
            let bytes = Records::from(records.slices).into_contiguous();
            records_of(&bytes, |record| coordinator.replay(&record))?;
            task::yield_now().await;
        }
        self.history_bytes.set(history_bytes);
        Ok(coordinator)
    }
}
