//! Owns reads: from a partition and an offset to slices of record batches.
//!
//! Any task of the log's shard reads. Lookup goes partition, segment, extent, batch; what was written last is sliced from the commit buffers that it was written
//! from, the rest from shared blocks; no byte is copied. A read looks the partition up anew after each extent, so that truncation, deletion and retention may
//! happen meanwhile. It never gives anything that is not written yet, nor a batch whose checksum does not match (batches from memory were
//! checked when they came in).

use super::commit::batch_checksum;
use super::core::Core;
use super::entry::BATCH_UNCHECKED_BYTES;
use super::error::{Flaw, ReadError};
use super::footer::{EXTENT_CUT, Extent};
use super::index::{ExtentStore, FooterPlace};
use super::interface::ReadRecords;
use super::read_ahead::LookAhead;
use super::segment_file::{ReadGuard, SegmentFile};
use crate::batch::BatchHeader;
use crate::cache::recent::Block;
use crate::ids::{Offset, PartitionKey};
use crate::limits::{BATCH_HEADER_BYTES, READ_SLICES_MAX};
use bytes::Bytes;
use std::mem;
use std::ops::ControlFlow;
use std::rc::Rc;

/// What a reader wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadLimits {
    /// First offset wanted.
    pub from: Offset,
    /// Batches at or beyond it are not given.
    pub until: Offset,
    /// Most bytes, first batch aside.
    pub bytes_max: usize,
    /// Give the first batch even if it has more bytes.
    pub at_least_one: bool,
}

/// A few extents of a partition in one segment.
pub(super) struct Located {
    pub segment: Rc<SegmentFile>,
    /// Keeps the segment's file as it is.
    pub _guard: ReadGuard,
    /// The first holds the offset that was looked for, or is the next after it.
    pub extents: Vec<Extent>,
    /// Last offset of the segment that counts.
    pub last_offset: Offset,
}

/// Extents copied from the index at once.
pub(super) const EXTENTS_AT_ONCE: usize = 64;

