//! Owns every bound of the engine, by name.
//!
//! Constants alone: a bound that depends on memory or settings is a field of the module's options, whose default or ceiling is here.

/// Bytes of a record batch before its records.
pub const BATCH_HEADER_BYTES: usize = 61;

/// Bytes of the prefix (base offset, length) that a batch's own length field does not count.
pub const BATCH_PREFIX_BYTES: usize = 12;

/// The largest batch that is ever looked at, whatever `max.message.bytes` says: its length field is hostile until it passed this.
pub const BATCH_BYTES_MAX: usize = 1 << 30;

/// How much is copied before its checksum is taken: the slice is still in the first-level cache then.
pub const CHECKSUM_STEP_BYTES: usize = 16 << 10;

/// The largest output of one decompression; what inflates further is an error, not memory.
pub const DECOMPRESSED_BYTES_MAX: usize = 256 << 20;

/// How many of a producer's last batches are remembered to answer its duplicates; Kafka's clients rely on five.
pub const PRODUCER_BATCHES_MAX: usize = 5;

/// The most idempotent producers that one partition remembers; beyond it the one that wrote longest ago is forgotten.
pub const PRODUCERS_PER_PARTITION_MAX: usize = 100_000;

/// The most long polls that wait on one partition; a further one is answered at once with what is there.
pub const FETCH_WAITERS_PER_PARTITION_MAX: usize = 10_000;

/// The most leader epochs that one partition remembers; beyond it the oldest is forgotten.
pub const LEADER_EPOCHS_MAX: usize = 10_000;

/// Jobs of other shards that may wait for one shard; further senders wait.
pub const ROUTER_QUEUE_MAX: usize = 4096;

/// Jobs that a shard starts before it looks at its other work.
pub const ROUTER_BATCH_MAX: usize = 256;
