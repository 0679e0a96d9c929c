//! Owns what consumer groups know of topics: a view that the caller hands in, and the digest by which a group notices a change.
//!
//! The view is read within a request and never kept. The digest is kept in the group's record, so it must stay the same from version
//! to version: a new one makes every group rebalance once.

use std::collections::BTreeSet;

use corelog_protocol::{Text, Uuid};

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicFacts {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: Text,
    /// How many partitions it has.
    pub partition_count: i32,
    /// A digest of the racks of its partitions' replicas; 0 where brokers have no racks.
    pub racks: u64,
}

/// The topics of the cluster.
pub trait Topology {
    /// The topic of this name.
    fn by_name(&self, name: &str) -> Option<TopicFacts>;

    /// The topic of this id.
    fn by_id(&self, id: Uuid) -> Option<TopicFacts>;

    /// The names that follow `after` in order, `count_max` at most.
    fn names_after(&self, after: Option<&str>, count_max: usize) -> Vec<Text>;

    /// A number that grows whenever any topic changes.
    fn revision(&self) -> i64;
}

/// The digest of the topics of these names; those that do not exist are left out. 0 where none is left.
pub fn metadata_hash(names: &BTreeSet<Text>, topology: &dyn Topology) -> i64 {
    let mut hash = 0u64;
    for topic in names.iter().filter_map(|name| topology.by_name(name)) {
        for word in topic.id.0.chunks(8) {
            hash = mix(hash, word.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)));
        }
        // The id stands for the name: a name that comes back has another id.
        hash = mix(hash, u64::from(topic.partition_count.unsigned_abs()));
        hash = mix(hash, topic.racks);
    }
    hash.cast_signed()
}

/// One round of a 64-bit multiply-and-fold hash.
fn mix(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ word ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
    let low = u64::try_from(product & u128::from(u64::MAX)).unwrap_or_default();
    let high = u64::try_from(product >> 64).unwrap_or_default();
    (low ^ high).rotate_left(23).wrapping_add(word)
}
