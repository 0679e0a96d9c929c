//! Owns the commits that were written last, as the buffers that they were written from.
//!
//! The writer adds each commit in order, readers near the end slice it uncopied. Bounded in bytes: the oldest go first. Slices that readers still
//! hold keep their buffer, beyond the bound.
//!
//! It is as large as its readers are late, no larger: memory that is written over again soon is still in the processor's cache and long
//! since mapped, while every further byte of cache is a byte that the next commit finds cold. So it starts small, remembers where the
//! commits lay that it let go, and grows when readers come back for them, until it reaches its bound.

use crate::ids::SegmentSequence;
use crate::log::BytesInUse;
use bytes::Bytes;
use std::collections::VecDeque;

/// What it holds even if nobody reads, in bytes, where the bound allows.
const BYTES_MIN: u64 = 32 << 20;
/// Of commits that it let go, one in so many bytes is remembered.
const GHOST_SPACING_BYTES: u64 = 256 << 10;
/// What it frees at most for each byte that is added, so that shrinking holds nobody up.
const FREED_PER_ADDED: u64 = 4;

/// The commits that were written last.
#[derive(Debug)]
pub struct TailCache {
    bytes_max: u64,
    /// What it holds at most for now.
    bytes_wanted: u64,
    bytes: u64,
    /// Bytes that were ever added.
    added_bytes: u64,
    commits: VecDeque<CachedCommit>,
    /// Some of the commits that a cache of `bytes_max` would still hold.
    ghosts: VecDeque<Place>,
    /// How far from the end readers have come since the size was last chosen, in bytes.
    deepest_bytes: u64,
    /// When `added_bytes` reaches this, the size is chosen anew.
    choose_at_bytes: u64,
}

/// Where a commit lies, in its segment and among all that was added.
#[derive(Clone, Copy, Debug)]
struct Place {
    segment: SegmentSequence,
    position: u64,
    added_bytes: u64,
}

#[derive(Debug)]
struct CachedCommit {
    place: Place,
    bytes: Bytes,
    held_bytes: u64,
}

impl TailCache {
    /// Holds at most `bytes_max`.
    pub fn new(bytes_max: usize) -> TailCache {
        let bytes_max = bytes_max as u64;
        TailCache {
            bytes_max,
            bytes_wanted: bytes_max.min(BYTES_MIN),
            bytes: 0,
            added_bytes: 0,
            commits: VecDeque::new(),
            ghosts: VecDeque::new(),
            deepest_bytes: 0,
            choose_at_bytes: bytes_max.min(BYTES_MIN),
        }
    }

    /// What is kept, and the bound.
    pub fn in_use(&self) -> BytesInUse {
        BytesInUse { used: self.bytes, limit: self.bytes_max }
    }

    /// Adds the commit at `position`, whose buffer takes `held_bytes` of memory; it lies behind all that were added before.
    pub fn add(&mut self, segment: SegmentSequence, position: u64, bytes: Bytes, held_bytes: usize) {
        let held_bytes = held_bytes as u64;
        let place = Place { segment, position, added_bytes: self.added_bytes };
        self.bytes += held_bytes;
        self.added_bytes += held_bytes;
        self.commits.push_back(CachedCommit { place, bytes, held_bytes });
        if self.added_bytes >= self.choose_at_bytes {
            self.choose_size();
        }
        let mut freed_bytes = 0;
        while self.bytes > self.bytes_wanted && freed_bytes < held_bytes * FREED_PER_ADDED {
            let Some(oldest) = self.commits.pop_front() else { break };
            self.bytes -= oldest.held_bytes;
            freed_bytes += oldest.held_bytes;
            self.remember(oldest.place);
        }
    }

    /// The bytes from `position` on, if the commit that holds them all is here.
    pub fn slice(&mut self, segment: SegmentSequence, position: u64, bytes: usize) -> Option<Bytes> {
        let after = self.commits.partition_point(|commit| commit.place.is_at_or_before(segment, position));
        let Some(commit) = after.checked_sub(1).and_then(|index| self.commits.get(index)) else {
            let after = self.ghosts.partition_point(|ghost| ghost.is_at_or_before(segment, position));
            if let Some(ghost) = after.checked_sub(1).and_then(|index| self.ghosts.get(index)) {
                self.deepest_bytes = self.deepest_bytes.max(self.added_bytes - ghost.added_bytes);
            }
            return None;
        };
        self.deepest_bytes = self.deepest_bytes.max(self.added_bytes - commit.place.added_bytes);
        if commit.place.segment != segment {
            return None;
        }
        let from = usize::try_from(position - commit.place.position).ok()?;
        let until = from.checked_add(bytes).filter(|until| *until <= commit.bytes.len())?;
        Some(commit.bytes.slice(from..until))
    }

