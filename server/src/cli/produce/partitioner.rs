//! Which partition a record goes to: by the hash of its key as Java's producer does it, so that both agree; without a key
//! to one partition for a while, then to the next.
//!
//! Pure; runs on the tool's shard.

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
            (None, Some(key)) => (murmur2(key) & 0x7fff_ffff).cast_signed() % self.count,
            (None, None) => self.current,
        }
    }

    /// Records without a key go to the next partition from now on.
    pub fn turn(&mut self) {
        self.current = (self.current + 1) % self.count;
    }
}

/// The 32-bit hash of the second Murmur, with the seed that Kafka uses.
fn murmur2(bytes: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const MIX: u32 = 0x5bd1_e995;
    let mut hash = SEED ^ bytes.len() as u32;
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let mut mixed = u32::from_le_bytes(*word).wrapping_mul(MIX);
        mixed ^= mixed >> 24;
        hash = hash.wrapping_mul(MIX) ^ mixed.wrapping_mul(MIX);
    }
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0_u32, |tail, &byte| (tail << 8) | u32::from(byte));
        hash = (hash ^ tail).wrapping_mul(MIX);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(MIX);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_of_java() {
        // Values of org.apache.kafka.common.utils.Utils.murmur2.
        for (text, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(text.as_bytes()).cast_signed(), hash, "{text}");
        }
    }

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
