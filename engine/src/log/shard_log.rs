//! Owns the face of the log: what partitions, the shard and tools call.
//!
//! One [`ShardLog`] per log directory, on the shard that the log belongs to; clones are cheap and share it. The caller holds the lock on the data
//! directory. Appends return before anything is on the device: wait for `written` or `durable`, or follow the observer.

use super::core::{Core, Signals};
use super::entry::{Entry, EntryKind};
use super::error::{AppendRefused, Closed, OpenError, ReadError};
use super::files::{Files, NextSegment};
use super::interface::{BatchMeta, BatchRef, LogObserver, ReadRecords, RecoverySink, Retention};
use super::meters::LogMeters;
use super::milestone::Milestone;
use super::options::LogOptions;
use super::preparer::{make_next, prepare_segments, reclaim_segments};
use super::prewriter::prewrite_segments;
use super::queue::{CommitQueue, Resume};
use super::reader::ReadLimits;
use super::recovery::{Recovered, recover};
use super::roll::{checkpoint, roll_segments};
use super::seal::PendingFooter;
use super::segment::SEGMENT_HEADER_BYTES;
use super::settle::{Pace, settle_segments};
use super::writer::{sync_commits, write_commits};
use crate::cache::blocks::BlockCache;
use crate::cache::footers::FooterCache;
use crate::cache::tail::TailCache;
use crate::ids::{CommitSequence, LeaderEpoch, LogId, Offset, PartitionKey, TopicNumber};
use corelog_rt::{rand, task, time};
use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// One append-only log in a directory, shared by all partitions that it holds.
#[derive(Clone, Debug)]
pub struct ShardLog {
    pub(super) core: Rc<Core>,
}

impl ShardLog {
    /// Opens the log in `directory`, or makes a new one, and tells `sink` what it finds. Nothing is written before [`ShardLog::start`].
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(
        directory: PathBuf,
        options: LogOptions,
        sink: &mut dyn RecoverySink,
    ) -> Result<ShardLog, OpenError> {
        options.check()?;
        let recovered = recover(&directory, &options, sink).await?;
        let Recovered { mut index, resume, next, free, numbers, unsealed } = recovered;
        let mut files = Files::new(&options, numbers, free);
        files.next = next.map(|segment| NextSegment { segment, is_reserved: false });
        files.unsealed = unsealed.iter().map(|segment| PendingFooter::of(&index, segment)).collect();
        let files = RefCell::new(files);
        let is_new = resume.is_none();
        let resume = match resume {
            Some(resume) => resume,
            None if options.read_only => return Err(OpenError::Options("there is no log in the directory")),
            None => begin_new(&directory, &options, &files).await?,
        };
        index.add_segment(&resume.segment);
        let reached = resume.sequence;
        let core = Rc::new(Core {
            dir: directory,
            index: RefCell::new(index),
            queue: RefCell::new(CommitQueue::new(options.clone(), resume)),
            observer: RefCell::new(None),
            written: Milestone::new(reached),
            durable: Milestone::new(reached),
            tail: RefCell::new(TailCache::new(options.tail_cache_bytes)),
            blocks: BlockCache::new(options.block_cache_bytes, options.read_block_bytes),
            footers: FooterCache::new(options.footer_cache_bytes),
            goals: RefCell::default(),
            files,
            signals: Signals::default(),
            tasks: RefCell::new(Vec::new()),
            stopping: Cell::new(false),
            settled: Cell::default(),
            meters: LogMeters::new(),
            pace: Pace::new(2 * options.commit_bytes_max, options.settle.rest_max),
            compaction: Cell::default(),
            options,
        });
        if is_new {
            checkpoint(&core);
        }
        core.collect_dying();
        Ok(ShardLog { core })
    }

    /// Sets who follows the log's progress. Set it before [`ShardLog::start`].
    pub fn set_observer(&self, observer: Rc<dyn LogObserver>) {
        *self.core.observer.borrow_mut() = Some(observer);
    }

    /// Starts the log's tasks. Call it once.
    pub fn start(&self) {
        assert!(!self.core.options.read_only, "who only looks starts nothing");
        let mut tasks = self.core.tasks.borrow_mut();
        assert!(tasks.is_empty(), "a log is started once");
        for number in 0..self.core.options.writes_in_flight_max {
            tasks.push(task::spawn(write_commits(Rc::clone(&self.core), number)));
        }
        for number in 0..self.core.options.syncs_in_flight_max {
            tasks.push(task::spawn(sync_commits(Rc::clone(&self.core), number)));
        }
        tasks.push(task::spawn(roll_segments(Rc::clone(&self.core))));
        tasks.push(task::spawn(prepare_segments(Rc::clone(&self.core))));
        if self.core.options.prewrite {
            tasks.push(task::spawn(prewrite_segments(Rc::clone(&self.core))));
        }
        tasks.push(task::spawn(reclaim_segments(Rc::clone(&self.core))));
        if self.core.options.settle.is_on {
            tasks.push(task::spawn(settle_segments(Rc::clone(&self.core))));
        }
    }