impl Core {
    /// Reads whole batches.
    pub(super) async fn read(self: &Rc<Self>, key: PartitionKey, limits: ReadLimits) -> Result<ReadRecords, ReadError> {
        let mut records = ReadRecords { slices: Vec::new(), bytes: 0, next_offset: limits.from };
        self.check_range(key, limits.from)?;
        let mut ahead = LookAhead::new(key, limits);
        let mut reached = None;
        'segments: while records.next_offset < limits.until {
            let Some(located) = self.locate(key, records.next_offset).await? else { break };
            let before = records.next_offset;
            let mut is_asked_for = false;
            let mut block = Block::default();
            for (at, extent) in located.extents.iter().enumerate() {
                if !is_readable(&located, extent, limits, &records) {
                    break 'segments;
                }
                let source = self.source(&located.segment, extent);
                if matches!(source, Source::Device) && !is_asked_for {
                    is_asked_for = true;
                    ahead.asks(self, &located, at, &records);
                }
                let (taken, step) =
                    self.read_extent(&located, extent, source, &mut block, limits, &mut records).await?;
                reached = taken.map(|end| (located.segment.header.sequence, end)).or(reached);
                if step.is_break() {
                    break 'segments;
                }
            }
            // Offsets that this segment lacks (truncated away, compacted away) may be in the next one.
            if records.next_offset == before {
                records.next_offset = located.last_offset.plus(1).max(before.plus(1)).min(limits.until);
            }
        }
        ahead.finish(self, &records, reached);
        Ok(records)
    }

    fn check_range(&self, key: PartitionKey, from: Offset) -> Result<(), ReadError> {
        let index = self.index.borrow();
        let partition = index.partition(key).ok_or(ReadError::UnknownPartition)?;
        if from < partition.log_start || from > partition.end {
            return Err(ReadError::OutOfRange { start: partition.log_start, end: partition.end });
        }
        Ok(())
    }

    /// The extents from `offset` on in the first segment that has any.
    pub(super) async fn locate(&self, key: PartitionKey, offset: Offset) -> Result<Option<Located>, ReadError> {
        let Some((mut located, place)) = self.locate_span(key, offset) else { return Ok(None) };
        if let Some(place) = place {
            let all = self.footers.extents(&located.segment, place).await?;
            let first = all.partition_point(|extent| extent.last_offset < offset);
            located.extents = all.iter().skip(first).take(EXTENTS_AT_ONCE).copied().collect();
        }
        Ok(Some(located))
    }

    /// What memory knows of it. The extents of a sealed segment lie at the place in its footer.
    fn locate_span(&self, key: PartitionKey, offset: Offset) -> Option<(Located, Option<FooterPlace>)> {
        let index = self.index.borrow();
        let partition = index.partition(key)?;
        let first = partition.spans.partition_point(|span| span.last_offset < offset);
        let span = partition.spans.get(first)?;
        let (extents, place) = match &span.extents {
            ExtentStore::Footer(place) => (Vec::new(), Some(*place)),
            ExtentStore::Resident(extents) => {
                let first = extents.partition_point(|extent| extent.last_offset < offset);
                let end = extents.len().min(first + EXTENTS_AT_ONCE);
                (extents.range(first..end).copied().collect(), None)
            }
        };
        let (segment, guard) = (Rc::clone(&span.segment), span.segment.read_guard());
        Some((Located { segment, _guard: guard, extents, last_offset: span.last_offset }, place))
    }

    /// Adds what is wanted of one extent. Gives the position where what was read of it ends, and breaks where the read is over. `block`: the one of the segment that
    /// was read last.
    async fn read_extent(
        &self,
        located: &Located,
        extent: &Extent,
        source: Source,
        block: &mut Block,
        limits: ReadLimits,
        records: &mut ReadRecords,
    ) -> Result<(Option<u64>, ControlFlow<()>), ReadError> {
        let segment = &located.segment;
        let left = limits.bytes_max.saturating_sub(records.bytes);
        if let Source::Memory(bytes) = &source {
            let last = extent.last_offset;
            let uncut = extent.flags & EXTENT_CUT == 0 && last <= located.last_offset && last < limits.until;
            if uncut && extent.base_offset >= records.next_offset && bytes.len() <= left {
                records.bytes += bytes.len();
                records.slices.push(bytes.clone());
                records.next_offset = extent.last_offset.plus(1);
                return Ok((Some(extent.end()), ControlFlow::Continue(())));
            }
        }
        let mut walk = ExtentWalk::new(self, segment, extent, source, mem::take(block));
        let mut taken: Option<(u64, u64)> = None;
        let mut flow = ControlFlow::Continue(());
        while let Some((header, position)) = walk.next().await? {
            if header.last_offset() < records.next_offset {
                continue;
            }
            let hidden = header.last_offset() > extent.last_offset.min(located.last_offset);
            let first = records.bytes == 0 && limits.at_least_one;
            let room = first || records.bytes + header.bytes <= limits.bytes_max;
            if hidden || header.last_offset() >= limits.until || !room {
                flow = if hidden && room { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
                break;
            }
            walk.check(&header, position).await?;
            let end = position + header.bytes as u64;
            taken = Some((taken.map_or(position, |(start, _)| start), end));
            records.bytes += header.bytes;
            records.next_offset = header.next_offset();
        }
        if let Some((start, end)) = taken {
            walk.slices(start, end, &mut records.slices).await?;
        }
        *block = walk.block;
        Ok((taken.map(|(_, end)| end), flow))
    }

    pub(super) fn source(&self, segment: &SegmentFile, extent: &Extent) -> Source {
        let sequence = segment.header.sequence;
        let cached = self.tail.borrow_mut().slice(sequence, u64::from(extent.position), extent.bytes as usize);
        let meter = if cached.is_some() { &self.meters.tail_hits } else { &self.meters.tail_misses };
        meter.add(1);
        cached.map_or(Source::Device, Source::Memory)
    }
}

/// Whether the read goes on with this extent.
fn is_readable(located: &Located, extent: &Extent, limits: ReadLimits, records: &ReadRecords) -> bool {
    extent.base_offset < limits.until
        && extent.base_offset <= located.last_offset
        && extent.end() <= located.segment.written_end()
        && records.slices.len() < READ_SLICES_MAX
}

