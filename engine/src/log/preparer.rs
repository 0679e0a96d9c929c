//! Owns the files around the current segment: makes the next one ahead of need, takes back dead ones.
//!
//! One preparer and one reclaimer task per log. A segment gets its name only when its header is durable. A dead segment's file is renamed and used again
//! (its blocks are written already, so writing them again costs less), a few are kept, the rest removed. Before a segment is prepared the reserve is
//! filled that settling needs on a full disk.

use super::core::Core;
use super::files::{Files, NextSegment, Taker};
use super::options::LogOptions;
use super::segment::{SegmentHeader, free_name, making_name, segment_name};
use super::segment_file::{SegmentFile, SegmentState};
use crate::ids::SegmentSequence;
use corelog_rt::buffer::DirectBuffer;
use corelog_rt::file::{DirectFile, WriteMode};
use corelog_rt::{dir, rand, time};
use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Keeps a next segment ready until the log stops.
pub(super) async fn prepare_segments(core: Rc<Core>) {
    let mut full = false;
    while !core.stopping.get() {
        let signal = core.signals.prepare.notified();
        if core.files.borrow().next.is_some() {
            signal.await;
            continue;
        }
        match make_ready(&core).await {
            Ok(next) => {
                core.files.borrow_mut().next = Some(next);
                if full {
                    full = false;
                    tracing::info!(dir = %core.dir.display(), "space for segments again");
                    core.queue.borrow_mut().set_disk_full(false);
                    core.observe(|observer| observer.space(false));
                }
                core.signals.roll.notify_all();
                core.signals.admission.notify_all();
                core.signals.prewrite.notify_all();
            }
            Err(error) => {
                if !full {
                    full = true;
                    tracing::error!(dir = %core.dir.display(), %error, "no further segment can be made; appends are refused when the current one is full");
                    core.queue.borrow_mut().set_disk_full(true);
                    core.observe(|observer| observer.space(true));
                    // Settling comes first now.
                    core.signals.settle.notify_all();
                }
                go_on_in_reserve(&core).await;
                core.signals.admission.notify_all();
                // Woken early when a segment was taken back; otherwise somebody else may have freed space.
                let _ = time::timeout(RETRY_INTERVAL, signal).await;
            }
        }
    }
}

/// Fills the reserve, then makes the next segment.
async fn make_ready(core: &Core) -> io::Result<NextSegment> {
    // Before anything is sealed there is nothing to settle.
    let has_sealed = core.index.borrow().segments().count() > 1;
    while has_sealed && !core.files.borrow().is_reserve_whole() {
        let number = make_free(core).await?;
        core.files.borrow_mut().put(number);
    }
    make_next(&core.dir, &core.options, &core.files).await
}

/// On a full disk: where control entries have used up most of the room that was kept for them, they get a segment out of the reserve. Without them no
/// space ever comes back.
async fn go_on_in_reserve(core: &Core) {
    let is_short = core.queue.borrow().is_control_short();
    let number = if is_short { core.files.borrow_mut().take(Taker::Urgent) } else { None };
    let Some(number) = number else { return };
    match open_free(&core.dir, &core.options, number, core.options.write_mode).await {
        Ok(Some((file, path))) => {
            let sequence = core.files.borrow_mut().numbers.next_sequence();
            match begin(&core.dir, &core.options, file, &path, sequence).await {
                Ok(segment) => {
                    tracing::warn!(dir = %core.dir.display(), "log starts and deletions go on in a segment of the reserve");
                    let next = NextSegment { segment, is_reserved: true };
                    core.files.borrow_mut().next = Some(next);
                    core.queue.borrow_mut().want_roll();
                    core.queue_changed();
                    core.signals.roll.notify_all();
                }
                Err(error) => {
                    tracing::warn!(dir = %core.dir.display(), %error, "a file of the reserve cannot be used");
                    core.files.borrow_mut().put(number);
                }
            }
        }
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(dir = %core.dir.display(), %error, "a file of the reserve cannot be opened");
            core.files.borrow_mut().put(number);
        }
    }
}

/// Makes a file that waits for its use. Gives back its number.
async fn make_free(core: &Core) -> io::Result<u64> {
    // Of the numbers of settled segments: those of the others follow each other.
    let number = core.files.borrow_mut().numbers.next_settled().0;
    let path = core.dir.join(making_name(number));
    drop(create(&path, core.options.segment_bytes, core.options.write_mode).await?);
    dir::rename(&path, &core.dir.join(free_name(number))).await?;
    dir::sync(&core.dir).await?;
    Ok(number)
}

/// Makes a file of `bytes`; leaves nothing behind if it cannot.
pub(super) async fn create(path: &Path, bytes: u64, mode: WriteMode) -> io::Result<DirectFile> {
    let made = DirectFile::create_with(path, bytes, mode).await;
    if made.is_err() && dir::exists(path).await.unwrap_or(false) {
        dir::remove(path).await?;
    }
    made
}

