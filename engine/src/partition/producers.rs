//! Owns the idempotent producers of one partition: lookup, expiry, bound.

use super::producer::{ProducerBatch, ProducerError, ProducerState, Sequenced};
use crate::batch::BatchHeader;
use crate::batch::header::NO_TIMESTAMP;
use crate::ids::{CommitSequence, Offset};
use crate::limits::PRODUCERS_PER_PARTITION_MAX;
use corelog_rt::map::HashMap;
use smallvec::SmallVec;

/// The producers that wrote to a partition, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Producers {
    by_id: HashMap<i64, ProducerState>,
}

impl Producers {
    /// What a batch with a checked header is to its producer's history.
    ///
    /// # Errors
    /// [`ProducerError`].
    pub fn judge(&self, header: &BatchHeader) -> Result<Sequenced, ProducerError> {
        if !header.has_producer() {
            return Ok(Sequenced::Next);
        }
        self.by_id.get(&header.producer_id).map_or(Ok(Sequenced::Next), |state| state.judge(header))
    }

    /// Remembers a data batch as it was appended: with its final offset and timestamp.
    pub fn remember(&mut self, header: &BatchHeader, commit: CommitSequence, seen_ms: i64) {
        if !header.has_producer() || header.attributes.is_control() {
            return;
        }
        let batch = ProducerBatch {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp_ms: header.max_timestamp_ms,
            commit,
        };
        self.make_room(header.producer_id);
        self.by_id
            .entry(header.producer_id)
            .or_insert_with(|| ProducerState {
                epoch: header.producer_epoch,
                coordinator_epoch: -1,
                last_timestamp_ms: NO_TIMESTAMP,
                seen_ms,
                batches: SmallVec::new(),
            })
            .remember(header.producer_epoch, batch, seen_ms);
    }

    /// Puts a producer as a snapshot told it.
    pub fn restore(&mut self, id: i64, state: ProducerState) {
        self.make_room(id);
        self.by_id.insert(id, state);
    }

    /// Forgets who has not written for `expiration_ms` by the broker's clock.
    pub fn expire(&mut self, now_ms: i64, expiration_ms: i64) {
        self.by_id.retain(|_, state| now_ms.saturating_sub(state.seen_ms) < expiration_ms);
    }

    /// What lies at or after `end` is gone.
    pub fn forget_from(&mut self, end: Offset) {
        self.by_id.retain(|_, state| {
            let known = state.batches.len();
            state.batches.retain(|batch| batch.last_offset < end);
            // Who lost its newest batch is told apart from who lost all: of the latter nothing certain is known any more.
            known == state.batches.len() || !state.batches.is_empty()
        });
    }

