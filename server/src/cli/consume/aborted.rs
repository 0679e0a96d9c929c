//! Leaves out the records of aborted transactions, by the list that the broker sends beside them.
//!
//! Pure; one per partition and fetch.

use corelog_engine::batch::BatchHeader;
use corelog_protocol::messages::fetch_response::AbortedTransaction;
use corelog_rt::map::HashSet;

/// Transactions of one answer that were aborted.
#[derive(Debug, Default)]
pub struct Aborted {
    /// Producer and first offset of those that have not begun yet, the last first.
    ahead: Vec<(i64, i64)>,
    /// Producers inside of an aborted transaction.
    inside: HashSet<i64>,
}

impl Aborted {
    /// From the list of an answer.
    pub fn new(list: &[AbortedTransaction]) -> Self {
        let mut ahead: Vec<_> = list.iter().map(|one| (one.first_offset, one.producer_id)).collect();
        ahead.sort_unstable_by(|left, right| right.cmp(left));
        Self {
            ahead: ahead.into_iter().map(|(offset, producer)| (producer, offset)).collect(),
            inside: HashSet::default(),
        }
    }

    /// Whether the records of a batch are to be left out. Batches come in the order of their offsets; `is_abort` says
    /// of a batch of markers that it ends a transaction by aborting it.
    pub fn leaves_out(&mut self, header: &BatchHeader, is_abort: bool) -> bool {
        let last_offset = header.base_offset.0.saturating_add(header.last_offset_delta.into());
        while let Some((producer, _)) = self.ahead.pop_if(|(_, offset)| *offset <= last_offset) {
            self.inside.insert(producer);
        }
        if header.attributes.is_control() {
            if is_abort {
                self.inside.remove(&header.producer_id);
            }
            return true;
        }
        header.attributes.is_transactional() && self.inside.contains(&header.producer_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use corelog_engine::batch::BatchBuilder;
    use corelog_engine::ids::{LeaderEpoch, Offset};

    fn batch(offset: i64, producer: i64, kind: &str) -> BatchHeader {
        let builder = BatchBuilder::new().at(Offset(offset), LeaderEpoch(0)).producer(producer, 0, 0);
        let mut builder = match kind {
            "transaction" => builder.transactional(),
            "marker" => builder.transactional().control(),
            _ => builder,
        };
        builder.push(0, None, None, &[]).unwrap();
        BatchHeader::parse(&builder.build().unwrap()).unwrap()
    }

    #[test]
    fn only_records_of_aborted_transactions_are_left_out() {
        let list = [
            AbortedTransaction { producer_id: 1, first_offset: 20 },
            AbortedTransaction { producer_id: 1, first_offset: 10 },
        ];
        let mut aborted = Aborted::new(&list);
        for (offset, producer, kind, is_abort, left_out) in [
            (9, 1, "transaction", false, false),
            (10, 1, "transaction", false, true),
            (11, 2, "transaction", false, false),
            (12, 1, "plain", false, false),
            (13, 1, "marker", true, true),
            (14, 1, "transaction", false, false),
            (15, 1, "marker", false, true),
            (20, 1, "transaction", false, true),
        ] {
            assert_eq!(aborted.leaves_out(&batch(offset, producer, kind), is_abort), left_out, "{offset}");
        }
    }
}
