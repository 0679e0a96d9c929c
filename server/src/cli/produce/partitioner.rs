//! Which partition a record goes to: by the hash of its key as Java's producer does it, so that both agree; without a key
//! to one partition for a while, then to the next.
//!
//! Pure; runs on the tool's shard.

use corelog_protocol::partition::of_key;

/// Chooses partitions of one topic.
#[derive(Debug)]
pub struct Partitioner {
    fixed: Option<i32>,
    count: i32,
    current: i32,
}

impl Partitioner {
    /// For a topic of `count` partitions, at least 1; `fixed` is chosen for every record if given. Records without a key
    /// begin at `start`, modulo the count.
    pub fn new(count: i32, fixed: Option<i32>, start: u64) -> Self {
        assert!(count > 0, "a topic has a partition");
        Self { fixed, count, current: (start % u64::from(count.unsigned_abs())) as i32 }
    }

    /// The partition of a record.
    pub fn partition(&self, key: Option<&[u8]>) -> i32 {
        match (self.fixed, key) {
            (Some(fixed), _) => fixed,
            (None, Some(key)) => of_key(key, self.count),
            (None, None) => self.current,
        }
    }

    /// Records without a key go to the next partition from now on.
    pub fn turn(&mut self) {
        self.current = (self.current + 1) % self.count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_and_records_without_one_take_turns() {
        let mut partitioner = Partitioner::new(3, None, 5);
        assert_eq!(partitioner.partition(None), 2);
        let keyed = partitioner.partition(Some(b"k"));
        partitioner.turn();
        assert_eq!(partitioner.partition(None), 0);
        assert_eq!(partitioner.partition(Some(b"k")), keyed);
        assert_eq!(Partitioner::new(3, Some(1), 0).partition(Some(b"k")), 1);
    }
}
