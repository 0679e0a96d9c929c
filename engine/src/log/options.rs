//! Owns the settings of a shard log and their bounds.

use super::error::{Flaw, OpenError};
use super::scan::ScannedCommit;
use crate::ids::LogId;
use crate::limits;
use corelog_rt::file::WriteMode;
use std::time::Duration;

/// Settings of one log. [`LogOptions::new`] gives the defaults.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// The log's id, repeated in every segment.
    pub log: LogId,
    /// Bytes of a segment file: a multiple of 4096 within `limits::SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX`. Files of another
    /// length, from a former setting, stay readable; they are removed rather than used again.
    pub segment_bytes: u64,
    /// When an open commit is closed although writes are in flight, in bytes. A larger append gets a commit of its own.
    pub commit_bytes_max: usize,
    /// Commits being written at once.
    pub writes_in_flight_max: usize,
    /// Syncs in flight at once.
    pub syncs_in_flight_max: usize,
    /// Bytes appended and not yet durable, beyond which appends are refused as `Busy`.
    pub queued_bytes_max: usize,
    /// Bytes of written commits kept in memory for readers near the end.
    pub tail_cache_bytes: usize,
    /// Bytes of segments kept in memory after reading them from the device.
    pub block_cache_bytes: usize,
    /// Unit of reading from the device, in bytes: a multiple of 4096.
    pub read_block_bytes: usize,
    /// Blocks that a partition's reader has at least read ahead of it, up to `limits::READ_AHEAD_MAX`; 0 for none. It is twice what it reads at once if that is more.
    pub read_ahead_blocks: usize,
    /// Bytes of footers kept in memory.
    pub footer_cache_bytes: usize,
    /// Files kept for their next use.
    pub free_files_max: usize,
    /// Write zeros over a new file while the log is idle, so that its first use is as fast as later ones.
    pub prewrite: bool,
    /// Verify the checksum of batches that come from the device, each time they are read.
    pub verify_reads: bool,
    /// Whether a write is made durable by a sync or by itself.
    pub write_mode: WriteMode,
    /// Change nothing in the directory: for tools that look into a log and never start it.
    pub read_only: bool,
    /// How segments with much dead space are settled.
    pub settle: SettleOptions,
    /// How compacted partitions are compacted; the settling pass does it.
    pub compaction: CompactionOptions,
    /// Defects built in on purpose.
    #[cfg(sim)]
    pub defects: Defects,
}

/// When the settling pass works, see [`super::settle`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SettleOptions {
    /// Whether there is one.
    pub is_on: bool,
    /// How often it looks for work.
    pub interval: Duration,
    /// What share of a segment must be waste before it is looked at, 0 to 1.
    pub waste_share_min: f64,
    /// How long it rests after a piece of its work at most, while the log is busy. It rests less where commits do not mind.
    pub rest_max: Duration,
    /// Files that ordinary appends never get, so that it finds room on a full disk.
    pub reserve_files: usize,
    /// How old segments must be that are sorted for cold readers; never if none. What lives less than many times as long is not.
    pub sort_after: Option<Duration>,
}

/// When compaction works, and with how much memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactionOptions {
    /// Whether there is any (`log.cleaner.enable`).
    pub is_on: bool,
    /// How often it looks for work (`log.cleaner.backoff.ms`).
    pub interval: Duration,
    /// The most bytes that its map of keys takes. What does not fit is for another pass.
    pub map_bytes_max: usize,
}

impl Default for CompactionOptions {
    fn default() -> CompactionOptions {
        CompactionOptions { is_on: true, interval: Duration::from_secs(15), map_bytes_max: 16 << 20 }
    }
}

impl Default for SettleOptions {
    fn default() -> SettleOptions {
        SettleOptions {
            is_on: true,
            interval: Duration::from_secs(1),
            waste_share_min: 0.33,
            rest_max: Duration::from_millis(100),
            reserve_files: 2,
            sort_after: Some(Duration::from_mins(10)),
        }
    }
}

