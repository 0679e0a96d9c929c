//! Owns what a log counts of its work, and the sample of it that leaves the shard.
//!
//! The log's tasks count as they go, on the log's shard; whoever exports metrics takes a sample, as often as it likes. It changes nothing of
//! what the log does.

use super::interface::CompactionStatistics;
use super::segment_file::SegmentState;
use super::settle::Reason;
use super::shard_log::ShardLog;
use crate::ids::LogId;
use crate::measure::{Counter, Histogram, HistogramSample, Scale};

/// What a log counts.
#[derive(Debug)]
pub(super) struct LogMeters {
    /// Batches that were appended.
    pub batches: Counter,
    /// Their records.
    pub records: Counter,
    /// Their bytes.
    pub batch_bytes: Counter,
    /// Commits that were written, by their bytes on the device.
    pub commit_bytes: Histogram,
    /// From a commit's first batch to the begin of its write, in ns.
    pub queue_ns: Histogram,
    /// The write of a commit, in ns; with its sync where writes sync themselves.
    pub write_ns: Histogram,
    /// Syncs behind writes, in ns.
    pub sync_ns: Histogram,
    /// Extents that readers found in memory.
    pub tail_hits: Counter,
    /// Extents that readers had to look for in blocks of the device.
    pub tail_misses: Counter,
    /// Files of dead segments that were kept for their next use.
    pub recycled: Counter,
    /// Files of dead segments that were removed.
    pub removed: Counter,
    /// Bytes of zeros that were written before the first use of their blocks.
    pub prewritten_bytes: Counter,
    /// Segments that the settling pass took the place of.
    pub settle_sources: Counter,
    /// Passes of settling that ended well, by their reason.
    settle_passes: [Counter; Reason::ALL.len()],
}

impl LogMeters {
    pub(super) fn new() -> LogMeters {
        let duration = || Histogram::new(Scale::DURATION_NS);
        LogMeters {
            batches: Counter::default(),
            records: Counter::default(),
            batch_bytes: Counter::default(),
            commit_bytes: Histogram::new(Scale::BYTES),
            queue_ns: duration(),
            write_ns: duration(),
            sync_ns: duration(),
            tail_hits: Counter::default(),
            tail_misses: Counter::default(),
            recycled: Counter::default(),
            removed: Counter::default(),
            prewritten_bytes: Counter::default(),
            settle_sources: Counter::default(),
            settle_passes: Default::default(),
        }
    }

    /// Passes of settling for this reason that ended well.
    pub(super) fn settle_passes(&self, reason: Reason) -> &Counter {
        let [waste, disk_full, fragments] = &self.settle_passes;
        match reason {
            Reason::Waste => waste,
            Reason::DiskFull => disk_full,
            Reason::Fragments => fragments,
        }
    }

    /// One more append.
    #[inline]
    pub(super) fn appended(&self, records: u64, bytes: u64) {
        self.batches.add(1);
        self.records.add(records);
        self.batch_bytes.add(bytes);
    }
}

/// Bytes in use, and the most there may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BytesInUse {
    /// In use now.
    pub used: u64,
    /// The bound.
    pub limit: u64,
}

