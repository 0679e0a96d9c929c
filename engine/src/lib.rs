//! The storage engine: record batches, the shard log, partitions, metadata, and the shards that own them.
//!
//! Knows nothing of sockets or of Kafka's error codes; runs on any backend of `corelog_rt`.

pub mod batch;
pub mod cache;
pub mod config;
pub mod ids;
pub mod limits;
pub mod log;
pub mod measure;
pub mod metadata;
pub mod partition;
pub mod shard;
