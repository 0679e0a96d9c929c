//! Owns the commits that were written last, as the buffers that they were written from.
//!
//! The writer adds each commit in order, readers near the end slice it uncopied. Bounded in bytes: the oldest go first. Slices that readers still
//! hold keep their buffer, beyond the bound.

use crate::ids::SegmentSequence;
use bytes::Bytes;
use std::collections::VecDeque;

/// The commits that were written last.
#[derive(Debug)]
pub struct TailCache {
    bytes_max: usize,
    bytes: usize,
    commits: VecDeque<CachedCommit>,
}

#[derive(Debug)]
struct CachedCommit {
    segment: SegmentSequence,
    position: u64,
    bytes: Bytes,
    held_bytes: usize,
}

impl TailCache {
    /// Holds at most `bytes_max`.
    pub fn new(bytes_max: usize) -> TailCache {
        TailCache { bytes_max, bytes: 0, commits: VecDeque::new() }
    }

    /// Adds the commit at `position`, whose buffer takes `held_bytes` of memory; it lies behind all that were added before.
    pub fn add(&mut self, segment: SegmentSequence, position: u64, bytes: Bytes, held_bytes: usize) {
        self.bytes += held_bytes;
        self.commits.push_back(CachedCommit { segment, position, bytes, held_bytes });
        while self.bytes > self.bytes_max {
            let Some(oldest) = self.commits.pop_front() else { break };
            self.bytes -= oldest.held_bytes;
        }
    }

    /// The bytes from `position` on, if the commit that holds them all is here.
    pub fn slice(&self, segment: SegmentSequence, position: u64, bytes: usize) -> Option<Bytes> {
        let after = self.commits.partition_point(|commit| (commit.segment, commit.position) <= (segment, position));
        let commit = self.commits.get(after.checked_sub(1)?).filter(|commit| commit.segment == segment)?;
        let from = (position - commit.position) as usize;
        let until = from.checked_add(bytes).filter(|until| *until <= commit.bytes.len())?;
        Some(commit.bytes.slice(from..until))
    }

    /// Bytes that all commits here take in memory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(fill: u8, bytes: usize) -> Bytes {
        Bytes::from(vec![fill; bytes])
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
        assert_eq!(tail.bytes(), 8192);
        assert!(tail.slice(SegmentSequence(2), 4096, 1).is_none());
        assert!(tail.slice(SegmentSequence(3), 4096, 1).is_some());
    }
}
