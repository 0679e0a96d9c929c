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
pub const DECOMPRESSED_BYTES_MAX: usize = 128 << 20;

/// How many of a producer's last batches are remembered to answer its duplicates; Kafka's clients rely on five.
pub const PRODUCER_BATCHES_MAX: usize = 5;

/// The most idempotent producers that one partition remembers; beyond it those that wrote longest ago are forgotten.
pub const PRODUCERS_PER_PARTITION_MAX: usize = 10_000;

/// The most long polls that wait on one partition; a further one is answered at once with what is there.
pub const FETCH_WAITERS_PER_PARTITION_MAX: usize = 10_000;

/// The most leader epochs that one partition remembers; beyond it the oldest is forgotten.
pub const LEADER_EPOCHS_MAX: usize = 10_000;

/// Jobs of other shards that may wait for one shard; further senders wait.
pub const ROUTER_QUEUE_MAX: usize = 4096;

/// Jobs that a shard starts before it looks at its other work.
pub const ROUTER_BATCH_MAX: usize = 256;

/// The smallest segment file, in bytes.
pub const SEGMENT_BYTES_MIN: u64 = 128 << 10;

/// The largest segment file, in bytes: positions in it fit 32 bits.
pub const SEGMENT_BYTES_MAX: u64 = 2 << 30;

/// The most commits of one log that are being written at once.
pub const WRITES_IN_FLIGHT_MAX: usize = 64;

/// The most syncs of one log in flight at once.
pub const SYNCS_IN_FLIGHT_MAX: usize = 8;

/// Bytes of a segment that only the clean-shutdown mark may use.
pub const SHUTDOWN_RESERVE_BYTES: usize = 8 << 10;

/// Segments whose headers and footers are read at once at start.
pub const SEGMENTS_OPENED_AT_ONCE: usize = 16;

/// Bytes read in one piece while a segment is scanned.
pub const SCAN_READ_BYTES: usize = 1 << 20;

/// How far behind a hole recovery looks for proof that the hole was durable, in bytes.
pub const RECOVERY_LOOKAHEAD_BYTES: u64 = 32 << 20;

/// How far a segment without a checkpoint is looked through for proof that it had one, in bytes.
pub const UNUSED_LOOKAHEAD_BYTES: u64 = 8 << 20;

/// The largest state of one partition in a checkpoint, in bytes.
pub const CHECKPOINT_STATE_BYTES_MAX: usize = 64 << 20;

/// The most blocks that a reader in order may be set to have ahead of it.
pub const READ_AHEAD_MAX: usize = 4;

/// Bytes of blocks of one log that are on their way at once before no more are read ahead.
pub const LOADS_BYTES_MAX: u64 = 8 << 20;

/// Slices of one read: beyond it the read ends early.
pub const READ_SLICES_MAX: usize = 1024;

/// How much is read at once in search of a record by its timestamp.
pub const TIMESTAMP_SCAN_BYTES: usize = 1 << 20;

/// Bytes of metadata records after which a batch is closed; one resource's records stay together beyond it.
pub const METADATA_BATCH_BYTES_MAX: usize = 256 << 10;

/// Bytes of records that belong together and so go into one batch of the metadata log; a command with more is refused.
pub const METADATA_COMMAND_BYTES_MAX: usize = 8 << 20;

/// The most entities that have client quotas.
pub const QUOTA_ENTITIES_MAX: usize = 100_000;

/// The most users that have SCRAM credentials.
pub const CREDENTIALS_MAX: usize = 100_000;

/// Bytes of the metadata log since its last snapshot, below which no further one is taken.
pub const METADATA_SNAPSHOT_BYTES_MIN: u64 = 4 << 20;

/// Bytes read from the metadata log at once while it is replayed.
pub const METADATA_READ_BYTES: usize = 4 << 20;

/// Logs of one data directory: as many as the largest number of shards it ever ran with.
pub const LOGS_MAX: u32 = 1024;

/// Partitions that a shard looks at before it lets other tasks run.
pub const PARTITIONS_PER_SLICE: usize = 256;