/// Makes a segment from a free file, or a new one.
pub(super) async fn make_next(
    directory: &Path,
    options: &LogOptions,
    files: &RefCell<Files>,
) -> io::Result<NextSegment> {
    let sequence = files.borrow_mut().numbers.next_sequence();
    if let Some((file, path, _)) = take_spare(directory, options, files, Taker::Appends, options.write_mode).await? {
        let segment = begin(directory, options, file, &path, sequence).await?;
        return Ok(NextSegment { segment, is_reserved: false });
    }
    let path = directory.join(making_name(sequence.0));
    let file = create(&path, options.segment_bytes, options.write_mode).await?;
    let begun = begin(directory, options, file, &path, sequence).await;
    if begun.is_err() && dir::exists(&path).await.unwrap_or(false) {
        dir::remove(&path).await?;
    }
    Ok(NextSegment { segment: begun?, is_reserved: false })
}

/// A file that was used before and that `taker` may have, with its path and number.
pub(super) async fn take_spare(
    directory: &Path,
    options: &LogOptions,
    files: &RefCell<Files>,
    taker: Taker,
    mode: WriteMode,
) -> io::Result<Option<(DirectFile, PathBuf, u64)>> {
    loop {
        let taken = files.borrow_mut().take(taker);
        let Some(number) = taken else { return Ok(None) };
        match open_free(directory, options, number, mode).await {
            Ok(Some((file, path))) => return Ok(Some((file, path, number))),
            Ok(None) => {}
            Err(error) => {
                files.borrow_mut().put(number);
                return Err(error);
            }
        }
    }
}

/// Opens a file that waits. One of another length, from a former setting, is removed.
async fn open_free(
    directory: &Path,
    options: &LogOptions,
    number: u64,
    mode: WriteMode,
) -> io::Result<Option<(DirectFile, PathBuf)>> {
    let path = directory.join(free_name(number));
    let file = DirectFile::open_with(&path, mode).await?;
    if file.bytes() == options.segment_bytes {
        return Ok(Some((file, path)));
    }
    drop(file);
    dir::remove(&path).await?;
    Ok(None)
}

/// Gives a file a header of its own, then the name of a segment.
async fn begin(
    directory: &Path,
    options: &LogOptions,
    file: DirectFile,
    from: &Path,
    sequence: SegmentSequence,
) -> io::Result<Rc<SegmentFile>> {
    let path = directory.join(segment_name(sequence));
    let header = new_header(options, sequence, sequence);
    write_header(&file, &header).await?;
    dir::rename(from, &path).await?;
    dir::sync(directory).await?;
    Ok(SegmentFile::new(header, file, path, SegmentState::Prepared, super::segment::SEGMENT_HEADER_BYTES as u64))
}

/// The header of a file that is put to use now, under a nonce of its own.
pub(super) fn new_header(options: &LogOptions, sequence: SegmentSequence, age: SegmentSequence) -> SegmentHeader {
    SegmentHeader {
        log: options.log,
        sequence,
        nonce: rand::u64(),
        created_ms: time::unix_ms(),
        bytes: options.segment_bytes,
        age,
    }
}

/// Writes the header block and makes it durable.
pub(super) async fn write_header(file: &DirectFile, header: &SegmentHeader) -> io::Result<()> {
    let mut block = DirectBuffer::new(super::segment::SEGMENT_HEADER_BYTES);
    let bytes = header.encode();
    block.get_mut(..bytes.len()).expect("a block holds a header").copy_from_slice(&bytes);
    file.write_at(block, 0).await.0?;
    file.sync_data().await
}

/// Takes back the files of dead segments until the log stops.
pub(super) async fn reclaim_segments(core: Rc<Core>) {
    while !core.stopping.get() {
        let signal = core.signals.reclaim.notified();
        let dead = core.files.borrow_mut().dead.pop_front();
        let Some(dead) = dead else {
            signal.await;
            continue;
        };
        if core.durable.wait(dead.after).await.is_err() {
            return;
        }
        dead.segment.readers_gone().await;
        if let Err(error) = reclaim(&core, &dead.segment).await {
            tracing::warn!(file = %dead.segment.path.display(), %error, "a segment without live data cannot be taken back");
        }
        core.signals.prepare.notify_all();
    }
}

async fn reclaim(core: &Core, segment: &SegmentFile) -> io::Result<()> {
    let keep = {
        let files = core.files.borrow();
        files.has_place() && segment.header.bytes == core.options.segment_bytes
    };
    let number = segment.header.sequence.0;
    if keep {
        dir::rename(&segment.path, &core.dir.join(free_name(number))).await?;
    } else {
        dir::remove(&segment.path).await?;
    }
    // Durable before the file gets another segment's header, or a crash gives its old name back with the new header in it.
    dir::sync(&core.dir).await?;
    core.index.borrow_mut().gone(segment.header.sequence);
    let meter = if keep { &core.meters.recycled } else { &core.meters.removed };
    meter.add(1);
    if keep {
        core.files.borrow_mut().put(number);
    }
    Ok(())
}