/// Where the bytes of an extent come from.
pub(super) enum Source {
    /// All of them are here.
    Memory(Bytes),
    /// They must be read.
    Device,
}

/// Walks over the batches of an extent.
pub(super) struct ExtentWalk<'a> {
    core: &'a Core,
    segment: &'a Rc<SegmentFile>,
    extent: &'a Extent,
    /// What comes from memory was checked when it came in.
    is_checked: bool,
    position: u64,
    /// The block that was read last: most batches lie in the same as those before them.
    block: Block,
}

impl<'a> ExtentWalk<'a> {
    /// `block`: one of the segment, or an empty one.
    pub fn new(
        core: &'a Core,
        segment: &'a Rc<SegmentFile>,
        extent: &'a Extent,
        source: Source,
        block: Block,
    ) -> ExtentWalk<'a> {
        let position = u64::from(extent.position);
        let (is_checked, block) = match source {
            Source::Memory(bytes) => (true, Block { start: position, bytes }),
            Source::Device => (!core.options.verify_reads, block),
        };
        ExtentWalk { core, segment, extent, is_checked, position, block }
    }

    /// The next batch's header and position in the file.
    pub async fn next(&mut self) -> Result<Option<(BatchHeader, u64)>, ReadError> {
        let position = self.position;
        let left = self.extent.end().saturating_sub(position);
        if left == 0 {
            return Ok(None);
        }
        if left < BATCH_HEADER_BYTES as u64 {
            return Err(self.segment.damage(position, Flaw::Truncated).into());
        }
        let parsed = match self.block.get(position, BATCH_HEADER_BYTES) {
            Some(bytes) => BatchHeader::parse(bytes),
            None => BatchHeader::parse(&self.header_bytes(position).await?),
        };
        let header = parsed.map_err(|error| self.segment.damage(position, Flaw::Batch { position: 0, error }))?;
        let first = position == u64::from(self.extent.position);
        let expected = header.base_offset >= self.extent.base_offset
            && header.last_offset_delta >= 0
            && header.bytes as u64 <= left
            && (!first || header.base_offset == self.extent.base_offset);
        if !expected {
            return Err(self.segment.damage(position, Flaw::IndexAgainstBatch).into());
        }
        self.position = position + header.bytes as u64;
        Ok(Some((header, position)))
    }

    /// Checks the batch's checksum, if it came from the device.
    pub async fn check(&mut self, header: &BatchHeader, position: u64) -> Result<(), ReadError> {
        if self.is_checked {
            return Ok(());
        }
        let body = position + BATCH_UNCHECKED_BYTES as u64;
        let computed = if let Some(whole) = self.block.get(body, header.bytes - BATCH_UNCHECKED_BYTES) {
            batch_checksum(whole)
        } else {
            let mut parts = Vec::new();
            self.slices(body, position + header.bytes as u64, &mut parts).await?;
            let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
            for part in parts {
                digest.update(&part);
            }
            digest.finalize() as u32
        };
        if computed != header.crc {
            let flaw = Flaw::BatchChecksum { position: 0, stored: header.crc, computed };
            return Err(self.segment.damage(position, flaw).into());
        }
        Ok(())
    }

    /// Adds the slices that make up a range of the file.
    pub async fn slices(&mut self, start: u64, end: u64, out: &mut Vec<Bytes>) -> Result<(), ReadError> {
        let mut position = start;
        while position < end {
            let left = (end - position) as usize;
            let Some(slice) = self.block.rest(position, left) else {
                self.block = self.core.blocks.read(self.segment, position, left).await?;
                continue;
            };
            position += slice.len() as u64;
            out.push(slice);
        }
        Ok(())
    }

    async fn header_bytes(&mut self, position: u64) -> Result<[u8; BATCH_HEADER_BYTES], ReadError> {
        let mut parts = Vec::new();
        self.slices(position, position + BATCH_HEADER_BYTES as u64, &mut parts).await?;
        let mut bytes = [0; BATCH_HEADER_BYTES];
        let mut rest = bytes.as_mut_slice();
        for part in parts {
            let (head, tail) = rest.split_at_mut(part.len());
            head.copy_from_slice(&part);
            rest = tail;
        }
        Ok(bytes)
    }
}
