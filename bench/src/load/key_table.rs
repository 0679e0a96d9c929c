//! Draws keys for the partitions that one connection has, each as often as its distribution says.
//!
//! Built once by the thread that steers, for each topic and leader; read by all workers.

use corelog_protocol::partition::of_key;

use crate::measure::random::Random;
use crate::workload::KeyDistribution;

/// The keys that go to some partitions of a topic.
pub struct KeyTable {
    /// Their numbers, with the place of each one's partition among the connection's.
    keys: Vec<(u32, u32)>,
    /// Vose's alias table: a key is kept with its share, otherwise its alias is taken. Empty where all are drawn in turn.
    aliases: Vec<(f64, u32)>,
    key_bytes: usize,
    share: f64,
}

/// Writes the key of a number: its digits, behind as many zeros as it needs. `key` has at least 8 bytes.
pub fn write_key(number: u32, key: &mut [u8]) {
    let mut rest = number;
    for digit in key.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

impl KeyTable {
    /// The keys of a distribution that go to `partitions` of a topic of `partition_count`; a key has `key_bytes`.
    pub fn new(
        distribution: KeyDistribution,
        key_bytes: usize,
        partitions: &[i32],
        partition_count: usize,
    ) -> KeyTable {
        let mut places = vec![None; partition_count];
        for (place, partition) in partitions.iter().enumerate() {
            if let Some(slot) = places.get_mut(*partition as usize) {
                *slot = Some(place as u32);
            }
        }
        let mut key = vec![0; key_bytes];
        let (mut keys, mut weights, mut total) = (Vec::new(), Vec::new(), 0.0);
        for number in 0..distribution.count() {
            write_key(number as u32, &mut key);
            let partition = of_key(&key, partition_count as i32);
            let weight = distribution.weight(number);
            total += weight;
            if let Some(place) = places.get(partition as usize).copied().flatten() {
                keys.push((number as u32, place));
                weights.push(weight);
            }
        }
        let share = weights.iter().sum::<f64>() / total;
        let in_turn = matches!(distribution, KeyDistribution::RoundRobin(_));
        let aliases = if in_turn { Vec::new() } else { aliases(&weights) };
        KeyTable { keys, aliases, key_bytes, share }
    }

    /// Share of all records that have these keys.
    pub fn share(&self) -> f64 {
        self.share
    }

    /// Bytes of a key.
    pub fn key_bytes(&self) -> usize {
        self.key_bytes
    }

    /// The number of a key and the place of its partition; `index` counts the draws of a connection. The table is not empty.
    pub fn draw(&self, random: &mut Random, index: u64) -> (u32, u32) {
        let at = if self.aliases.is_empty() {
            (index % self.keys.len().max(1) as u64) as usize
        } else {
            let at = random.below(self.aliases.len());
            let (kept, alias) = self.aliases.get(at).copied().unwrap_or((1.0, 0));
            if random.share() < kept { at } else { alias as usize }
        };
        self.keys.get(at).copied().expect("a table that is drawn from has keys")
    }
}

/// For each of the weights the share that is kept of its draws, and which other one the rest belongs to.
fn aliases(weights: &[f64]) -> Vec<(f64, u32)> {
    let count = weights.len();
    let total: f64 = weights.iter().sum();
    let mut scaled: Vec<f64> = weights.iter().map(|weight| weight * count as f64 / total).collect();
    let (mut small, mut large): (Vec<usize>, Vec<usize>) =
        (0..count).partition(|at| scaled.get(*at).is_some_and(|share| *share < 1.0));
    let mut table: Vec<(f64, u32)> = (0..count).map(|at| (1.0, at as u32)).collect();
    while let (Some(poor), Some(rich)) = (small.pop(), large.last().copied()) {
        let kept = scaled.get(poor).copied().unwrap_or(1.0);
        if let Some(slot) = table.get_mut(poor) {
            *slot = (kept, rich as u32);
        }
        if let Some(share) = scaled.get_mut(rich) {
            *share -= 1.0 - kept;
            if *share < 1.0 {
                large.pop();
                small.push(rich);
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(distribution: &str, partitions: &[i32], draws: usize) -> (KeyTable, Vec<usize>, Vec<usize>) {
        let table = KeyTable::new(distribution.parse().unwrap(), 16, partitions, 4);
        let mut random = Random::new(9);
        let (mut keys, mut places) = (vec![0; 1000], vec![0; partitions.len()]);
        for index in 0..draws {
            let (key, place) = table.draw(&mut random, index as u64);
            keys[key as usize] += 1;
            places[place as usize] += 1;
        }
        (table, keys, places)
    }

    #[test]
    fn keys_come_as_often_as_they_should() {
        let (table, uniform, places) = drawn("uniform:1000", &[0, 1, 2, 3], 1_000_000);
        assert!((table.share() - 1.0).abs() < 1e-9 && uniform.iter().all(|count| (850..1150).contains(count)));
        assert!(places.iter().all(|count| (200_000..300_000).contains(count)), "{places:?}");
        let (_, zipf, _) = drawn("zipf:1000:1", &[0, 1, 2, 3], 1_000_000);
        // Shares of 1 / (n * H(1000)), H(1000) = 7.485.
        for (key, expected) in [(0, 133_600.0), (1, 66_800.0), (9, 13_360.0)] {
            let found = zipf[key] as f64 / expected;
            assert!((0.95..1.05).contains(&found), "key {key}: {}", zipf[key]);
        }
        let (_, turns, _) = drawn("round-robin:1000", &[0, 1, 2, 3], 10_000);
        assert!(turns.iter().all(|count| *count == 10));
    }

    #[test]
    fn a_connection_draws_only_keys_of_its_partitions() {
        let (left, _, _) = drawn("zipf:1000:0.9", &[0, 2], 1);
        let (right, keys, places) = drawn("zipf:1000:0.9", &[3, 1], 100_000);
        assert!((left.share() + right.share() - 1.0).abs() < 1e-9);
        let mut key = [0; 16];
        for (number, _) in keys.iter().enumerate().filter(|(_, count)| **count > 0) {
            write_key(number as u32, &mut key);
            assert!([1, 3].contains(&of_key(&key, 4)));
        }
        assert_eq!(places.iter().sum::<usize>(), 100_000);
        write_key(1234, &mut key);
        assert_eq!(&key, b"0000000000001234");
    }
}
