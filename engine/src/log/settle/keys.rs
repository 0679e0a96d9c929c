//! Owns the map from keys to the newest offset of each: what compaction knows while it goes over a partition.
//!
//! It holds 16 bytes of each key's SHA-256 rather than the key, as many as fit into its bytes; what does not fit is for another pass. Two
//! keys of one hash would be taken for one: nobody can make such a pair, and chance needs 2^64 keys.

use crate::ids::Offset;
use corelog_rt::map::HashMap;
use sha2::{Digest, Sha256};

/// Grown one at a time, so that none of them is ever copied for long.
const TABLES: usize = 64;
/// Entries of a table when it gets its first one.
const TABLE_ENTRIES_MIN: usize = 14;
/// Bytes that a table takes for an entry at most: hash, offset, a byte of its own, and room that it keeps free.
const ENTRY_BYTES_MAX: usize = 29;

type KeyHash = [u8; 16];

/// The newest offset of each key.
pub(super) struct KeyMap {
    tables: Vec<HashMap<KeyHash, Offset>>,
    bytes: usize,
    bytes_max: usize,
}

impl KeyMap {
    /// An empty map that never takes more than about `bytes_max`.
    pub fn new(bytes_max: usize) -> KeyMap {
        KeyMap { tables: (0..TABLES).map(|_| HashMap::default()).collect(), bytes: 0, bytes_max }
    }

    /// Remembers that `key` occurs at `offset`. False if there is no room: nothing was changed.
    #[must_use]
    pub fn insert(&mut self, key: &[u8], offset: Offset) -> bool {
        let hash = hash(key);
        let (bytes, bytes_max) = (self.bytes, self.bytes_max);
        let table = self.table_mut(&hash);
        if let Some(known) = table.get_mut(&hash) {
            *known = offset.max(*known);
            return true;
        }
        let mut grown_bytes = 0;
        if table.len() == table.capacity() {
            let entries = (table.capacity() + 1).max(TABLE_ENTRIES_MIN);
            // Twice as large, and for a moment beside the old one.
            if bytes + 2 * entries * ENTRY_BYTES_MAX > bytes_max {
                return false;
            }
            let before = table.allocation_size();
            table.reserve(entries.saturating_sub(table.len()));
            grown_bytes = table.allocation_size() - before;
        }
        table.insert(hash, offset);
        self.bytes += grown_bytes;
        true
    }

    /// The newest offset of `key`, if it occurred.
    pub fn newest(&self, key: &[u8]) -> Option<Offset> {
        let hash = hash(key);
        self.tables.get(place(&hash)).and_then(|table| table.get(&hash)).copied()
    }

    /// Keys that it holds.
    pub fn len(&self) -> usize {
        self.tables.iter().map(HashMap::len).sum()
    }

    fn table_mut(&mut self, hash: &KeyHash) -> &mut HashMap<KeyHash, Offset> {
        self.tables.get_mut(place(hash)).expect("a byte names a table")
    }
}

fn place(hash: &KeyHash) -> usize {
    usize::from(hash[0]) % TABLES
}

fn hash(key: &[u8]) -> KeyHash {
    let digest = Sha256::digest(key);
    *digest.first_chunk().expect("32 bytes begin with 16")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_offset_of_each_key_is_known() {
        let mut map = KeyMap::new(1 << 20);
        for offset in 0..2_000i64 {
            assert!(map.insert(format!("key {}", offset % 500).as_bytes(), Offset(offset)));
        }
        assert!(map.insert(b"key 7", Offset(3)));
        assert_eq!(map.newest(b"key 7"), Some(Offset(1_507)));
        assert_eq!((map.newest(b"key 500"), map.newest(b"")), (None, None));
        assert_eq!(map.len(), 500);
    }

    #[test]
    fn map_is_bounded_and_still_knows_its_keys() {
        let bytes_max = 256 << 10;
        let mut map = KeyMap::new(bytes_max);
        let taken = (0..1_000_000i64).take_while(|offset| map.insert(&offset.to_be_bytes(), Offset(*offset))).count();
        // A good part of the bytes is used, and never more.
        assert!(taken > bytes_max / 100, "{taken}");
        assert!(map.tables.iter().map(HashMap::allocation_size).sum::<usize>() <= bytes_max);
        assert!(!map.insert(&(taken as i64).to_be_bytes(), Offset(0)));
        // A key that is there needs no room.
        assert!(map.insert(&0i64.to_be_bytes(), Offset(5_000_000)));
        assert_eq!(map.newest(&0i64.to_be_bytes()), Some(Offset(5_000_000)));
        for offset in 1..taken as i64 {
            assert_eq!(map.newest(&offset.to_be_bytes()), Some(Offset(offset)));
        }
    }
}
