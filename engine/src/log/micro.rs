//! Owns the doors through which `bench/micro` calls the log's hot parts one by one, without its tasks and without its device.
//!
//! Built with the feature `micro` alone; nothing in the broker calls it. The log must be opened and not started: what its writer tasks would do,
//! the caller does, with the same functions.

use super::error::ReadError;
use super::queue::WriteJob;
use super::segment::SEGMENT_HEADER_BYTES;
use super::segment_file::CommitRange;
use super::shard_log::ShardLog;
use super::writer::commit_written;
use crate::ids::{Offset, PartitionKey};
use corelog_rt::buffer::DirectBuffer;
use std::rc::Rc;

/// The wall clock in every commit: a constant, so that every run does the same.
const WALL_MS: i64 = 1_700_000_000_000;

/// A commit as it would go to the device.
#[derive(Debug)]
pub struct SealedCommit {
    job: WriteJob,
    buffer: DirectBuffer,
}

impl SealedCommit {
    /// What would be written.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer
    }
}

/// Seals the next commit, as a writer does when the device is free.
pub fn seal(log: &ShardLog) -> Option<SealedCommit> {
    let sealed = log.core.queue.borrow_mut().take_write(WALL_MS);
    sealed.map(|(job, buffer)| SealedCommit { job, buffer })
}

/// Reports a commit as written and durable, as a writer does when the device is done: readers find it in the tail cache.
pub fn written(log: &ShardLog, commit: SealedCommit) {
    commit_written(&log.core, commit.job, commit.buffer);
}

/// Looks up where a partition's records from `offset` on lie. Gives the number of extents that a reader would go through.
///
/// # Errors
/// As reading.
pub async fn locate(log: &ShardLog, key: PartitionKey, offset: Offset) -> Result<Option<usize>, ReadError> {
    Ok(log.core.locate(key, offset).await?.map(|located| located.extents.len()))
}

/// Has the log go on at the start of its segment, so that it never fills up. Every commit must have been sealed and written; of each partition
/// the last batch stays in the index, which so remains as it is in a log that runs.
pub fn rewind(log: &ShardLog) {
    let core = &log.core;
    let mut queue = core.queue.borrow_mut();
    assert!(queue.is_idle(), "everything was written");
    let segment = Rc::clone(queue.segment());
    queue.roll(&segment, false);
    segment.restore_commits(CommitRange::default(), SEGMENT_HEADER_BYTES as u64);
    let mut index = core.index.borrow_mut();
    let ends: Vec<_> = index.partitions().map(|(key, partition)| (*key, partition.end)).collect();
    for (key, end) in ends {
        index.log_start(segment.header.sequence, key, Offset(end.0 - 1));
    }
}
