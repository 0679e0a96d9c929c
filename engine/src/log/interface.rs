//! Owns what the log and its neighbours say to each other: what is appended, read, observed, recovered.
//!
//! Partitions implement [`LogObserver`] and [`RecoverySink`]; the log calls them on its own shard, never while it holds a borrow of its state, so they may
//! call the log. They must never block, and [`LogObserver`]'s methods must not await.

use crate::batch::BatchHeader;
use crate::ids::{LeaderEpoch, Offset, PartitionKey};
use bytes::Bytes;

/// What was copied into the log: one batch, or several of one partition and epoch that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchMeta {
    /// Offset of the first record: at or beyond the partition's end.
    pub base_offset: Offset,
    /// Offset of the last record.
    pub last_offset: Offset,
    /// Largest timestamp in ms, -1 for none.
    pub max_timestamp_ms: i64,
    /// The leader's term.
    pub leader_epoch: LeaderEpoch,
}

/// How far a partition got with a commit. One partition may appear several times in a row of these, with ascending offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryProgress {
    /// The partition.
    pub key: PartitionKey,
    /// The last offset that the commit holds of it.
    pub last_offset: Offset,
}

/// What a read found.
#[derive(Clone, Debug, Default)]
pub struct ReadRecords {
    /// Whole batches, one after the other; a batch may be cut between two slices.
    pub slices: Vec<Bytes>,
    /// Bytes of all slices.
    pub bytes: usize,
    /// The offset after the last batch, or the offset asked for if there is none.
    pub next_offset: Offset,
}

/// A batch that was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchRef {
    /// Offset of its first record.
    pub base_offset: Offset,
    /// Offset of its last record.
    pub last_offset: Offset,
    /// Its largest timestamp in ms.
    pub max_timestamp_ms: i64,
    /// The leader's term.
    pub leader_epoch: LeaderEpoch,
}

/// What retention wants to keep of a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Batches whose timestamps are all below this may go, in ms since 1970.
    pub before_timestamp_ms: Option<i64>,
    /// Oldest batches may go as long as this many bytes remain.
    pub bytes_max: Option<u64>,
}

/// How a partition is compacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// Records at or beyond it stay as they are, and replace nothing: they may yet go, by a truncation or an aborted transaction.
    pub until: Offset,
    /// `min.cleanable.dirty.ratio`: the share of new bytes beyond which it is due, in millionths.
    pub dirty_ppm_min: u32,
    /// `min.compaction.lag.ms`: younger records stay.
    pub lag_ms_min: i64,
    /// `max.compaction.lag.ms`: it is due if a record waits for longer.
    pub lag_ms_max: i64,
    /// `max.message.bytes`: a batch that grows beyond it as it is encoded anew is told to the log, and kept.
    pub batch_bytes_max: usize,
    /// `delete.retention.ms`: how long tombstones stay once nothing older is left of their key.
    pub tombstone_ms: i64,
    /// How long its records may lie in the segment that takes commits, in ms: `segment.ms`, or `max.compaction.lag.ms` if that is less.
    pub roll_ms: i64,
}

/// What compaction did since the log was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompactionStatistics {
    /// Passes over partitions.
    pub passes: u64,
    /// Bytes of batches that they went over.
    pub bytes_read: u64,
    /// Bytes of batches that they wrote.
    pub bytes_written: u64,
    /// Records that they went over.
    pub records_read: u64,
    /// Records that they left out.
    pub records_removed: u64,
}

impl CompactionStatistics {
    pub(super) fn add(&mut self, other: &CompactionStatistics) {
        self.passes += other.passes;
        self.bytes_read += other.bytes_read;
        self.bytes_written += other.bytes_written;
        self.records_read += other.records_read;
        self.records_removed += other.records_removed;
    }
}

/// What a checkpoint says of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointedPartition {
    /// The partition.
    pub key: PartitionKey,
    /// First offset that can be asked for.
    pub log_start: Offset,
    /// The offset after the last appended.
    pub end: Offset,
    /// Epoch of the last append or truncation.
    pub leader_epoch: LeaderEpoch,
}

/// Follows the log's progress, and speaks for the partitions when a checkpoint is taken.
pub trait LogObserver {
    /// A commit, and all before it, is on the device: it survives the end of the process.
    fn written(&self, progress: &[EntryProgress]);

    /// Commits, and all before them, survive the loss of power. Follows `written` for the same entries.
    fn durable(&self, progress: &[EntryProgress]);

    /// Gives the state of each partition that wants to find it again at recovery, as of everything appended so far. Called
    /// when the log begins a segment, between any two tasks.
    fn checkpoint(&self, out: &mut dyn FnMut(PartitionKey, &[u8]));

    /// How long the partition's records are kept by their timestamps, in ms; none for ever, or as long as there is room.
    fn retention_ms(&self, _key: PartitionKey) -> Option<i64> {
        None
    }

    /// Tells of each partition that is compacted.
    fn compacted(&self, _out: &mut dyn FnMut(PartitionKey, Compaction)) {}

    /// Tells of the last offset of each idempotent producer that the partition knows: batches that end there are kept, if need be without
    /// records, so that whoever reads the log knows the producer's sequence.
    fn producers_last(&self, _key: PartitionKey, _out: &mut dyn FnMut(Offset)) {}

    /// No further segment can be made (`true`), or one could again (`false`). Appends are refused once the current segment is full.
    fn space(&self, full: bool);
}

/// Is told what recovery finds, in the order of the log. First the checkpoint, then everything after it.
pub trait RecoverySink {
    /// A partition at the start of the newest segment, with the state that its owner gave then (empty if it gave none).
    fn checkpoint(&mut self, partition: &CheckpointedPartition, state: &[u8]);

    /// A batch appended since.
    fn batch(&mut self, key: PartitionKey, header: &BatchHeader);

    /// A log start moved up since.
    fn log_start(&mut self, key: PartitionKey, offset: Offset);

    /// A truncation since.
    fn truncate(&mut self, key: PartitionKey, to: Offset, leader_epoch: LeaderEpoch);

    /// A deletion since.
    fn delete(&mut self, key: PartitionKey);
}
