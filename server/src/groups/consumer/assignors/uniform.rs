//! Owns the `uniform` assignor of groups whose members all subscribe to the same topics.
//!
//! Pure. Every member ends with the same number of partitions, or one more. What a member holds already stays with it as far as
//! its quota reaches, and the members that hold most get the larger quotas, so that no partition moves without need.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use corelog_protocol::Uuid;

use super::spec::{GroupSpec, partition_number};
use crate::groups::consumer::assignment::{Assignment, partition_count};

/// The next target, in the order of the members.
pub(super) fn assign(group: &GroupSpec<'_>) -> Vec<Assignment> {
    let Some(first) = group.members.first() else { return Vec::new() };
    let mut free = Free::of(group, first.topics.iter().copied());
    let mut targets: Vec<Assignment> = group.members.iter().map(|member| free.claim(member.assigned)).collect();

    let member_count = group.members.len();
    let (quota, extra_count) = (free.total / member_count, free.total % member_count);
    let mut fullest: Vec<usize> = (0..member_count).collect();
    fullest.sort_by_key(|index| Reverse(targets.get(*index).map_or(0, partition_count)));
    let mut quotas = vec![quota; member_count];
    for index in fullest.iter().take(extra_count) {
        if let Some(quota) = quotas.get_mut(*index) {
            *quota += 1;
        }
    }
    for (target, quota) in targets.iter_mut().zip(&quotas) {
        free.release_beyond(target, *quota);
    }
    let mut unassigned = free.into_unassigned();
    for (target, quota) in targets.iter_mut().zip(&quotas) {
        let missing = quota - partition_count(target);
        for (topic, partition) in unassigned.by_ref().take(missing) {
            target.entry(topic).or_default().insert(partition);
        }
    }
    targets
}

/// Which partitions nobody holds.
struct Free {
    topics: BTreeMap<Uuid, Vec<bool>>,
    total: usize,
}

impl Free {
    fn of(group: &GroupSpec<'_>, topics: impl Iterator<Item = Uuid>) -> Free {
        let topics: BTreeMap<_, _> = topics.map(|topic| (topic, vec![true; group.partition_count(topic)])).collect();
        let total = topics.values().map(Vec::len).sum();
        Free { topics, total }
    }

    /// What of an old assignment is still there to hold, now held.
    fn claim(&mut self, assigned: &Assignment) -> Assignment {
        let mut kept = Assignment::new();
        for (topic, partitions) in assigned {
            for partition in partitions {
                if self.set(*topic, *partition, false) {
                    kept.entry(*topic).or_default().insert(*partition);
                }
            }
        }
        kept
    }

    /// Takes from an assignment what is beyond a quota.
    fn release_beyond(&mut self, target: &mut Assignment, quota: usize) {
        let mut left = quota;
        for (topic, partitions) in target.iter_mut() {
            partitions.retain(|partition| {
                let stays = left > 0;
                if stays {
                    left -= 1;
                } else {
                    self.set(*topic, *partition, true);
                }
                stays
            });
        }
        target.retain(|_, partitions| !partitions.is_empty());
    }

    /// Marks a partition; false where it does not exist or is so marked already.
    fn set(&mut self, topic: Uuid, partition: i32, free: bool) -> bool {
        let found = self.topics.get_mut(&topic).and_then(|marks| marks.get_mut(usize::try_from(partition).ok()?));
        found.is_some_and(|mark| std::mem::replace(mark, free) != free)
    }

    fn into_unassigned(self) -> impl Iterator<Item = (Uuid, i32)> {
        self.topics.into_iter().flat_map(|(topic, marks)| {
            let free = marks.into_iter().enumerate().filter(|(_, free)| *free);
            free.map(move |(index, _)| (topic, partition_number(index)))
        })
    }
}
