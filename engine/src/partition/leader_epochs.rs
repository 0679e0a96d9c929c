//! Owns which leader's term began at which offset, to tell clients where their history parts from ours.

use crate::ids::{LeaderEpoch, Offset};
use crate::limits::LEADER_EPOCHS_MAX;
use std::collections::VecDeque;

/// The terms of a partition in ascending order, each with the offset it began at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaderEpochs {
    entries: VecDeque<(LeaderEpoch, Offset)>,
}

/// Where a term ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEnd {
    /// The latest term not after the one asked for.
    pub leader_epoch: LeaderEpoch,
    /// The offset after its last record.
    pub end: Offset,
}

impl LeaderEpochs {
    /// A term begins at `start`, or is known already. Terms and offsets that contradict it are forgotten.
    pub fn assign(&mut self, leader_epoch: LeaderEpoch, start: Offset) {
        if leader_epoch.0 < 0 || self.latest() == Some(leader_epoch) {
            return;
        }
        while self.entries.back().is_some_and(|&(known, from)| known >= leader_epoch || from >= start) {
            self.entries.pop_back();
        }
        if self.entries.len() == LEADER_EPOCHS_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back((leader_epoch, start));
    }

    /// The latest term.
    pub fn latest(&self) -> Option<LeaderEpoch> {
        self.entries.back().map(|&(leader_epoch, _)| leader_epoch)
    }

    /// The term of the record at `offset`, or of the one that would be there.
    pub fn at(&self, offset: Offset) -> Option<LeaderEpoch> {
        let after = self.entries.partition_point(|&(_, start)| start <= offset);
        after.checked_sub(1).and_then(|index| self.entries.get(index)).map(|&(leader_epoch, _)| leader_epoch)
    }

    /// Where the term `asked` ended, in a log that ends at `end`. None if it lies after all terms known, or none is known.
    pub fn end_of(&self, asked: LeaderEpoch, end: Offset) -> Option<EpochEnd> {
        let after = self.entries.partition_point(|&(leader_epoch, _)| leader_epoch <= asked);
        let floor = after.checked_sub(1).and_then(|index| self.entries.get(index));
        match (floor, self.entries.get(after)) {
            (Some(&(leader_epoch, _)), None) if leader_epoch == asked => Some(EpochEnd { leader_epoch, end }),
            (_, None) => None,
            (Some(&(leader_epoch, _)), Some(&(_, next_start))) => Some(EpochEnd { leader_epoch, end: next_start }),
            (None, Some(&(_, next_start))) => Some(EpochEnd { leader_epoch: asked, end: next_start }),
        }
    }

    /// What lies before `log_start` is gone: so are terms that ended there.
    pub fn forget_before(&mut self, log_start: Offset) {
        while self.entries.get(1).is_some_and(|&(_, start)| start <= log_start) {
            self.entries.pop_front();
        }
        if let Some((_, start)) = self.entries.front_mut() {
            *start = (*start).max(log_start);
        }
    }

    /// What lies at or after `end` is gone: so are terms that began there.
    pub fn forget_from(&mut self, end: Offset) {
        while self.entries.back().is_some_and(|&(_, start)| start >= end) {
            self.entries.pop_back();
        }
    }

    /// The terms in ascending order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (LeaderEpoch, Offset)> + '_ {
        self.entries.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(entries: &[(i32, i64)]) -> LeaderEpochs {
        let mut epochs = LeaderEpochs::default();
        for &(leader_epoch, start) in entries {
            epochs.assign(LeaderEpoch(leader_epoch), Offset(start));
        }
        epochs
    }

    fn end_of(epochs: &LeaderEpochs, asked: i32) -> Option<(i32, i64)> {
        epochs.end_of(LeaderEpoch(asked), Offset(100)).map(|found| (found.leader_epoch.0, found.end.0))
    }

    #[test]
    fn term_ends_where_the_next_known_one_begins() {
        let epochs = epochs(&[(2, 0), (5, 30), (7, 60)]);
        assert_eq!(end_of(&epochs, 7), Some((7, 100)));
        assert_eq!(end_of(&epochs, 8), None);
        assert_eq!(end_of(&epochs, 5), Some((5, 60)));
        assert_eq!(end_of(&epochs, 6), Some((5, 60)));
        assert_eq!(end_of(&epochs, 2), Some((2, 30)));
        assert_eq!(end_of(&epochs, 1), Some((1, 0)));
        assert_eq!(end_of(&LeaderEpochs::default(), 1), None);
        assert_eq!(epochs.at(Offset(29)), Some(LeaderEpoch(2)));
        assert_eq!(epochs.at(Offset(30)), Some(LeaderEpoch(5)));
    }

    #[test]
    fn contradicted_terms_are_forgotten() {
        let mut known = epochs(&[(2, 0), (5, 30), (7, 60)]);
        known.assign(LeaderEpoch(6), Offset(40));
        assert_eq!(known, epochs(&[(2, 0), (5, 30), (6, 40)]));
        known.assign(LeaderEpoch(9), Offset(40));
        assert_eq!(known, epochs(&[(2, 0), (5, 30), (9, 40)]));
        known.assign(LeaderEpoch(-1), Offset(50));
        assert_eq!(known.latest(), Some(LeaderEpoch(9)));
    }

    #[test]
    fn both_ends_can_be_cut() {
        let mut known = epochs(&[(2, 0), (5, 30), (7, 60)]);
        known.forget_before(Offset(45));
        assert_eq!(known, epochs(&[(5, 45), (7, 60)]));
        known.forget_before(Offset(60));
        assert_eq!(known, epochs(&[(7, 60)]));
        let mut known = epochs(&[(2, 0), (5, 30), (7, 60)]);
        known.forget_from(Offset(60));
        assert_eq!(known, epochs(&[(2, 0), (5, 30)]));
    }
}