    /// Appends batches of one partition: lends `fill` the `bytes` of the open commit that they go to. `fill` must fill all of them and say what they are; if it
    /// fails, nothing was appended. It must not call the log. Gives back the commit that holds the batches.
    ///
    /// # Errors
    /// [`AppendRefused`] in the caller's error, or what `fill` gives. After `Busy` wait for [`ShardLog::admission`] and try again.
    pub fn append<E: From<AppendRefused>>(
        &self,
        key: PartitionKey,
        bytes: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<BatchMeta, E>,
    ) -> Result<CommitSequence, E> {
        let is_urgent = key.topic == TopicNumber::METADATA;
        let sequence = {
            let mut queue = self.core.queue.borrow_mut();
            if let Err(refused) = queue.admit(bytes, is_urgent) {
                drop(queue);
                self.core.queue_changed();
                return Err(refused.into());
            }
            let open = queue.reserve(bytes);
            let meta = fill(open.space(bytes))?;
            let landed = open.add_batches(key, &meta, bytes);
            open.began.get_or_insert_with(time::now);
            let records = meta.last_offset.0 - meta.base_offset.0 + 1;
            self.core.meters.appended(records as u64, bytes as u64);
            let segment = Rc::clone(&open.place.segment);
            let mut index = self.core.index.borrow_mut();
            index.append(&segment, key, &meta, landed.position, bytes as u32, landed.joins);
            queue.appended(bytes, landed.joins)
        };
        self.core.queue_changed();
        if is_urgent {
            self.core.keep_control_room();
        }
        Ok(sequence)
    }

    /// Moves a partition's start up, never down.
    ///
    /// # Errors
    /// `Busy`, `DiskFull` when even the room that is kept for this is used up, `Closed`.
    pub fn log_start(&self, key: PartitionKey, offset: Offset) -> Result<CommitSequence, AppendRefused> {
        let mut entry = Entry::new(EntryKind::LogStart, key);
        entry.base_offset = offset;
        self.control(entry)
    }

    /// Moves a partition's end down to `to`, which must be where a batch starts. Never up.
    ///
    /// # Errors
    /// As [`ShardLog::log_start`].
    pub fn truncate(
        &self,
        key: PartitionKey,
        to: Offset,
        leader_epoch: LeaderEpoch,
    ) -> Result<CommitSequence, AppendRefused> {
        let mut entry = Entry::new(EntryKind::Truncate, key);
        entry.base_offset = to;
        entry.leader_epoch = leader_epoch;
        self.control(entry)
    }

    /// Forgets a partition and everything it holds.
    ///
    /// # Errors
    /// As [`ShardLog::log_start`].
    pub fn delete_partition(&self, key: PartitionKey) -> Result<CommitSequence, AppendRefused> {
        self.control(Entry::new(EntryKind::DeletePartition, key))
    }

    fn control(&self, entry: Entry) -> Result<CommitSequence, AppendRefused> {
        let admitted = self.core.queue.borrow_mut().admit_control();
        if let Err(refused) = admitted {
            self.core.queue_changed();
            self.core.keep_control_room();
            return Err(refused);
        }
        let sequence = {
            let mut queue = self.core.queue.borrow_mut();
            let open = queue.reserve(0);
            open.add_entry(entry, &[]);
            let segment = open.place.segment.header.sequence;
            let mut index = self.core.index.borrow_mut();
            match entry.kind {
                EntryKind::LogStart => index.log_start(segment, entry.key, entry.base_offset),
                EntryKind::Truncate => index.truncate(segment, entry.key, entry.base_offset, entry.leader_epoch),
                EntryKind::DeletePartition => index.delete(entry.key),
                _ => {}
            }
            queue.open_sequence()
        };
        self.core.collect_dying();
        self.core.queue_changed();
        self.core.keep_control_room();
        Ok(sequence)
    }

    /// Whether appends are admitted now, apart from their size.
    pub fn is_admitting(&self) -> bool {
        self.core.queue.borrow().is_open()
    }

    /// Waits until appends are admitted again after `Busy`. Another task may be faster: try, and wait again.
    pub async fn admission(&self) {
        loop {
            if self.core.queue.borrow().is_open() {
                return;
            }
            self.core.signals.admission.notified().await;
        }
    }

