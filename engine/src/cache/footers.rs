//! Owns the extents of sealed segments that were read last, one entry per segment and partition's part of it.
//!
//! Readers of the log ask it; it reads a part of a footer from the device when it must. Bounded in bytes.

use super::lru::Lru;
use crate::ids::SegmentSequence;
use crate::log::BytesInUse;
use crate::log::error::{Flaw, ReadError};
use crate::log::footer::{EXTENT_BYTES, Extent, decode_extents};
use crate::log::index::FooterPlace;
use crate::log::segment_file::SegmentFile;
use std::cell::RefCell;
use std::rc::Rc;

/// A segment, and the first extent of a partition's part of it.
type FooterKey = (SegmentSequence, u32);

/// The extents of sealed segments that were read last.
#[derive(Debug)]
pub struct FooterCache {
    entries: RefCell<Lru<FooterKey, Rc<[Extent]>>>,
}

impl FooterCache {
    /// Holds at most `bytes_max`.
    pub fn new(bytes_max: usize) -> FooterCache {
        FooterCache { entries: RefCell::new(Lru::new(bytes_max)) }
    }

    /// What is kept, and the bound.
    pub fn in_use(&self) -> BytesInUse {
        self.entries.borrow().in_use()
    }

    /// Whether a partition's extents in a sealed segment are here.
    pub fn contains(&self, segment: &SegmentFile, place: FooterPlace) -> bool {
        self.entries.borrow().peek((segment.header.sequence, place.first)).is_some()
    }

    /// A partition's extents in a sealed segment.
    ///
    /// # Errors
    /// `Io`, `Damaged`.
    pub async fn extents(&self, segment: &Rc<SegmentFile>, place: FooterPlace) -> Result<Rc<[Extent]>, ReadError> {
        let name = (segment.header.sequence, place.first);
        if let Some(extents) = self.entries.borrow_mut().get(name) {
            return Ok(extents);
        }
        let _guard = segment.read_guard();
        let trailer = segment.trailer().ok_or_else(|| segment.damage(segment.header.bytes, Flaw::NoMagic))?;
        let from = trailer.extents_position + u64::from(place.first) * EXTENT_BYTES as u64;
        let bytes = u64::from(place.count) * EXTENT_BYTES as u64;
        let aligned = from / 4096 * 4096;
        let until = (from + bytes).next_multiple_of(4096);
        let read = segment
            .file
            .read_at(aligned, (until - aligned) as usize)
            .await
            .map_err(|error| segment.unreadable(&error))?;
        let skip = (from - aligned) as usize;
        let table = read.get(skip..skip + bytes as usize).ok_or_else(|| segment.damage(from, Flaw::Truncated))?;
        let extents = decode_extents(place.crc, place.count, table).map_err(|flaw| segment.damage(from, flaw))?;
        let extents: Rc<[Extent]> = extents.into();
        self.entries.borrow_mut().add(name, Rc::clone(&extents), bytes as usize + 128);
        Ok(extents)
    }
}
