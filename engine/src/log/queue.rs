//! Owns the commits between an append and the device: the open one, those that wait, those in flight, those not yet durable.
//!
//! A state machine without I/O, on the log's shard. Appends fill the open commit; writer tasks take commits in order and report each when it is written, in
//! any order; syncer tasks take what is written and report it durable. The rules are here and nowhere else:
//! - a commit is taken when nothing is being written, or when it was closed because it is full (sticky batching);
//! - of a new segment nothing is taken before everything of the old one is durable;
//! - written and durable advance in the order of the sequence, without gaps.
//!
//! It never holds more than `queued_bytes_max` and one append, control entries aside, which are small and whose place is reserved.

use super::commit::{FLAG_CHECKPOINT, FLAG_LIFE_START};
use super::entry::Entry;
use super::error::AppendRefused;
use super::footer::footer_bytes;
use super::interface::EntryProgress;
use super::open_commit::{CommitPlace, CommitStamp, OpenCommit};
use super::options::LogOptions;
use super::segment::SEGMENT_HEADER_BYTES;
use super::segment_file::SegmentFile;
use crate::ids::CommitSequence;
use crate::limits;
use bytes::Bytes;
use corelog_rt::buffer::DirectBuffer;
use corelog_rt::time::Instant;
use std::collections::VecDeque;
use std::rc::Rc;

/// Where the log goes on after recovery.
#[derive(Clone, Debug)]
pub struct Resume {
    /// The segment that takes the next commit.
    pub segment: Rc<SegmentFile>,
    /// Where in it.
    pub position: u64,
    /// Extents that it holds already.
    pub extent_count: usize,
    /// The last commit that is there.
    pub sequence: CommitSequence,
    /// Its checksum.
    pub chain: u32,
    /// This process's life.
    pub life: u64,
}

/// A commit to write.
#[derive(Debug)]
pub struct WriteJob {
    /// Where it goes.
    pub place: CommitPlace,
    /// Its checksum.
    pub crc: u32,
    /// Wall clock in it, in ms.
    pub wall_ms: i64,
    /// When the first batch of a client was added to it.
    pub began: Option<Instant>,
    batch_bytes: usize,
    progress: Vec<EntryProgress>,
}

/// A commit on the device.
#[derive(Debug)]
pub struct WrittenCommit {
    /// Its bytes.
    pub bytes: Bytes,
    /// Memory that holds them, in bytes.
    pub held_bytes: usize,
    /// Its checksum, wall clock and content.
    pub job: WriteJob,
}

impl WrittenCommit {
    /// What it does for each partition.
    pub fn progress(&self) -> &[EntryProgress] {
        &self.job.progress
    }
}

/// What is to be synced.
#[derive(Debug)]
pub struct SyncJob {
    /// The segment that holds all of it.
    pub segment: Rc<SegmentFile>,
    /// The last commit that the sync covers.
    pub sequence: CommitSequence,
}

/// Commits between an append and the device.
#[derive(Debug)]
pub struct CommitQueue {
    options: LogOptions,
    // Where the next commit to be opened goes.
    segment: Rc<SegmentFile>,
    position: u64,
    after: CommitSequence,
    extent_count: usize,
    sequence_last: u64,
    open: Option<OpenCommit>,
    closed: VecDeque<OpenCommit>,
    /// Half again what commits took lately.
    commit_bytes_expected: usize,
    // What the next commit to be finished repeats.
    chain: u32,
    life: u64,
    life_started: bool,
    // Progress.
    queued_bytes: usize,
    in_flight: usize,
    /// Zeros are being written to a segment, from a position on.
    zeroing: Option<(Rc<SegmentFile>, u64)>,
    finished: VecDeque<Option<WrittenCommit>>,
    written: u64,
    undurable: VecDeque<WriteJob>,
    sync_taken: u64,
    durable: u64,
    // Reasons to refuse.
    roll_wanted: bool,
    room_refused: bool,
    disk_full: bool,
    /// The segment is of the reserve: only control entries and the metadata log get in while the disk is full.
    is_reserved: bool,
    closing: bool,
}

