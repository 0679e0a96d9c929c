//! Owns the shapes in which partitions are given to members: plain sets, and sets that know since which epoch.
//!
//! Plain values, ordered, so that records and answers come out the same on every run. Any shard; never waits.

use std::collections::{BTreeMap, BTreeSet};

use corelog_protocol::Uuid;

/// Partitions by topic. Topics without partitions are not kept.
pub type Assignment = BTreeMap<Uuid, BTreeSet<i32>>;

/// Partitions by topic, each with the member epoch at which it was given to its member.
pub type Holding = BTreeMap<Uuid, BTreeMap<i32, i32>>;

/// How many partitions an assignment holds.
pub fn partition_count(assignment: &Assignment) -> usize {
    assignment.values().map(BTreeSet::len).sum()
}

/// The assignment as held since one epoch.
pub fn held_since(assignment: &Assignment, epoch: i32) -> Holding {
    let held = |partitions: &BTreeSet<i32>| partitions.iter().map(|partition| (*partition, epoch)).collect();
    assignment.iter().map(|(topic, partitions)| (*topic, held(partitions))).collect()
}

/// What is held, without its epochs.
pub fn partitions_of(holding: &Holding) -> Assignment {
    holding.iter().map(|(topic, partitions)| (*topic, partitions.keys().copied().collect())).collect()
}

/// Whether a partition is held.
pub fn holds(holding: &Holding, topic: Uuid, partition: i32) -> bool {
    holding.get(&topic).is_some_and(|partitions| partitions.contains_key(&partition))
}

/// Whether both hold the same partitions, whatever their epochs.
pub fn same_partitions(one: &Holding, other: &Holding) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).all(|((topic, partitions), (other_topic, other_partitions))| {
            topic == other_topic && partitions.keys().eq(other_partitions.keys())
        })
}
