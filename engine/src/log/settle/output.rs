//! Owns a settled segment while it is written, and its publication.
//!
//! It has the form of any sealed segment: header, commits, footer. Its commits are numbered from 1 and chained among themselves; the last one says
//! that nothing follows, so a damaged footer can be rebuilt. Until it is published its file has a name that recovery ignores.

use super::pass::SettleError;
use super::plan::Plan;
use crate::batch::BatchHeader;
use crate::batch::header::NO_TIMESTAMP;
use crate::ids::{CommitSequence, Offset, PartitionKey, SegmentSequence};
use crate::limits::SHUTDOWN_RESERVE_BYTES;
use crate::log::commit::COMMIT_ALIGNMENT;
use crate::log::core::{Core, fail};
use crate::log::entry::{Entry, EntryKind};
use crate::log::files::Taker;
use crate::log::footer::{Coverage, Extent, FooterBuilder, footer_bytes};
use crate::log::index::SettledSpan;
use crate::log::interface::BatchMeta;
use crate::log::open_commit::{CommitPlace, CommitStamp, Joining, OpenCommit};
use crate::log::preparer::{create, new_header, take_spare, write_header};
use crate::log::seal::write_footer;
use crate::log::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, making_name, segment_name};
use crate::log::segment_file::{SegmentFile, SegmentState};
use corelog_rt::fatal::Reason;
use corelog_rt::file::{DirectFile, WriteMode};
use corelog_rt::{dir, rand};
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

/// A span that was copied.
struct WrittenSpan {
    key: PartitionKey,
    extents: Vec<Extent>,
    sources: Vec<SegmentSequence>,
    coverage: Option<Coverage>,
}

/// A settled segment that is being written.
pub(super) struct Output {
    core: Rc<Core>,
    segment: Rc<SegmentFile>,
    /// The number of its file, if that was used before.
    free_number: Option<u64>,
    open: Option<OpenCommit>,
    position: u64,
    sequence: u64,
    chain: u32,
    life: u64,
    /// Of the span that is being copied.
    extents: Vec<Extent>,
    /// Of those that are whole.
    spans: Vec<WrittenSpan>,
    extent_count: usize,
    /// Takes back what was copied of a span that did not fit.
    abandoned: Option<Entry>,
}

impl Output {
    /// Takes a file of `file_bytes` and writes the header. On a full disk it is one of the reserve, if `taker` may have one.
    ///
    /// # Errors
    /// No file can be had, or written.
    pub async fn begin(core: &Rc<Core>, plan: &Plan, file_bytes: u64, taker: Taker) -> io::Result<Output> {
        let options = &core.options;
        let sequence = core.files.borrow_mut().numbers.next_settled();
        let (file, path, free_number) = take_file(core, sequence, file_bytes, taker).await?;
        let header = SegmentHeader { bytes: file_bytes, ..new_header(options, sequence, plan.age) };
        let position = SEGMENT_HEADER_BYTES as u64;
        let output = Output {
            core: Rc::clone(core),
            segment: SegmentFile::new(header, file, path, SegmentState::Prepared, position),
            free_number,
            open: None,
            position,
            sequence: 0,
            chain: 0,
            life: rand::u64(),
            extents: Vec::new(),
            spans: Vec::new(),
            extent_count: 0,
            abandoned: None,
        };
        if let Err(error) = write_header(&output.segment.file, &header).await {
            output.discard().await;
            return Err(error);
        }
        Ok(output)
    }

    /// Whether `bytes` of batches are likely to fit. If they turn out not to, their span is abandoned.
    pub fn has_room_for(&self, bytes: u64) -> bool {
        let open_bytes = self.open.as_ref().map_or(0, OpenCommit::disk_bytes);
        self.fits(open_bytes + bytes as usize + COMMIT_ALIGNMENT)
    }

    /// Whether what ends `bytes` behind the written commits leaves room for the footer and a last commit.
    fn fits(&self, bytes: usize) -> bool {
        let footer = footer_bytes(self.extent_count + self.extents.len() + 1, self.spans.len() + 1);
        self.position + (bytes + footer + SHUTDOWN_RESERVE_BYTES) as u64 <= self.segment.header.bytes
    }