/// What a log has done since it was opened, and what it holds. A value of its own: it may go to another shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSample {
    /// Which log.
    pub log: LogId,
    /// Batches that were appended.
    pub batches: u64,
    /// Their records.
    pub records: u64,
    /// Their bytes.
    pub batch_bytes: u64,
    /// Commits that were written, by their bytes on the device.
    pub commit_bytes: HistogramSample,
    /// From a commit's first batch to the begin of its write, in ns.
    pub queue_ns: HistogramSample,
    /// The write of a commit, in ns; with its sync where writes sync themselves.
    pub write_ns: HistogramSample,
    /// Syncs behind writes, in ns.
    pub sync_ns: HistogramSample,
    /// Commits that are filled or wait for their write.
    pub commits_waiting: u64,
    /// Commits that are being written.
    pub commits_in_flight: u64,
    /// Batches that are not durable yet.
    pub queued: BytesInUse,
    /// Commits kept for readers near the end.
    pub tail: BytesInUse,
    /// Blocks kept that were read from the device.
    pub blocks: BytesInUse,
    /// Footers of sealed segments kept.
    pub footers: BytesInUse,
    /// Extents that readers found in memory.
    pub tail_hits: u64,
    /// Extents that readers had to look for in blocks of the device.
    pub tail_misses: u64,
    /// Blocks that were there already.
    pub block_hits: u64,
    /// Blocks that were read from the device.
    pub device_reads: u64,
    /// Their bytes.
    pub device_read_bytes: u64,
    /// Segments in use that take commits.
    pub segments_current: u64,
    /// Segments in use that are never written again.
    pub segments_sealed: u64,
    /// Segments among the sealed ones that the settling pass wrote.
    pub segments_settled: u64,
    /// Files that wait for their next use.
    pub segments_free: u64,
    /// Files that wait for settling on a full disk.
    pub segments_reserve: u64,
    /// Bytes of files in use, prepared or free.
    pub disk_bytes: u64,
    /// Bytes of batches that can be asked for.
    pub live_bytes: u64,
    /// Bytes of sealed segments' files in which nothing is live.
    pub dead_bytes: u64,
    /// Files of dead segments that were kept for their next use.
    pub recycled: u64,
    /// Files of dead segments that were removed.
    pub removed: u64,
    /// Bytes of zeros that were written before the first use of their blocks.
    pub prewritten_bytes: u64,
    /// Segments that the settling pass wrote.
    pub settle_segments: u64,
    /// Bytes that it wrote.
    pub settle_bytes: u64,
    /// Segments that it took the place of.
    pub settle_sources: u64,
    /// Passes that ended well, by the name of their reason.
    pub settle_passes: [(&'static str, u64); Reason::ALL.len()],
    /// What compaction did.
    pub compaction: CompactionStatistics,
    /// Whether no further segment can be made.
    pub is_disk_full: bool,
}

impl ShardLog {
    /// What the log has done since it was opened, and what it holds. Takes as long as there are segments, not partitions.
    pub fn sample(&self) -> LogSample {
        let core = &self.core;
        let (meters, queue, index) = (&core.meters, core.queue.borrow(), core.index.borrow());
        let (mut current, mut sealed, mut settled) = (0, 0, 0);
        let (mut disk_bytes, mut live_bytes, mut dead_bytes) = (0, 0, 0);
        for segment in index.segments() {
            let live = segment.live_bytes();
            disk_bytes += segment.header.bytes;
            live_bytes += live;
            if segment.state() == SegmentState::Sealed {
                sealed += 1;
                settled += u64::from(segment.header.sequence.is_settled());
                dead_bytes += segment.header.bytes.saturating_sub(live);
            } else {
                current += 1;
            }
        }
        let files = core.files.borrow();
        let spare = files.free_count() + files.reserve_count();
        LogSample {
            log: core.options.log,
            batches: meters.batches.get(),
            records: meters.records.get(),
            batch_bytes: meters.batch_bytes.get(),
            commit_bytes: meters.commit_bytes.sample(),
            queue_ns: meters.queue_ns.sample(),
            write_ns: meters.write_ns.sample(),
            sync_ns: meters.sync_ns.sample(),
            commits_waiting: queue.waiting() as u64,
            commits_in_flight: queue.in_flight() as u64,
            queued: BytesInUse { used: queue.queued_bytes() as u64, limit: core.options.queued_bytes_max as u64 },
            tail: core.tail.borrow().in_use(),
            blocks: core.blocks.in_use(),
            footers: core.footers.in_use(),
            tail_hits: meters.tail_hits.get(),
            tail_misses: meters.tail_misses.get(),
            block_hits: core.blocks.hits(),
            device_reads: core.blocks.device_reads(),
            device_read_bytes: core.blocks.device_read_bytes(),
            segments_current: current,
            segments_sealed: sealed,
            segments_settled: settled,
            segments_free: files.free_count() as u64,
            segments_reserve: files.reserve_count() as u64,
            disk_bytes: disk_bytes + spare as u64 * core.options.segment_bytes,
            live_bytes,
            dead_bytes,
            recycled: meters.recycled.get(),
            removed: meters.removed.get(),
            prewritten_bytes: meters.prewritten_bytes.get(),
            settle_segments: core.settled.get().0,
            settle_bytes: core.settled.get().1,
            settle_sources: meters.settle_sources.get(),
            settle_passes: Reason::ALL.map(|reason| (reason.name(), meters.settle_passes(reason).get())),
            compaction: core.compaction.get(),
            is_disk_full: queue.is_disk_full(),
        }
    }
}
