//! Owns the files of a log that are no segments of its index: the prepared one, those that wait for their next use, dead ones on their way there.
//!
//! On the log's shard; the preparer, the reclaimer, the roller and the settling pass work on it. Some of the files that wait are the *reserve*: on a full
//! disk settling needs a file before it can free one, so ordinary appends never get the last ones. A file that comes back goes to the reserve first.

use super::inventory::Numbers;
use super::options::LogOptions;
use super::seal::PendingFooter;
use super::segment_file::SegmentFile;
use crate::ids::CommitSequence;
use std::collections::VecDeque;
use std::rc::Rc;

/// Files that are not segments of the index.
#[derive(Debug)]
pub struct Files {
    pub(super) next: Option<NextSegment>,
    pub(super) dead: VecDeque<DeadSegment>,
    pub(super) numbers: Numbers,
    /// Recovered segments without a footer, oldest first.
    pub(super) unsealed: VecDeque<PendingFooter>,
    /// Files for anybody, by their number.
    free: Vec<u64>,
    /// Files for settling alone.
    reserve: Vec<u64>,
    reserve_max: usize,
    free_max: usize,
}

/// The segment that comes after the current one.
#[derive(Debug)]
pub struct NextSegment {
    pub(super) segment: Rc<SegmentFile>,
    /// It was taken from the reserve: for control entries alone, as long as the disk is full.
    pub(super) is_reserved: bool,
}

/// A segment without anything live in it.
#[derive(Debug)]
pub struct DeadSegment {
    pub(super) segment: Rc<SegmentFile>,
    /// The commit with the entry that it died of; before that is durable the segment may come back to life by a crash.
    pub(super) after: CommitSequence,
}

/// Who takes a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taker {
    /// The preparer, for appends: never from the reserve.
    Appends,
    /// What must go on for space to come back, but frees none by itself: leaves one to settling.
    Urgent,
    /// Settling, which gives back more than it takes.
    Settling,
}

impl Files {
    /// The files of a log that was just recovered; those in `spare` wait for their next use.
    pub(super) fn new(options: &LogOptions, numbers: Numbers, spare: Vec<u64>) -> Files {
        let mut files = Files {
            next: None,
            dead: VecDeque::new(),
            numbers,
            unsealed: VecDeque::new(),
            free: Vec::new(),
            reserve: Vec::new(),
            reserve_max: options.reserve_files(),
            free_max: options.free_files_max,
        };
        for number in spare {
            files.put(number);
        }
        files
    }

    /// A file waits for its next use.
    pub(super) fn put(&mut self, number: u64) {
        let list = if self.is_reserve_whole() { &mut self.free } else { &mut self.reserve };
        list.push(number);
    }

    /// Whether a file more is worth keeping.
    pub(super) fn has_place(&self) -> bool {
        !self.is_reserve_whole() || self.free.len() < self.free_max
    }

    /// A file that waits, if there is one for `taker`.
    pub(super) fn take(&mut self, taker: Taker) -> Option<u64> {
        let left = match taker {
            Taker::Appends => usize::MAX,
            Taker::Urgent => 1,
            Taker::Settling => 0,
        };
        self.free.pop().or_else(|| if self.reserve.len() > left { self.reserve.pop() } else { None })
    }

    /// Whether the reserve lacks nothing.
    pub(super) fn is_reserve_whole(&self) -> bool {
        self.reserve.len() >= self.reserve_max
    }

    /// Files that wait or are prepared, those of the reserve aside.
    pub(super) fn free_count(&self) -> usize {
        self.free.len() + usize::from(self.next.is_some())
    }

    /// Files of the reserve.
    pub(super) fn reserve_count(&self) -> usize {
        self.reserve.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::LogId;

    fn files(spare: u64) -> Files {
        let numbers = Numbers { sequence_next: 1, settled_next: 1 };
        Files::new(&LogOptions::new(LogId(0)), numbers, (0..spare).collect())
    }

    #[test]
    fn reserve_is_filled_first_and_taken_last() {
        let mut files = files(3);
        assert!(files.is_reserve_whole());
        assert_eq!((files.reserve_count(), files.free_count()), (2, 1));
        assert_eq!(files.take(Taker::Settling), Some(2));
        assert_eq!(files.take(Taker::Settling), Some(1));
        assert!(!files.is_reserve_whole() && files.has_place());
        files.put(7);
        assert!(files.is_reserve_whole());
        assert_eq!(files.free_count(), 0);
    }

    #[test]
    fn appends_never_get_the_reserve_and_only_settling_the_last_of_it() {
        let mut files = files(2);
        assert_eq!(files.take(Taker::Appends), None);
        assert!(files.take(Taker::Urgent).is_some());
        assert_eq!(files.take(Taker::Urgent), None);
        assert!(files.take(Taker::Settling).is_some());
        assert_eq!(files.take(Taker::Settling), None);
    }
}
