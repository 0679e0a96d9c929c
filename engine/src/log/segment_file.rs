//! Owns one open segment file: its header, how far it is written, how much of it is live, who reads it.
//!
//! Shared on one shard by the index, the appender, readers and the reclaimer. It must never be given to the reclaimer while a [`ReadGuard`] on it
//! lives: its blocks would change under the reader.

use super::commit::CommitHeader;
use super::error::{Damage, Flaw, ReadError};
use super::footer::Trailer;
use super::segment::SegmentHeader;
use crate::ids::CommitSequence;
use corelog_rt::file::DirectFile;
use corelog_rt::sync::Notify;
use std::cell::Cell;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

/// Where a segment is in its life. It goes forward only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentState {
    /// Has a header, waits for the current segment to fill up.
    Prepared,
    /// Takes commits, or still has some to be written.
    Current,
    /// Never written again; its footer is on the device.
    Sealed,
    /// Holds nothing that anybody can ask for.
    Dead,
}

/// The commits that a segment holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitRange {
    /// The first; 0 while there is none.
    pub first: CommitSequence,
    /// The last.
    pub last: CommitSequence,
    /// Checksum of the last.
    pub crc: u32,
    /// Wall clock of the last, in ms since 1970.
    pub wall_ms: i64,
}

impl CommitRange {
    /// With the commit that follows.
    pub fn extend(&mut self, header: &CommitHeader) {
        let first = if self.first == CommitSequence(0) { header.sequence } else { self.first };
        *self = CommitRange { first, last: header.sequence, crc: header.crc, wall_ms: header.wall_ms };
    }
}

/// One open segment.
#[derive(Debug)]
pub struct SegmentFile {
    /// What its first block says.
    pub header: SegmentHeader,
    /// The open file.
    pub file: DirectFile,
    /// Its name now.
    pub path: PathBuf,
    state: Cell<SegmentState>,
    written_end: Cell<u64>,
    prewritten_end: Cell<u64>,
    commits: Cell<CommitRange>,
    live_spans: Cell<u32>,
    live_bytes: Cell<u64>,
    settle_after_ms: Cell<i64>,
    is_short_lived: Cell<bool>,
    readers: Cell<u32>,
    readers_gone: Notify,
    trailer: Cell<Option<Trailer>>,
}

impl SegmentFile {
    /// A segment in `state` whose commits are on the device up to `written_end`.
    pub fn new(
        header: SegmentHeader,
        file: DirectFile,
        path: PathBuf,
        state: SegmentState,
        written_end: u64,
    ) -> Rc<SegmentFile> {
        Rc::new(SegmentFile {
            prewritten_end: Cell::new(file.first_hole()),
            header,
            file,
            path,
            state: Cell::new(state),
            written_end: Cell::new(written_end),
            commits: Cell::new(CommitRange::default()),
            live_spans: Cell::new(0),
            live_bytes: Cell::new(0),
            settle_after_ms: Cell::new(0),
            is_short_lived: Cell::new(false),
            readers: Cell::new(0),
            readers_gone: Notify::new(),
            trailer: Cell::new(None),
        })
    }

    /// Where it is in its life.
    pub fn state(&self) -> SegmentState {
        self.state.get()
    }

    pub(super) fn set_state(&self, state: SegmentState) {
        self.state.set(state);
    }

    /// Position up to which commits can be read.
    pub fn written_end(&self) -> u64 {
        self.written_end.get()
    }

    /// Position from which on no block was ever written, but for those of commits.
    pub(super) fn prewritten_end(&self) -> u64 {
        self.prewritten_end.get()
    }

    /// Zeros were written up to `end`.
    pub(super) fn set_prewritten_end(&self, end: u64) {
        self.prewritten_end.set(end);
    }

    /// The next commit is on the device.
    pub(super) fn commit_written(&self, sequence: CommitSequence, end: u64, crc: u32, wall_ms: i64) {
        assert!(end > self.written_end.get(), "commits are written in order");
        self.written_end.set(end);
        let known = self.commits.get();
        let first = if known.first == CommitSequence(0) { sequence } else { known.first };
        self.commits.set(CommitRange { first, last: sequence, crc, wall_ms });
    }

    /// Recovery: what a scan found.
    pub(super) fn restore_commits(&self, commits: CommitRange, end: u64) {
        self.commits.set(commits);
        self.written_end.set(end);
    }

    /// The commits that it holds.
    pub fn commits(&self) -> CommitRange {
        self.commits.get()
    }

    /// Partitions with batches in it that can still be asked for.
    pub fn live_spans(&self) -> u32 {
        self.live_spans.get()
    }

    /// Bytes of batches in it that can still be asked for.
    pub fn live_bytes(&self) -> u64 {
        self.live_bytes.get()
    }

    pub(super) fn span_added(&self) {
        self.live_spans.set(self.live_spans.get() + 1);
    }

    pub(super) fn span_dropped(&self) {
        self.live_spans.set(self.live_spans.get().checked_sub(1).expect("a span is dropped once"));
    }

    pub(super) fn bytes_added(&self, bytes: u64) {
        self.live_bytes.set(self.live_bytes.get() + bytes);
    }

    pub(super) fn bytes_dropped(&self, bytes: u64) {
        self.live_bytes.set(self.live_bytes.get().checked_sub(bytes).expect("bytes are dropped once"));
    }

    /// Before this time, in ms since 1970, it is not worth settling: too much of it dies by itself until then.
    pub(super) fn settle_after_ms(&self) -> i64 {
        self.settle_after_ms.get()
    }

    pub(super) fn set_settle_after_ms(&self, ms: i64) {
        self.settle_after_ms.set(ms);
    }

    /// Too much of it dies before long for sorting to pay, now or later.
    pub(super) fn is_short_lived(&self) -> bool {
        self.is_short_lived.get()
    }

    pub(super) fn set_short_lived(&self) {
        self.is_short_lived.set(true);
    }

    /// The footer's trailer, once the segment is sealed.
    pub fn trailer(&self) -> Option<Trailer> {
        self.trailer.get()
    }

    pub(super) fn set_sealed(&self, trailer: Trailer) {
        self.commits.set(CommitRange {
            first: trailer.commit_first,
            last: trailer.commit_last,
            crc: trailer.chain,
            wall_ms: trailer.wall_ms_last,
        });
        self.trailer.set(Some(trailer));
        self.state.set(SegmentState::Sealed);
    }

    /// Keeps the file from being used again until the guard is dropped.
    pub fn read_guard(self: &Rc<Self>) -> ReadGuard {
        self.readers.set(self.readers.get() + 1);
        ReadGuard { segment: Rc::clone(self) }
    }

    pub(super) async fn readers_gone(&self) {
        loop {
            let gone = self.readers_gone.notified();
            if self.readers.get() == 0 {
                return;
            }
            gone.await;
        }
    }

    /// Reading this file failed.
    pub fn unreadable(&self, error: &io::Error) -> ReadError {
        ReadError::Io { segment: self.header.sequence, kind: error.kind() }
    }

    /// Damage in this file.
    pub fn damage(&self, position: u64, flaw: Flaw) -> Damage {
        Damage { file: self.path.clone(), position, flaw }
    }
}

/// Held while blocks of a segment are read from the device.
#[derive(Debug)]
pub struct ReadGuard {
    segment: Rc<SegmentFile>,
}

impl Drop for ReadGuard {
    fn drop(&mut self) {
        let readers = self.segment.readers.get().saturating_sub(1);
        self.segment.readers.set(readers);
        if readers == 0 {
            self.segment.readers_gone.notify_all();
        }
    }
}