    /// Adds one batch.
    ///
    /// # Errors
    /// As writing gives; `Stopping`; `NoRoom`.
    pub async fn append(
        &mut self,
        plan: &Plan,
        key: PartitionKey,
        header: &BatchHeader,
        batch: &[u8],
    ) -> Result<(), SettleError> {
        if self.open.as_ref().is_some_and(|open| !open.fits(batch.len())) {
            self.write_commit(plan).await?;
        }
        let needed = self.open.as_ref().map(|open| open.disk_bytes_with(batch.len()));
        if !self.fits(needed.unwrap_or_else(|| OpenCommit::bytes_for(batch.len()))) {
            return Err(SettleError::NoRoom);
        }
        // Between two spans of a partition lies what other segments hold, and the second may yet be abandoned: they never share an entry.
        let joining = if self.extents.is_empty() { Joining::Apart } else { Joining::Gaps };
        let open = self.open_commit(batch.len());
        open.set_joining(joining);
        open.space(batch.len()).copy_from_slice(batch);
        let meta = BatchMeta {
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            // Nothing is found by the timestamp of a batch that compaction left without records.
            max_timestamp_ms: if header.record_count == 0 { NO_TIMESTAMP } else { header.max_timestamp_ms },
            leader_epoch: header.leader_epoch,
        };
        let landed = open.add_batches(key, &meta, batch.len());
        let bytes = batch.len() as u32;
        match self.extents.last_mut().filter(|last| landed.joins && last.end() == u64::from(landed.position)) {
            Some(last) => {
                last.last_offset = meta.last_offset;
                last.max_timestamp_ms = last.max_timestamp_ms.max(meta.max_timestamp_ms);
                last.bytes += bytes;
            }
            None => self.extents.push(Extent {
                base_offset: meta.base_offset,
                last_offset: meta.last_offset,
                max_timestamp_ms: meta.max_timestamp_ms,
                position: landed.position,
                bytes,
                leader_epoch: meta.leader_epoch,
                flags: 0,
            }),
        }
        Ok(())
    }

    /// The span is whole. It was copied from `sources`; if it is compacted, `coverage` says what it stands for.
    ///
    /// # Errors
    /// As writing gives; `Stopping`.
    pub async fn end_span(
        &mut self,
        plan: &Plan,
        key: PartitionKey,
        sources: Vec<SegmentSequence>,
        coverage: Option<Coverage>,
    ) -> Result<(), SettleError> {
        if self.extents.is_empty() {
            return Ok(());
        }
        if let Some(coverage) = coverage {
            if self.open.as_ref().is_some_and(|open| !open.fits(0)) {
                self.write_commit(plan).await?;
            }
            let mut entry = Entry::new(EntryKind::Compacted, key);
            entry.base_offset = coverage.base_offset;
            entry.last_offset = coverage.last_offset;
            entry.max_timestamp_ms = coverage.clean_end.0;
            self.open_commit(0).add_entry(entry, &[]);
        }
        let extents = std::mem::take(&mut self.extents);
        self.extent_count += extents.len();
        self.spans.push(WrittenSpan { key, extents, sources, coverage });
        Ok(())
    }

    /// The span that is being copied does not fit after all: what was copied of it does not count.
    pub fn abandon_span(&mut self, key: PartitionKey) {
        let extents = std::mem::take(&mut self.extents);
        let (Some(first), Some(last)) = (extents.first(), extents.last()) else { return };
        let (base_offset, last_offset) = (first.base_offset, last.last_offset);
        self.abandoned = Some(Entry { base_offset, last_offset, ..Entry::new(EntryKind::Truncate, key) });
    }

    /// The last offset that was copied of the present span.
    pub fn reached(&self) -> Option<Offset> {
        self.extents.last().map(|extent| extent.last_offset)
    }