    /// A quarter more than the latest reader needed, towards which it at most doubles or halves: a reader that is catching up is
    /// soon gone, and a larger cache fills no faster than commits come.
    fn choose_size(&mut self) {
        let needed = self.deepest_bytes + self.deepest_bytes / 4;
        let wanted = needed.clamp(self.bytes_wanted / 2, self.bytes_wanted * 2);
        self.bytes_wanted = wanted.max(BYTES_MIN).min(self.bytes_max);
        self.deepest_bytes = 0;
        self.choose_at_bytes = self.added_bytes + self.bytes_wanted;
    }

    fn remember(&mut self, place: Place) {
        if self.ghosts.back().is_none_or(|last| last.added_bytes + GHOST_SPACING_BYTES <= place.added_bytes) {
            self.ghosts.push_back(place);
        }
        while self.ghosts.front().is_some_and(|oldest| oldest.added_bytes + self.bytes_max < self.added_bytes) {
            self.ghosts.pop_front();
        }
    }
}

impl Place {
    fn is_at_or_before(&self, segment: SegmentSequence, position: u64) -> bool {
        (self.segment, self.position) <= (segment, position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT_BYTES: usize = 1 << 20;

    fn commit(fill: u8, bytes: usize) -> Bytes {
        Bytes::from(vec![fill; bytes])
    }

    /// Adds commits of one segment that take [`COMMIT_BYTES`] each; before each, a reader asks for the one that lies `behind_bytes` back.
    fn add_many(tail: &mut TailCache, count: u64, behind_bytes: Option<u64>) -> bool {
        let mut is_found = false;
        for _ in 0..count {
            let position = tail.added_bytes;
            if let Some(behind) = behind_bytes.filter(|behind| *behind <= position) {
                is_found = tail.slice(SegmentSequence(1), position - behind, 64).is_some();
            }
            tail.add(SegmentSequence(1), position, commit(1, 64), COMMIT_BYTES);
        }
        is_found
    }

    #[test]
    fn slices_lie_within_one_cached_commit() {
        let mut tail = TailCache::new(10_000);
        tail.add(SegmentSequence(1), 4096, commit(1, 4096), 4096);
        tail.add(SegmentSequence(1), 8192, commit(2, 4096), 4096);
        assert_eq!(tail.slice(SegmentSequence(1), 8192, 4096).unwrap(), commit(2, 4096));
        assert_eq!(tail.slice(SegmentSequence(1), 8191, 1).unwrap(), commit(1, 1));
        assert!(tail.slice(SegmentSequence(1), 8191, 2).is_none());
        assert!(tail.slice(SegmentSequence(1), 4095, 1).is_none());
        assert!(tail.slice(SegmentSequence(2), 4096, 1).is_none());
        assert!(tail.slice(SegmentSequence(1), 12288, 1).is_none());
    }

    #[test]
    fn oldest_commits_go_when_it_is_full() {
        let mut tail = TailCache::new(8192);
        for index in 0..5 {
            tail.add(SegmentSequence(index), 4096, commit(index as u8, 1024), 4096);
        }
        assert_eq!(tail.bytes, 8192);
        assert!(tail.slice(SegmentSequence(2), 4096, 1).is_none());
        assert!(tail.slice(SegmentSequence(3), 4096, 1).is_some());
    }

    #[test]
    fn stays_small_while_readers_keep_up() {
        let mut tail = TailCache::new(1 << 30);
        assert!(add_many(&mut tail, 2000, Some(4 << 20)));
        assert_eq!(tail.bytes, BYTES_MIN);
        assert!(tail.ghosts.len() <= 1 << 12);
    }

    #[test]
    fn grows_for_a_reader_that_stays_behind_and_shrinks_after_it() {
        let mut tail = TailCache::new(1 << 30);
        assert!(add_many(&mut tail, 2000, Some(300 << 20)));
        assert!(tail.bytes >= 300 << 20 && tail.bytes < 400 << 20, "{}", tail.bytes);
        add_many(&mut tail, 3000, None);
        assert_eq!(tail.bytes, BYTES_MIN);
    }

    #[test]
    fn never_exceeds_its_bound_and_ignores_readers_beyond_it() {
        let mut tail = TailCache::new(64 << 20);
        add_many(&mut tail, 1000, Some(63 << 20));
        assert_eq!(tail.bytes, 64 << 20);
        add_many(&mut tail, 1000, Some(500 << 20));
        assert_eq!(tail.bytes, BYTES_MIN);
    }
}
