//! Caches between the log's readers and the device: commits just written, blocks read, footers.
//!
//! Each shard log has its own, all bounded in bytes, on the log's shard. Readers of the log ask them; the writer fills the tail. They hold copies of what
//! is on the device and never anything that is not there yet.

pub mod blocks;
pub mod footers;
pub mod lru;
pub mod recent;
pub mod tail;
