//! Owns which blocks are kept: as many as readers come back for, no more.
//!
//! Plain data on one shard, used by the block cache. Most of what is read from the device is read once, by a consumer that catches up; memory that holds
//! it afterwards is memory that the next block must be read into anew, cold and perhaps not even mapped. So it starts small,
//! remembers which blocks it let go, and grows when they are wanted again, up to its bound.

use super::lru::Lru;
use crate::ids::SegmentSequence;
use crate::log::BytesInUse;
use bytes::Bytes;
use std::ops::Range;

/// Names what is kept of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockKey {
    /// The segment.
    pub segment: SegmentSequence,
    /// The block's number in it.
    pub index: u64,
    /// Which part.
    pub part: Part,
}

/// Where in a block what is kept of it begins. A block may hold the end of one partition's run and the beginning of another's: each is kept by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Where the block begins.
    Start,
    /// Where a run does.
    Later,
}

/// What was read of a block: all of it, or the part that one partition fills.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Position in the segment's file of the first byte.
    pub start: u64,
    /// What is there.
    pub bytes: Bytes,
}

impl Block {
    /// So many bytes from a position of the file on, if all of them are here.
    pub fn get(&self, position: u64, bytes: usize) -> Option<&[u8]> {
        self.bytes.get(self.range(position, bytes)?)
    }

    /// As [`Block::get`], shared.
    pub fn slice(&self, position: u64, bytes: usize) -> Option<Bytes> {
        self.range(position, bytes).map(|range| self.bytes.slice(range))
    }

    /// What is here from a position of the file on, at most so many bytes; none if there is nothing.
    pub fn rest(&self, position: u64, bytes_max: usize) -> Option<Bytes> {
        let end = self.start + self.bytes.len() as u64;
        let bytes = end.checked_sub(position).filter(|bytes| *bytes > 0)?;
        self.slice(position, usize::try_from(bytes).map_or(bytes_max, |bytes| bytes.min(bytes_max)))
    }

    fn range(&self, position: u64, bytes: usize) -> Option<Range<usize>> {
        let from = usize::try_from(position.checked_sub(self.start)?).ok()?;
        let until = from.checked_add(bytes).filter(|until| *until <= self.bytes.len())?;
        Some(from..until)
    }
}

/// What is held at least, in bytes, where the bound allows.
const BYTES_MIN: usize = 8 << 20;
/// How many blocks it grows by for each that was let go too early.
const GROWTH_BLOCKS: usize = 2;
/// It shrinks by this part of each block that nobody had come back for.
const SHRINK_DIVISOR: usize = 32;

/// The blocks that were read last.
#[derive(Debug)]
pub struct RecentBlocks {
    bytes_max: usize,
    /// What it holds at most for now.
    bytes_wanted: usize,
    /// It does not shrink below that.
    bytes_min: usize,
    held: Lru<BlockKey, Block>,
    /// Those that it would hold beside them if it were as large as it may be.
    gone: Lru<BlockKey, ()>,
}

impl RecentBlocks {
    /// Holds at most `bytes_max`.
    pub fn new(bytes_max: usize) -> RecentBlocks {
        let bytes_min = bytes_max.min(BYTES_MIN);
        let (held, gone) = (Lru::new(bytes_min), Lru::new(bytes_max));
        RecentBlocks { bytes_max, bytes_wanted: bytes_min, bytes_min, held, gone }
    }

    /// Has room for what readers have ahead of them, as far as the bound allows, until told otherwise. As much again is for what they came to since, which is
    /// more recent.
    pub fn expect(&mut self, ahead_bytes: usize) {
        self.bytes_min = ahead_bytes.saturating_mul(2).max(BYTES_MIN).min(self.bytes_max);
        self.bytes_wanted = self.bytes_wanted.max(self.bytes_min);
    }

    /// The most bytes ahead of readers that it can have room for.
    pub fn room_ahead(&self) -> usize {
        self.bytes_max / 2
    }

    /// What is kept, and the bound.
    pub fn in_use(&self) -> BytesInUse {
        BytesInUse { limit: self.bytes_max as u64, ..self.held.in_use() }
    }

    /// What it holds at most for now, in bytes.
    pub fn bytes_wanted(&self) -> usize {
        self.bytes_wanted
    }

    /// A block, which counts as used now.
    pub fn get(&mut self, key: BlockKey) -> Option<Block> {
        self.held.get(key)
    }

    /// Whether all of a range of the file is in a block that is here. It does not count as used.
    pub fn covers(&self, key: BlockKey, range: &Range<u64>) -> bool {
        self.held.peek(key).is_some_and(|block| block.get(range.start, (range.end - range.start) as usize).is_some())
    }