    /// All producers, ordered by id.
    pub fn sorted(&self) -> Vec<(i64, &ProducerState)> {
        let mut all: Vec<(i64, &ProducerState)> = self.by_id.iter().map(|(id, state)| (*id, state)).collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        all
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Before a new one is added to a full table, the eighth that wrote longest ago goes: seldom, so that it is cheap per producer.
    fn make_room(&mut self, id: i64) {
        if self.by_id.len() < PRODUCERS_PER_PARTITION_MAX || self.by_id.contains_key(&id) {
            return;
        }
        let mut seen: Vec<(i64, i64)> = self.by_id.iter().map(|(id, state)| (state.seen_ms, *id)).collect();
        let (oldest, _, _) = seen.select_nth_unstable(PRODUCERS_PER_PARTITION_MAX / 8);
        for (_, id) in oldest {
            self.by_id.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::BatchBuilder;
    use proptest::prelude::*;

    fn header(id: i64, epoch: i16, sequence: i32, records: i32, base: i64) -> BatchHeader {
        let mut builder =
            BatchBuilder::new().producer(id, epoch, sequence).at(Offset(base), crate::ids::LeaderEpoch(0));
        builder.push(5, None, None, &[]).unwrap();
        let header = BatchHeader::parse(&builder.build().unwrap()).unwrap();
        BatchHeader { last_offset_delta: records - 1, record_count: records, ..header }
    }

    fn append(producers: &mut Producers, header: &BatchHeader) {
        assert_eq!(producers.judge(header), Ok(Sequenced::Next));
        producers.remember(header, CommitSequence(1), 1_000);
    }

    #[test]
    fn unknown_producer_begins_anywhere_and_goes_on_in_order() {
        let mut producers = Producers::default();
        append(&mut producers, &header(1, 0, 500, 10, 0));
        append(&mut producers, &header(1, 0, 510, 1, 10));
        let out = producers.judge(&header(1, 0, 512, 1, 0));
        assert_eq!(out, Err(ProducerError::OutOfOrder { found: 512, last: 510 }));
        assert_eq!(producers.judge(&header(1, 0, 509, 1, 0)), Err(ProducerError::OutOfOrder { found: 509, last: 510 }));
        append(&mut producers, &header(2, 0, 0, 1, 11));
    }

    #[test]
    fn last_five_batches_are_answered_again_and_older_ones_refused() {
        let mut producers = Producers::default();
        for index in 0..7 {
            append(&mut producers, &header(1, 0, index * 10, 10, 100 + i64::from(index) * 10));
        }
        for index in 2..7 {
            let Ok(Sequenced::Duplicate(batch)) = producers.judge(&header(1, 0, index * 10, 10, 0)) else {
                panic!("batch {index} is forgotten")
            };
            assert_eq!(batch.first_offset(), Offset(100 + i64::from(index) * 10));
        }
        assert_eq!(producers.judge(&header(1, 0, 10, 10, 0)), Err(ProducerError::OutOfOrder { found: 10, last: 69 }));
        // The same first sequence with another length is no duplicate.
        assert_eq!(producers.judge(&header(1, 0, 60, 9, 0)), Err(ProducerError::OutOfOrder { found: 60, last: 69 }));
    }

    #[test]
    fn newer_epoch_begins_at_zero_and_fences_the_older() {
        let mut producers = Producers::default();
        append(&mut producers, &header(1, 3, 0, 5, 0));
        assert_eq!(producers.judge(&header(1, 4, 5, 1, 0)), Err(ProducerError::OutOfOrder { found: 5, last: -1 }));
        append(&mut producers, &header(1, 4, 0, 5, 5));
        assert_eq!(producers.judge(&header(1, 3, 5, 1, 0)), Err(ProducerError::StaleEpoch { found: 3, known: 4 }));
        assert_eq!(producers.judge(&header(1, 3, 0, 5, 0)), Err(ProducerError::StaleEpoch { found: 3, known: 4 }));
    }

    #[test]
    fn sequences_wrap_after_the_largest() {
        let mut producers = Producers::default();
        append(&mut producers, &header(1, 0, i32::MAX - 1, 2, 0));
        append(&mut producers, &header(1, 0, 0, 1, 2));
        let mut producers = Producers::default();
        let across = header(1, 0, i32::MAX - 1, 4, 0);
        append(&mut producers, &across);
        assert!(matches!(producers.judge(&across), Ok(Sequenced::Duplicate(_))));
        append(&mut producers, &header(1, 0, 2, 1, 4));
    }

    #[test]
    fn idle_producers_expire_and_may_begin_anywhere_again() {
        let mut producers = Producers::default();
        append(&mut producers, &header(1, 0, 0, 1, 0));
        producers.expire(1_999, 1_000);
        assert_eq!(producers.len(), 1);
        producers.expire(2_000, 1_000);
        assert!(producers.is_empty());
        append(&mut producers, &header(1, 0, 77, 1, 1));
    }

    #[test]
    fn table_is_bounded_and_keeps_the_newest() {
        let mut producers = Producers::default();
        for id in 0..=(PRODUCERS_PER_PARTITION_MAX as i64) {
            producers.remember(&header(id, 0, 0, 1, id), CommitSequence(1), id);
        }
        assert_eq!(producers.len(), PRODUCERS_PER_PARTITION_MAX - PRODUCERS_PER_PARTITION_MAX / 8 + 1);
        let ids: Vec<i64> = producers.sorted().iter().map(|(id, _)| *id).collect();
        assert_eq!(ids.first(), Some(&((PRODUCERS_PER_PARTITION_MAX / 8) as i64)));
        assert_eq!(ids.last(), Some(&(PRODUCERS_PER_PARTITION_MAX as i64)));
    }

    #[test]
    fn truncated_batches_are_due_again() {
        let mut producers = Producers::default();
        append(&mut producers, &header(1, 0, 0, 10, 0));
        append(&mut producers, &header(1, 0, 10, 10, 10));
        append(&mut producers, &header(2, 0, 0, 10, 20));
        producers.forget_from(Offset(10));
        assert_eq!(producers.judge(&header(1, 0, 10, 10, 0)), Ok(Sequenced::Next));
        assert_eq!(producers.len(), 1);
    }

    proptest! {
        #[test]
        fn first_sequence_inverts_last(first in 0..=i32::MAX, delta in 0i32..1_000_000) {
            let batch = ProducerBatch {
                last_sequence: crate::batch::header::sequence_plus(first, delta),
                last_offset: Offset(0),
                offset_delta: delta,
                timestamp_ms: 0,
                commit: CommitSequence(0),
            };
            prop_assert_eq!(batch.first_sequence(), first);
        }
    }
}
