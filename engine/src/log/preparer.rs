//! Owns the files around the current segment: makes the next one ahead of need, takes back dead ones.
//!
//! One preparer and one reclaimer task per log. A segment gets its name only when its header is durable. A dead segment's file is renamed and used again
//! (its blocks are written already, so writing them again costs less), a few are kept, the rest removed. A new file is filled with zeros while
//! the log is idle, never while it works: what is written under load is written once.

use super::core::{Core, Files, NextSegment, fail};
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
const IDLE_INTERVAL: Duration = Duration::from_millis(200);
const PREWRITE_BYTES: u64 = 1 << 20;
const PREWRITE_PAUSE: Duration = Duration::from_millis(4);

/// Keeps a next segment ready until the log stops.
pub(super) async fn prepare_segments(core: Rc<Core>) {
    let mut full = false;
    while !core.stopping.get() {
        let signal = core.signals.prepare.notified();
        if core.files.borrow().next.is_some() {
            if !prewrite(&core).await {
                signal.await;
            }
            continue;
        }
        match make_next(&core.dir, &core.options, &core.files).await {
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
            }
            Err(error) => {
                if !full {
                    full = true;
                    tracing::error!(dir = %core.dir.display(), %error, "no further segment can be made; appends are refused when the current one is full");
                    core.queue.borrow_mut().set_disk_full(true);
                    core.observe(|observer| observer.space(true));
                }
                core.signals.admission.notify_all();
                // Woken early when a segment was taken back; otherwise somebody else may have freed space.
                let _ = time::timeout(RETRY_INTERVAL, signal).await;
            }
        }
    }
}

/// Makes a segment from a free file, or a new one.
pub(super) async fn make_next(
    directory: &Path,
    options: &LogOptions,
    files: &RefCell<Files>,
) -> io::Result<NextSegment> {
    let sequence = {
        let mut files = files.borrow_mut();
        files.numbers.sequence_next += 1;
        SegmentSequence(files.numbers.sequence_next - 1)
    };
    if let Some((file, path, _)) = take_free(directory, options, files, options.write_mode).await? {
        let segment = begin(directory, options, file, &path, sequence).await?;
        return Ok(NextSegment { prewritten: segment.header.bytes, segment, busy: false });
    }
    let path = directory.join(making_name(sequence.0));
    let made = match DirectFile::create_with(&path, options.segment_bytes, options.write_mode).await {
        Ok(file) => begin(directory, options, file, &path, sequence).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(segment) => {
            let prewritten = if options.prewrite { 0 } else { segment.header.bytes };
            Ok(NextSegment { prewritten, segment, busy: false })
        }
        Err(error) => {
            if dir::exists(&path).await.unwrap_or(false) {
                dir::remove(&path).await?;
            }
            Err(error)
        }
    }
}

/// A file that was used before, with its path and number.
pub(super) async fn take_free(
    directory: &Path,
    options: &LogOptions,
    files: &RefCell<Files>,
    mode: WriteMode,
) -> io::Result<Option<(DirectFile, PathBuf, u64)>> {
    loop {
        let free = files.borrow_mut().free.pop();
        let Some(number) = free else { return Ok(None) };
        let path = directory.join(free_name(number));
        let file = DirectFile::open_with(&path, mode).await?;
        if file.bytes() == options.segment_bytes {
            return Ok(Some((file, path, number)));
        }
        drop(file);
        dir::remove(&path).await?;
    }
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

/// Writes one piece of zeros to the next segment if the log is idle. Gives back whether there is more to do.
async fn prewrite(core: &Core) -> bool {
    let Some((segment, from)) = next_to_prewrite(core) else { return false };
    let appended = core.queue.borrow().sequence_appended();
    let pause = if from <= PREWRITE_BYTES { IDLE_INTERVAL } else { PREWRITE_PAUSE };
    time::sleep(pause).await;
    let idle = {
        let queue = core.queue.borrow();
        queue.is_idle() && queue.sequence_appended() == appended
    };
    if !idle {
        time::sleep(IDLE_INTERVAL).await;
        return true;
    }
    if !set_busy(core, true) {
        return false;
    }
    let bytes = PREWRITE_BYTES.min(segment.header.bytes - from);
    let (result, _) = segment.file.write_at(DirectBuffer::new(bytes as usize), from).await;
    if let Err(error) = result {
        fail(corelog_rt::fatal::Reason::DeviceWriteFailed, &segment, &error);
    }
    if let Some(next) = &mut core.files.borrow_mut().next {
        next.prewritten = from + bytes;
    }
    set_busy(core, false);
    core.signals.roll.notify_all();
    true
}

fn next_to_prewrite(core: &Core) -> Option<(Rc<SegmentFile>, u64)> {
    let files = core.files.borrow();
    let next = files.next.as_ref()?;
    let from = next.prewritten.max(super::segment::SEGMENT_HEADER_BYTES as u64);
    (!core.stopping.get() && from < next.segment.header.bytes).then(|| (Rc::clone(&next.segment), from))
}

fn set_busy(core: &Core, busy: bool) -> bool {
    let mut files = core.files.borrow_mut();
    let Some(next) = &mut files.next else { return false };
    next.busy = busy;
    true
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
        files.free.len() < core.options.free_files_max && segment.header.bytes == core.options.segment_bytes
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
        core.files.borrow_mut().free.push(number);
    }
    Ok(())
}