impl CommitQueue {
    /// An empty queue that goes on at `resume`.
    pub fn new(options: LogOptions, resume: Resume) -> CommitQueue {
        CommitQueue {
            options,
            segment: resume.segment,
            position: resume.position,
            after: resume.sequence,
            extent_count: resume.extent_count,
            sequence_last: resume.sequence.0,
            open: None,
            closed: VecDeque::new(),
            commit_bytes_expected: 0,
            chain: resume.chain,
            life: resume.life,
            life_started: false,
            queued_bytes: 0,
            in_flight: 0,
            zeroing: None,
            finished: VecDeque::new(),
            written: resume.sequence.0,
            undurable: VecDeque::new(),
            sync_taken: resume.sequence.0,
            durable: resume.sequence.0,
            roll_wanted: false,
            room_refused: false,
            disk_full: false,
            is_reserved: false,
            closing: false,
        }
    }

    /// Whether batches of `bytes` may be appended now. Those that are `urgent` may use the room that is left to control entries.
    ///
    /// # Errors
    /// `Closed`, `TooLarge`, `Busy`, `DiskFull`.
    pub fn admit(&mut self, bytes: usize, urgent: bool) -> Result<(), AppendRefused> {
        let bytes_max = self.options.append_bytes_max();
        if self.closing {
            return Err(AppendRefused::Closed);
        }
        if bytes > bytes_max {
            return Err(AppendRefused::TooLarge { bytes, bytes_max });
        }
        if self.queued_bytes >= self.options.queued_bytes_max {
            return Err(AppendRefused::Busy);
        }
        if urgent {
            return self.check_room(bytes, limits::SHUTDOWN_RESERVE_BYTES);
        }
        if self.is_reserved && self.disk_full {
            return Err(AppendRefused::DiskFull);
        }
        self.check_room(bytes, self.options.control_reserve_bytes())
    }

    /// Whether a control entry may be appended now: it may use the room that batches leave.
    ///
    /// # Errors
    /// `Closed`, `Busy`, `DiskFull`.
    pub fn admit_control(&mut self) -> Result<(), AppendRefused> {
        if self.closing {
            return Err(AppendRefused::Closed);
        }
        self.check_room(0, limits::SHUTDOWN_RESERVE_BYTES)
    }

    fn check_room(&mut self, bytes: usize, reserve: usize) -> Result<(), AppendRefused> {
        if self.room_left(bytes) >= reserve as u64 {
            return Ok(());
        }
        self.roll_wanted = true;
        self.room_refused = true;
        Err(if self.disk_full { AppendRefused::DiskFull } else { AppendRefused::Busy })
    }

    /// The room that is left to control entries is half used up.
    pub fn is_control_short(&self) -> bool {
        let usable = self.options.control_reserve_bytes().saturating_sub(limits::SHUTDOWN_RESERVE_BYTES);
        self.room_left(0) < (limits::SHUTDOWN_RESERVE_BYTES + usable / 2) as u64
    }

    /// Bytes that the segment has left after an append of `bytes` and after its footer.
    fn room_left(&self, bytes: usize) -> u64 {
        let commits = match &self.open {
            Some(open) if open.fits(bytes) => open.disk_bytes_with(bytes),
            Some(open) => open.disk_bytes() + OpenCommit::bytes_for(bytes),
            None => OpenCommit::bytes_for(bytes),
        };
        let footer = footer_bytes(self.extent_count + 1, self.segment.live_spans() as usize + 1);
        self.segment.header.bytes.saturating_sub(self.position + (commits + footer) as u64)
    }

    /// The open commit with room for `bytes`, after `admit`. Closes a full one.
    pub fn reserve(&mut self, bytes: usize) -> &mut OpenCommit {
        self.reserve_flagged(bytes, 0)
    }

    fn reserve_flagged(&mut self, bytes: usize, flags: u16) -> &mut OpenCommit {
        if self.open.as_ref().is_some_and(|open| !open.fits(bytes)) {
            self.close_open();
        }
        if self.open.is_none() {
            let needed = OpenCommit::bytes_for(bytes);
            let bytes_max = needed.max(self.options.commit_bytes_max);
            let place = CommitPlace {
                segment: Rc::clone(&self.segment),
                position: self.position,
                sequence: CommitSequence(self.sequence_last + 1),
                after: self.after,
            };
            self.open = Some(OpenCommit::new(place, flags, needed.max(self.commit_bytes_expected), bytes_max));
        }
        self.open.as_mut().expect("it was just opened")
    }

