//! The shard log: one append-only, segmented log per directory, shared by all partitions that it holds.
//!
//! Runs on the shard that the log belongs to; partitions append to it and read from it through [`ShardLog`]. Nothing in it waits for another shard.
//! Formats on disk are drawn where they are encoded: [`commit`], [`entry`], [`segment`], [`footer`]; what a crash leaves is in [`commit`] and
//! [`recovery`].
//!
//! An append reads in order: `shard_log`, `queue`, `open_commit`, `index`, `writer`, `commit`. A read: `shard_log`, `reader`, `cache::tail` or `cache::blocks`.

pub mod commit;
mod core;
pub mod dump;
pub mod entry;
pub mod error;
mod files;
pub mod footer;
pub mod index;
pub mod inspect;
mod interface;
mod inventory;
mod lookup;
mod meters;
#[cfg(feature = "micro")]
#[doc(hidden)]
pub mod micro;
mod milestone;
mod open_commit;
mod options;
mod preparer;
mod prewriter;
mod queue;
mod read_ahead;
mod reader;
mod rebuild;
pub mod recovery;
mod roll;
pub mod scan;
mod seal;
pub mod segment;
pub mod segment_file;
mod settle;
mod shard_log;
mod writer;

pub use error::{AppendRefused, Closed, Damage, Flaw, OpenError, ReadError};
pub use interface::{
    BatchMeta, BatchRef, CheckpointedPartition, Compaction, CompactionStatistics, EntryProgress, LogObserver,
    ReadRecords, RecoverySink, Retention,
};
pub use meters::{BytesInUse, LogSample};
#[cfg(sim)]
pub use options::Defects;
pub use options::{CompactionOptions, LogOptions, SettleOptions};
pub use shard_log::ShardLog;