    /// Nothing was copied into it yet that counts.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty() && self.extents.is_empty()
    }

    /// Whether half of it is used.
    pub fn is_half_full(&self) -> bool {
        self.position * 2 > self.segment.header.bytes
    }

    /// The footer, and what the index gets to know.
    fn footer(&mut self) -> (FooterBuilder, Vec<SettledSpan>) {
        let mut written = std::mem::take(&mut self.spans);
        written.sort_by_key(|span| (span.key, span.extents.first().map(|first| first.base_offset)));
        let mut builder = FooterBuilder::default();
        let settled = written.into_iter().map(|WrittenSpan { key, extents, sources, coverage }| {
            let summary = builder.add(key, extents.iter(), coverage);
            SettledSpan { summary, sources }
        });
        let settled = settled.collect();
        (builder, settled)
    }

    fn open_commit(&mut self, bytes: usize) -> &mut OpenCommit {
        if self.open.is_none() {
            self.sequence += 1;
        }
        self.open.get_or_insert_with(|| {
            let buffer_bytes = OpenCommit::bytes_for(bytes).max(self.core.options.commit_bytes_max);
            let place = CommitPlace {
                segment: Rc::clone(&self.segment),
                position: self.position,
                sequence: CommitSequence(self.sequence),
                after: CommitSequence(0),
            };
            OpenCommit::new(place, 0, buffer_bytes, buffer_bytes)
        })
    }

    /// Writes the open commit.
    async fn write_commit(&mut self, plan: &Plan) -> Result<(), SettleError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let stamp = CommitStamp {
            flags: 0,
            life: self.life,
            chain: self.chain,
            durable: CommitSequence(0),
            wall_ms: plan.wall_ms,
        };
        let finished = open.finish(stamp);
        let bytes = finished.buffer.len() as u64;
        self.segment.file.write_at(finished.buffer, self.position).await.0?;
        self.position += bytes;
        self.chain = finished.crc;
        self.segment.commit_written(CommitSequence(self.sequence), self.position, finished.crc, plan.wall_ms);
        self.core.pace.spent(&self.core, bytes as usize, 1).await
    }

    /// Makes it durable, then a segment of the log.
    ///
    /// # Errors
    /// It cannot be written; nothing was changed. `Stopping`.
    pub async fn publish(mut self, plan: &Plan) -> Result<Rc<SegmentFile>, SettleError> {
        let end = Entry::new(EntryKind::CleanShutdown, PartitionKey::default());
        // Its own commit, for which room was kept.
        self.write_or_discard(plan).await?;
        let abandoned = self.abandoned.take();
        let last = self.open_commit(0);
        if let Some(entry) = abandoned {
            last.add_entry(entry, &[]);
        }
        last.add_entry(end, &[]);
        self.write_or_discard(plan).await?;
        let (builder, spans) = self.footer();
        let trailer = match write_footer(&self.segment, &builder).await {
            Ok(trailer) => trailer,
            Err(error) => {
                self.discard().await;
                return Err(error.into());
            }
        };
        if self.core.durable.wait(plan.after).await.is_err() {
            self.discard().await;
            return Err(SettleError::Stopping);
        }
        let core = Rc::clone(&self.core);
        let path = core.dir.join(segment_name(self.segment.header.sequence));
        let named = async {
            dir::rename(&self.segment.path, &path).await?;
            dir::sync(&core.dir).await?;
            DirectFile::open_with(&path, WriteMode::Cached).await
        };
        // From the rename on nobody can tell whether a crash would bring it back.
        let file = match named.await {
            Ok(file) => file,
            Err(error) => fail(Reason::DeviceWriteFailed, &self.segment, &error),
        };
        let segment = SegmentFile::new(self.segment.header, file, path, SegmentState::Current, trailer.data_end);
        segment.set_sealed(trailer);
        core.index.borrow_mut().settled(&segment, &spans);
        let (segments, bytes) = core.settled.get();
        core.settled.set((segments + 1, bytes + trailer.data_end));
        core.collect_dying();
        Ok(segment)
    }

    async fn write_or_discard(&mut self, plan: &Plan) -> Result<(), SettleError> {
        let written = self.write_commit(plan).await;
        if written.is_err() {
            self.give_back().await;
        }
        written
    }

    /// Gives its file back.
    pub async fn discard(mut self) {
        self.give_back().await;
    }

    async fn give_back(&mut self) {
        if let Some(number) = self.free_number.take() {
            self.core.files.borrow_mut().put(number);
            return;
        }
        if let Err(error) = dir::remove(&self.segment.path).await {
            tracing::warn!(file = %self.segment.path.display(), %error, "a file that was being made cannot be removed");
        }
    }
}

/// A file to write to, with its path, and its number if it was used before.
async fn take_file(
    core: &Core,
    sequence: SegmentSequence,
    file_bytes: u64,
    taker: Taker,
) -> io::Result<(DirectFile, PathBuf, Option<u64>)> {
    // One sync at the end covers everything.
    let mode = WriteMode::Cached;
    let spare = async |taker| {
        if file_bytes != core.options.segment_bytes {
            return Ok(None);
        }
        let taken = take_spare(&core.dir, &core.options, &core.files, taker, mode).await?;
        Ok::<_, io::Error>(taken.map(|(file, path, number)| (file, path, Some(number))))
    };
    if let Some(used) = spare(Taker::Appends).await? {
        return Ok(used);
    }
    let path = core.dir.join(making_name(sequence.0));
    match create(&path, file_bytes, mode).await {
        Ok(file) => Ok((file, path, None)),
        Err(error) if is_disk_full(&error) => spare(taker).await?.ok_or(error),
        Err(error) => Err(error),
    }
}

/// Whether it is for want of space.
pub(super) fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