    /// Waits until a commit, and all before it, is on the device: it survives the end of the process.
    ///
    /// # Errors
    /// `Closed` if the log ends first.
    pub async fn written(&self, sequence: CommitSequence) -> Result<(), Closed> {
        self.core.written.wait(sequence).await
    }

    /// Waits until a commit, and all before it, survives the loss of power.
    ///
    /// # Errors
    /// `Closed` if the log ends first.
    pub async fn durable(&self, sequence: CommitSequence) -> Result<(), Closed> {
        self.core.durable.wait(sequence).await
    }

    /// Reads whole batches of a partition: the one that holds `from` first, none at or beyond `until`, together at most `bytes_max`, or one
    /// batch if `at_least_one` and it alone has more. Ends early where batches are not written yet.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn read(
        &self,
        key: PartitionKey,
        from: Offset,
        until: Offset,
        bytes_max: usize,
        at_least_one: bool,
    ) -> Result<ReadRecords, ReadError> {
        self.core.read(key, ReadLimits { from, until, bytes_max, at_least_one }).await
    }

    /// The first batch below `until` whose largest timestamp is at least `timestamp_ms`.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn first_batch_at_or_after(
        &self,
        key: PartitionKey,
        timestamp_ms: i64,
        until: Offset,
    ) -> Result<Option<BatchRef>, ReadError> {
        self.core.first_batch_at_or_after(key, timestamp_ms, until).await
    }

    /// The first of the batches below `until` that have the largest timestamp.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn batch_with_max_timestamp(
        &self,
        key: PartitionKey,
        until: Offset,
    ) -> Result<Option<BatchRef>, ReadError> {
        self.core.batch_with_max_timestamp(key, until).await
    }

    /// Where retention would move a partition's start: whole segments, finer in the current one. None if nothing may go. Changes nothing.
    pub fn expire(&self, key: PartitionKey, retention: &Retention) -> Option<Offset> {
        self.core.expire(key, retention)
    }

    /// Bytes of a partition's batches, those below its log start included as long as their segment keeps them.
    pub fn partition_bytes(&self, key: PartitionKey) -> u64 {
        self.core.index.borrow().partition(key).map_or(0, |partition| partition.bytes)
    }

    /// A partition's start and end as appended, if the log knows it.
    pub fn partition_range(&self, key: PartitionKey) -> Option<(Offset, Offset)> {
        self.core.index.borrow().partition(key).map(|partition| (partition.log_start, partition.end))
    }

    /// The partitions that the log knows.
    pub fn partition_keys(&self) -> Vec<PartitionKey> {
        self.core.index.borrow().partitions().map(|(key, _)| *key).collect()
    }

    /// The log's id.
    pub fn id(&self) -> LogId {
        self.core.options.log
    }

    /// The largest append, in bytes.
    pub fn append_bytes_max(&self) -> usize {
        self.core.options.append_bytes_max()
    }

    /// Takes no more appends, makes everything durable, marks the end, stops the log's tasks.
    pub async fn close(self) {
        let last = {
            let mut queue = self.core.queue.borrow_mut();
            queue.set_closing();
            let open = queue.reserve(0);
            open.add_entry(Entry::new(EntryKind::CleanShutdown, PartitionKey::default()), &[]);
            queue.open_sequence()
        };
        self.core.signals.admission.notify_all();
        self.core.queue_changed();
        // The log is not closed yet, so this ends only by success.
        let _ = self.core.durable.wait(last).await;
        self.core.stopping.set(true);
        let signals = &self.core.signals;
        signals.writers.wake_all();
        signals.syncers.wake_all();
        signals.roll.notify_all();
        signals.prepare.notify_all();
        signals.prewrite.notify_all();
        signals.reclaim.notify_all();
        signals.settle.notify_all();
        let tasks = std::mem::take(&mut *self.core.tasks.borrow_mut());
        for task in tasks {
            task.await;
        }
        self.core.written.close();
        self.core.durable.close();
    }
}

async fn begin_new(directory: &Path, options: &LogOptions, files: &RefCell<Files>) -> Result<Resume, OpenError> {
    let prepared = files.borrow_mut().next.take();
    let segment = match prepared {
        Some(prepared) => prepared.segment,
        None => {
            make_next(directory, options, files)
                .await
                .map_err(|error| OpenError::Io { path: directory.to_owned(), error })?
                .segment
        }
    };
    Ok(Resume {
        segment,
        position: SEGMENT_HEADER_BYTES as u64,
        extent_count: 0,
        sequence: CommitSequence(0),
        chain: 0,
        life: rand::u64(),
    })
}
