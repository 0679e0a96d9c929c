//! Owns the zeros that are written over blocks before their first use.
//!
//! The first write of a block costs more than a later one: the file system has to note that the block holds something now. With small commits that is half of
//! what a commit takes. One task per log writes zeros where it pays: ahead of small commits in the current segment, and, while the log is idle, over the
//! rest of it and the next one. Large commits under load are written once. The queue holds back a commit that reaches the piece being written.

use super::core::{Core, fail};
use super::segment::SEGMENT_HEADER_BYTES;
use super::segment_file::SegmentFile;
use crate::ids::CommitSequence;
use corelog_rt::buffer::DirectBuffer;
use corelog_rt::fatal::Reason;
use corelog_rt::time;
use std::rc::Rc;
use std::time::Duration;

/// How long nothing must have been appended, nor read from the device, before the log counts as idle.
const IDLE_INTERVAL: Duration = Duration::from_millis(200);
/// Between two pieces while it is: other logs on the same device may not be.
const PAUSE: Duration = Duration::from_millis(8);
const IDLE_PIECE_BYTES: u64 = 1 << 20;
/// Zeros are kept so far ahead of small commits at least, and as much is written at once: it is a hundred microseconds or two in the way of other writes.
const AHEAD_BYTES: u64 = 256 << 10;
/// Commits are small whose one and a half are no larger. What 32 KiB of zeros cost is half of what their first use then saves.
const SMALL_COMMIT_BYTES: usize = 48 << 10;

/// Blocks to write zeros over.
struct Piece {
    segment: Rc<SegmentFile>,
    from: u64,
    bytes: usize,
}

/// Writes zeros ahead until the log stops.
pub(super) async fn prewrite_segments(core: Rc<Core>) {
    let mut zeros = DirectBuffer::new(AHEAD_BYTES as usize);
    let mut was_idle = false;
    while !core.stopping.get() {
        let signal = core.signals.prewrite.notified();
        let mut piece = ahead_of_commits(&core);
        if piece.is_none() {
            if rest(&core).is_none() {
                signal.await;
                continue;
            }
            let before = work_done(&core);
            let is_signalled = time::timeout(if was_idle { PAUSE } else { IDLE_INTERVAL }, signal).await.is_ok();
            was_idle = !is_signalled && core.queue.borrow().is_idle() && work_done(&core) == before;
            if was_idle {
                piece = rest(&core);
            }
        }
        if let Some(piece) = piece.filter(|_| !core.stopping.get()) {
            zeros = write(&core, &piece, zeros).await;
        }
    }
}

/// How much was appended and read from the device so far: a log in which it stands still is idle.
fn work_done(core: &Core) -> (CommitSequence, u64) {
    (core.queue.borrow().sequence_appended(), core.blocks.device_reads())
}

/// Has the task look whether the commits need zeros ahead of them.
pub(super) fn commits_came_nearer(core: &Core) {
    if core.options.prewrite && ahead_of_commits(core).is_some() {
        core.signals.prewrite.notify_all();
    }
}

/// The next piece ahead of small commits, if they are near.
fn ahead_of_commits(core: &Core) -> Option<Piece> {
    let queue = core.queue.borrow();
    let segment = queue.segment();
    let is_near = segment.prewritten_end() < queue.position() + AHEAD_BYTES;
    if !is_near || queue.roll_wanted() || queue.commit_bytes_expected() > SMALL_COMMIT_BYTES {
        return None;
    }
    Piece::new(segment, queue.position(), AHEAD_BYTES)
}

/// The next piece of what is left of the current segment, then of the next one.
fn rest(core: &Core) -> Option<Piece> {
    let queue = core.queue.borrow();
    let from = queue.position();
    let current = if queue.roll_wanted() { None } else { Piece::new(queue.segment(), from, IDLE_PIECE_BYTES) };
    current.or_else(|| {
        let files = core.files.borrow();
        Piece::new(&files.next.as_ref()?.segment, SEGMENT_HEADER_BYTES as u64, IDLE_PIECE_BYTES)
    })
}

impl Piece {
    /// What is not prewritten yet of a segment from a position on, up to `bytes_max`.
    fn new(segment: &Rc<SegmentFile>, from: u64, bytes_max: u64) -> Option<Piece> {
        let from = segment.prewritten_end().max(from);
        let bytes = bytes_max.min(segment.header.bytes.saturating_sub(from)) as usize;
        (bytes > 0).then(|| Piece { segment: Rc::clone(segment), from, bytes })
    }
}

/// Writes zeros over a piece, from `zeros` if they are as many. Gives them back.
async fn write(core: &Core, piece: &Piece, zeros: DirectBuffer) -> DirectBuffer {
    let Piece { segment, from, bytes } = piece;
    let buffer = if zeros.len() == *bytes { zeros } else { DirectBuffer::new(*bytes) };
    core.queue.borrow_mut().set_zeroing(Some((Rc::clone(segment), *from)));
    let (result, buffer) = segment.file.write_at(buffer, *from).await;
    if let Err(error) = result {
        fail(Reason::DeviceWriteFailed, segment, &error);
    }
    segment.set_prewritten_end(from + *bytes as u64);
    core.meters.prewritten_bytes.add(*bytes as u64);
    core.queue.borrow_mut().set_zeroing(None);
    core.queue_changed();
    core.signals.roll.notify_all();
    buffer
}
