//! Partitions: what Kafka's clients see of the log.
//!
//! A partition lives on the shard that owns its log and is touched by that shard alone. Handlers call it to produce, fetch, look up offsets,
//! delete records and the like; the shard forwards the log's progress to it and asks it for its part of a checkpoint. No method blocks; none
//! holds a borrow of its state across an await. Offsets always hold `log start <= stable <= high watermark <= end`.

mod append;
mod fetch;
mod leader_epochs;
mod list_offset;
mod meters;
mod producer;
mod producers;
mod recovery;
mod retention;
mod settings;
mod snapshot;
mod state;
mod waiters;
mod watermarks;

pub use append::{AppendError, Appended};
pub use fetch::{EpochError, FetchError, Fetched, Isolation, ReadRequest};
pub use leader_epochs::{EpochEnd, LeaderEpochs};
pub use list_offset::{FoundOffset, OffsetSpec};
pub use meters::PartitionCounts;
pub use producer::{ProducerBatch, ProducerError, ProducerState, Sequenced};
pub use producers::Producers;
pub use recovery::PartitionRecovery;
pub use retention::DeleteRecordsError;
pub use settings::PartitionSettings;
pub use snapshot::SnapshotError;
pub use state::{Acks, Partition};
pub use waiters::{FetchWait, TooManyWaiters, Watch};
pub use watermarks::Watermarks;

#[cfg(test)]
mod tests;
