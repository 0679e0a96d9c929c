//! Owns a map that forgets what was used longest ago once its entries weigh too much.
//!
//! Plain data on one shard, used by the block and the footer cache. It counts the weights that it is told, in bytes.

use crate::log::BytesInUse;
use corelog_rt::map::HashMap;
use std::collections::BTreeMap;
use std::hash::Hash;

/// A map bounded in bytes.
#[derive(Debug)]
pub struct Lru<K, V> {
    bytes_max: usize,
    bytes: usize,
    uses: u64,
    entries: HashMap<K, Entry<V>>,
    by_use: BTreeMap<u64, K>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    bytes: usize,
    used: u64,
}

impl<K: Copy + Eq + Hash, V: Clone> Lru<K, V> {
    /// Holds at most `bytes_max`, and at least the entry that was added last.
    pub fn new(bytes_max: usize) -> Lru<K, V> {
        Lru { bytes_max, bytes: 0, uses: 0, entries: HashMap::default(), by_use: BTreeMap::new() }
    }

    /// The value of `key`, which counts as used now.
    pub fn get(&mut self, key: K) -> Option<V> {
        let entry = self.entries.get_mut(&key)?;
        self.uses += 1;
        self.by_use.remove(&entry.used);
        self.by_use.insert(self.uses, key);
        entry.used = self.uses;
        Some(entry.value.clone())
    }

    /// What the entries weigh together, and the bound.
    pub fn in_use(&self) -> BytesInUse {
        BytesInUse { used: self.bytes as u64, limit: self.bytes_max as u64 }
    }

    /// The value of `key`, which does not count as used.
    pub fn peek(&self, key: K) -> Option<&V> {
        self.entries.get(&key).map(|entry| &entry.value)
    }

    /// Takes `key` out.
    pub fn remove(&mut self, key: K) -> Option<V> {
        let entry = self.entries.remove(&key)?;
        self.by_use.remove(&entry.used);
        self.bytes -= entry.bytes;
        Some(entry.value)
    }

    /// Holds at most `bytes_max` from the next entry on.
    pub fn set_bytes_max(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max;
    }

    /// Sets the value of `key`, which weighs `bytes`, and forgets others where there is no room: those are given back.
    pub fn add(&mut self, key: K, value: V, bytes: usize) -> Vec<(K, usize)> {
        self.uses += 1;
        if let Some(old) = self.entries.insert(key, Entry { value, bytes, used: self.uses }) {
            self.bytes -= old.bytes;
            self.by_use.remove(&old.used);
        }
        self.by_use.insert(self.uses, key);
        self.bytes += bytes;
        let mut forgotten = Vec::new();
        while self.bytes > self.bytes_max && self.entries.len() > 1 {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            let bytes = self.entries.remove(&oldest).map_or(0, |entry| entry.bytes);
            self.bytes -= bytes;
            forgotten.push((oldest, bytes));
        }
        forgotten
    }

    /// Bytes of all entries.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longest_unused_goes_first() {
        let mut lru = Lru::new(30);
        lru.add(1, 'a', 10);
        lru.add(2, 'b', 10);
        lru.add(3, 'c', 10);
        assert_eq!(lru.get(1), Some('a'));
        lru.add(4, 'd', 10);
        assert_eq!(lru.get(2), None);
        assert_eq!((lru.get(1), lru.get(3), lru.get(4)), (Some('a'), Some('c'), Some('d')));
        lru.add(5, 'e', 1000);
        assert_eq!(lru.get(5), Some('e'), "what was just added stays, however large");
        assert_eq!(lru.bytes(), 1000);
    }

    #[test]
    fn replaced_value_counts_once() {
        let mut lru = Lru::new(100);
        lru.add(1, 'a', 60);
        lru.add(1, 'b', 70);
        assert_eq!(lru.bytes(), 70);
        assert_eq!(lru.get(1), Some('b'));
        assert_eq!(lru.by_use.len(), 1);
    }

    #[test]
    fn what_is_taken_out_weighs_nothing_any_more() {
        let mut lru = Lru::new(100);
        lru.add(1, 'a', 60);
        assert_eq!((lru.remove(1), lru.remove(1), lru.bytes()), (Some('a'), None, 0));
        lru.add(2, 'b', 100);
        lru.set_bytes_max(40);
        assert_eq!(lru.add(3, 'c', 30), [(2, 100)], "the new bound holds from the next entry on");
    }
}