    /// Batches of `bytes` were added to the open commit; `joins` as the commit said. Gives back the commit's sequence.
    pub fn appended(&mut self, bytes: usize, joins: bool) -> CommitSequence {
        self.queued_bytes += bytes;
        self.extent_count += usize::from(!joins);
        if self.room_left(self.options.commit_bytes_max) < self.options.control_reserve_bytes() as u64 {
            // Before anybody is refused, if the next segment is there.
            self.roll_wanted = true;
        }
        self.open_sequence()
    }

    /// The sequence of the commit that takes the next append.
    pub fn open_sequence(&self) -> CommitSequence {
        self.open.as_ref().map_or(CommitSequence(self.sequence_last + 1), |open| open.place.sequence)
    }

    /// The last commit that anything was appended to.
    pub fn sequence_appended(&self) -> CommitSequence {
        match &self.open {
            Some(open) if !open.is_empty() => open.place.sequence,
            _ => CommitSequence(self.sequence_last),
        }
    }

    /// Adds an entry of a checkpoint with its data, in commits of their own kind.
    pub fn add_checkpoint(&mut self, entry: Entry, data: &[u8]) -> CommitSequence {
        let open = self.reserve_flagged(data.len(), FLAG_CHECKPOINT);
        open.add_entry(entry, data);
        open.place.sequence
    }

    /// Closes the open commit, if anything is in it.
    pub fn close_open(&mut self) {
        let Some(open) = self.open.take() else { return };
        if open.is_empty() {
            return;
        }
        let bytes = open.disk_bytes();
        self.commit_bytes_expected = self.commit_bytes_expected.midpoint(bytes + bytes / 2);
        self.sequence_last = open.place.sequence.0;
        self.position += bytes as u64;
        self.closed.push_back(open);
    }

    /// Goes on in `next`, at its start; it may be of the reserve. Gives back the segment that takes no more.
    pub fn roll(&mut self, next: &Rc<SegmentFile>, is_reserved: bool) -> Rc<SegmentFile> {
        self.close_open();
        self.after = CommitSequence(self.sequence_last);
        self.position = SEGMENT_HEADER_BYTES as u64;
        self.extent_count = 0;
        self.roll_wanted = false;
        self.room_refused = false;
        self.is_reserved = is_reserved;
        std::mem::replace(&mut self.segment, Rc::clone(next))
    }

    /// The next commit to write, if there is one to write now.
    pub fn take_write(&mut self, wall_ms: i64) -> Option<(WriteJob, DirectBuffer)> {
        if !self.has_write() {
            return None;
        }
        if self.closed.is_empty() {
            self.close_open();
        }
        let commit = self.closed.pop_front()?;
        let (place, began) = (commit.place.clone(), commit.began);
        let flags = if self.life_started { 0 } else { FLAG_LIFE_START };
        let durable = CommitSequence(self.durable);
        let finished = commit.finish(CommitStamp { flags, life: self.life, chain: self.chain, durable, wall_ms });
        self.life_started = true;
        self.chain = finished.crc;
        self.in_flight += 1;
        let job = WriteJob {
            place,
            crc: finished.crc,
            wall_ms,
            began,
            batch_bytes: finished.batch_bytes,
            progress: finished.progress,
        };
        Some((job, finished.buffer))
    }

    /// Whether another writer would find work.
    pub fn has_write(&self) -> bool {
        let first = match (self.closed.front(), &self.open) {
            (Some(first), _) => Some(first),
            (None, Some(open)) if !open.is_empty() && self.in_flight == 0 => Some(open),
            _ => None,
        };
        self.in_flight < self.options.writes_in_flight_max
            && first.is_some_and(|first| first.place.after.0 <= self.durable && !self.is_zeroed_under(first))
    }

    /// Whether a commit would be written where zeros are being written.
    fn is_zeroed_under(&self, commit: &OpenCommit) -> bool {
        self.zeroing.as_ref().is_some_and(|(segment, from)| {
            Rc::ptr_eq(segment, &commit.place.segment) && commit.place.position + commit.disk_bytes() as u64 > *from
        })
    }