/// Defects that a simulation builds in, to show that its checks notice them.
#[cfg(sim)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Defects {
    /// Says durable as soon as a commit is written.
    pub durable_before_sync: bool,
    /// Recovery does not look at the checksums of batches.
    pub unchecked_batches: bool,
    /// Recovery does not look at the chain of checksums from commit to commit.
    pub unchecked_chain: bool,
}

impl LogOptions {
    /// The defaults.
    pub fn new(log: LogId) -> LogOptions {
        LogOptions {
            log,
            segment_bytes: 256 << 20,
            commit_bytes_max: 1 << 20,
            writes_in_flight_max: 4,
            syncs_in_flight_max: 2,
            queued_bytes_max: 32 << 20,
            tail_cache_bytes: 64 << 20,
            block_cache_bytes: 64 << 20,
            read_block_bytes: 256 << 10,
            read_ahead_blocks: 2,
            footer_cache_bytes: 8 << 20,
            free_files_max: 2,
            prewrite: true,
            verify_reads: true,
            write_mode: WriteMode::Through,
            read_only: false,
            settle: SettleOptions::default(),
            compaction: CompactionOptions::default(),
            #[cfg(sim)]
            defects: Defects::default(),
        }
    }

    /// The largest append, in bytes: less than half of a segment.
    pub fn append_bytes_max(&self) -> usize {
        (self.segment_bytes / 8 * 3) as usize
    }

    /// Files that are kept for the settling pass, if there is one.
    pub fn reserve_files(&self) -> usize {
        if self.settle.is_on { self.settle.reserve_files } else { 0 }
    }

    /// The largest checkpoint, in bytes: with it and the largest append in a segment there is still room for control entries.
    pub fn checkpoint_bytes_max(&self) -> u64 {
        self.segment_bytes / 4
    }

    /// Bytes at the end of a segment that batches leave to control entries: log starts, truncations, deletions and the
    /// clean-shutdown mark must find room while the disk is full.
    pub fn control_reserve_bytes(&self) -> usize {
        (self.segment_bytes as usize / 64).clamp(12 << 10, 1 << 20)
    }

    /// Whether a commit that was written counts as durable.
    pub(super) fn durable_when_written(&self) -> bool {
        #[cfg(sim)]
        if self.defects.durable_before_sync {
            return true;
        }
        self.write_mode == WriteMode::Through
    }

    /// Recovery's check of a commit's batches.
    #[cfg_attr(not(sim), expect(clippy::unused_self, reason = "a simulation's options can switch the check off"))]
    pub(super) fn check_batches(&self, commit: &ScannedCommit) -> Result<(), Flaw> {
        #[cfg(sim)]
        if self.defects.unchecked_batches {
            return Ok(());
        }
        commit.check_batches()
    }

    pub(super) fn check(&self) -> Result<(), OpenError> {
        let segments = limits::SEGMENT_BYTES_MIN..=limits::SEGMENT_BYTES_MAX;
        if !segments.contains(&self.segment_bytes) || !self.segment_bytes.is_multiple_of(4096) {
            return Err(OpenError::Options("segment bytes: a multiple of 4096, from 128 KiB to 2 GiB"));
        }
        if self.commit_bytes_max < 8192 || self.commit_bytes_max as u64 > self.segment_bytes / 4 {
            return Err(OpenError::Options("commit bytes: from 8 KiB to a quarter of a segment"));
        }
        if self.writes_in_flight_max == 0 || self.writes_in_flight_max > limits::WRITES_IN_FLIGHT_MAX {
            return Err(OpenError::Options("writes in flight: 1 to 64"));
        }
        if self.syncs_in_flight_max == 0 || self.syncs_in_flight_max > limits::SYNCS_IN_FLIGHT_MAX {
            return Err(OpenError::Options("syncs in flight: 1 to 8"));
        }
        if self.read_block_bytes < 4096 || !self.read_block_bytes.is_multiple_of(4096) {
            return Err(OpenError::Options("read block bytes: a multiple of 4096"));
        }
        if self.read_ahead_blocks > limits::READ_AHEAD_MAX {
            return Err(OpenError::Options("blocks read ahead: at most 4"));
        }
        Ok(())
    }
}