    /// Keeps a block that was just read.
    pub fn add(&mut self, key: BlockKey, block: Block) {
        let bytes = block.bytes.len();
        self.bytes_wanted = if self.gone.remove(key).is_some() {
            self.bytes_wanted.saturating_add(GROWTH_BLOCKS * bytes).min(self.bytes_max)
        } else {
            (self.bytes_wanted - (bytes / SHRINK_DIVISOR).min(self.bytes_wanted)).max(self.bytes_min)
        };
        self.held.set_bytes_max(self.bytes_wanted);
        for (key, bytes) in self.held.add(key, block, bytes) {
            self.gone.add(key, (), bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK_BYTES: usize = 1 << 20;

    /// Reads a block as the cache does. True if it was there.
    fn read(blocks: &mut RecentBlocks, index: u64) -> bool {
        let key = BlockKey { segment: SegmentSequence(1), index, part: Part::Start };
        let is_here = blocks.get(key).is_some();
        if !is_here {
            blocks.add(key, Block { start: 0, bytes: Bytes::from(vec![0; BLOCK_BYTES]) });
        }
        is_here
    }

    #[test]
    fn block_gives_what_it_has_and_no_more() {
        let block = Block { start: 4096, bytes: Bytes::from_static(b"abcdef") };
        assert_eq!(block.get(4098, 3), Some(b"cde".as_slice()));
        assert_eq!(block.slice(4096, 6), Some(Bytes::from_static(b"abcdef")));
        assert_eq!((block.get(4098, 5), block.get(4095, 1), block.get(u64::MAX, 1)), (None, None, None));
        assert_eq!(block.rest(4100, 10), Some(Bytes::from_static(b"ef")));
        assert_eq!(block.rest(4100, 1), Some(Bytes::from_static(b"e")));
        assert_eq!((block.rest(4102, 10), block.rest(4000, 10)), (None, None), "nothing is no slice");
    }

    #[test]
    fn what_is_read_once_takes_little_memory() {
        let mut blocks = RecentBlocks::new(1 << 30);
        for index in 0..1000 {
            assert!(!read(&mut blocks, index));
        }
        assert_eq!(blocks.in_use(), BytesInUse { used: BYTES_MIN as u64, limit: 1 << 30 });
    }

    #[test]
    fn grows_until_the_reader_behind_finds_everything() {
        let mut blocks = RecentBlocks::new(1 << 30);
        let behind = 200;
        let mut found = 0;
        for index in 0..3000 {
            read(&mut blocks, index);
            if index >= behind {
                found = if read(&mut blocks, index - behind) { found + 1 } else { found };
            }
            if index == 1000 {
                found = 0;
            }
        }
        assert!(found > 1900, "{found} of 2000");
        // What was read twice is as recent as what is to be read again.
        assert!(blocks.in_use().used < (2 * behind + 100) << 20, "no larger than that takes: {:?}", blocks.in_use());
    }

    #[test]
    fn shrinks_when_nobody_comes_back_any_more() {
        let mut blocks = RecentBlocks::new(100 << 20);
        for _ in 0..4 {
            for index in 0..90 {
                read(&mut blocks, index);
            }
        }
        assert!(blocks.in_use().used > 80 << 20, "{:?}", blocks.in_use());
        for index in 1000..4000 {
            read(&mut blocks, index);
        }
        assert_eq!(blocks.in_use().used, BYTES_MIN as u64);
    }

    #[test]
    fn has_room_for_what_is_expected() {
        let mut blocks = RecentBlocks::new(100 << 20);
        let used = |blocks: &mut RecentBlocks, from| {
            (from..from + 4000).for_each(|index| assert!(!read(blocks, index)));
            blocks.in_use().used >> 20
        };
        blocks.expect(20 << 20);
        assert_eq!(used(&mut blocks, 0), 40);
        blocks.expect(usize::MAX);
        assert_eq!(used(&mut blocks, 10_000), 100, "within the bound");
        blocks.expect(0);
        assert_eq!(used(&mut blocks, 20_000), BYTES_MIN as u64 >> 20);
    }

    #[test]
    fn never_beyond_its_bound() {
        let mut blocks = RecentBlocks::new(8 << 20);
        for _ in 0..10 {
            for index in 0..9 {
                read(&mut blocks, index);
            }
        }
        assert_eq!(blocks.in_use(), BytesInUse { used: 8 << 20, limit: 8 << 20 });
    }
}