    /// Zeros are being written to a segment from a position on that no commit has reached, or no longer. What a commit brings there is held back.
    pub fn set_zeroing(&mut self, zeroing: Option<(Rc<SegmentFile>, u64)>) {
        self.zeroing = zeroing;
    }

    /// Whether zeros are being written to `segment`.
    pub fn is_zeroing(&self, segment: &Rc<SegmentFile>) -> bool {
        self.zeroing.as_ref().is_some_and(|(zeroed, _)| Rc::ptr_eq(zeroed, segment))
    }

    /// A commit was written. Gives back those that are written now with all before them, in order.
    pub fn written(&mut self, job: WriteJob, buffer: DirectBuffer) -> Vec<WrittenCommit> {
        self.in_flight -= 1;
        let index = (job.place.sequence.0 - self.written - 1) as usize;
        while self.finished.len() <= index {
            self.finished.push_back(None);
        }
        let held_bytes = buffer.capacity();
        let commit = WrittenCommit { bytes: buffer.freeze(), held_bytes, job };
        if let Some(slot) = self.finished.get_mut(index) {
            assert!(slot.replace(commit).is_none(), "a commit is written once");
        }
        let mut in_order = Vec::new();
        while let Some(commit) = self.finished.front_mut().and_then(Option::take) {
            self.finished.pop_front();
            self.written += 1;
            in_order.push(commit);
        }
        in_order
    }

    /// The observer heard of these; they wait for a sync.
    pub fn await_sync(&mut self, commit: WrittenCommit) {
        self.undurable.push_back(commit.job);
    }

    /// What is written and not covered by a sync yet.
    pub fn take_sync(&mut self) -> Option<SyncJob> {
        let last = self.undurable.back().filter(|last| last.place.sequence.0 > self.sync_taken)?;
        self.sync_taken = last.place.sequence.0;
        Some(SyncJob { segment: Rc::clone(&last.place.segment), sequence: last.place.sequence })
    }

    /// Everything up to `sequence` is durable. Gives back what that does for partitions, in order.
    pub fn synced(&mut self, sequence: CommitSequence) -> Vec<EntryProgress> {
        let mut progress = Vec::new();
        while let Some(commit) = self.undurable.pop_front_if(|commit| commit.place.sequence <= sequence) {
            self.queued_bytes = self.queued_bytes.saturating_sub(commit.batch_bytes);
            if progress.is_empty() {
                progress = commit.progress;
            } else {
                progress.extend_from_slice(&commit.progress);
            }
        }
        self.durable = self.durable.max(sequence.0);
        progress
    }

    /// Whether batches would be admitted, apart from their size.
    pub fn is_open(&self) -> bool {
        self.closing || (self.queued_bytes < self.options.queued_bytes_max && (!self.room_refused || self.disk_full))
    }

    /// The current segment has no room for what wants in. A log that closes does not begin another one.
    pub fn roll_wanted(&self) -> bool {
        self.roll_wanted && !self.closing
    }

    /// The log is to go on in another segment, although this one has room.
    pub fn want_roll(&mut self) {
        self.roll_wanted = true;
    }

    /// Whether no further segment can be made.
    pub fn is_disk_full(&self) -> bool {
        self.disk_full
    }

    /// No further segment can be made, or one could again.
    pub fn set_disk_full(&mut self, full: bool) {
        self.disk_full = full;
    }

    /// Nothing more is admitted.
    pub fn set_closing(&mut self) {
        self.closing = true;
    }

    /// The segment that takes new commits.
    pub fn segment(&self) -> &Rc<SegmentFile> {
        &self.segment
    }

    /// Half again what commits took lately, in bytes.
    pub fn commit_bytes_expected(&self) -> usize {
        self.commit_bytes_expected
    }

    /// Where the next commit to be opened would lie.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Commits that are filled or wait for their write.
    pub fn waiting(&self) -> usize {
        self.closed.len() + usize::from(self.open.as_ref().is_some_and(|open| !open.is_empty()))
    }

    /// Commits that are being written.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Bytes of batches that are not durable yet.
    pub fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Nothing is being filled, written or synced.
    pub fn is_idle(&self) -> bool {
        self.open.as_ref().is_none_or(OpenCommit::is_empty)
            && self.closed.is_empty()
            && self.durable == self.sequence_last
    }
}
