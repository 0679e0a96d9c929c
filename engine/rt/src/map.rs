//! Hash maps with a fixed seed.
//!
//! Owns the two aliases that stand for the standard maps everywhere above the seam. Any shard uses them. They must
//! never draw a random seed: iteration order would differ between two runs of one simulation.

use foldhash::fast::FixedState;

/// A hash map whose iteration order depends on its history alone.
pub type HashMap<K, V> = hashbrown::HashMap<K, V, FixedState>;

/// A hash set whose iteration order depends on its history alone.
pub type HashSet<K> = hashbrown::HashSet<K, FixedState>;
