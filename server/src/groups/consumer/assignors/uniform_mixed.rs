//! Owns the `uniform` assignor of groups whose members subscribe to different topics.
//!
//! Pure. Partitions stay where they are while their owner subscribes to their topic; free ones go to the subscriber that holds
//! least, topics with the fewest choices first; then each topic's partitions move from the fullest to the emptiest of its
//! subscribers until no move makes two of them more even, or the passes are used up.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use corelog_protocol::Uuid;

use super::spec::{GroupSpec, partition_number};
use crate::groups::consumer::assignment::Assignment;

/// Passes over all topics at most: each makes the sizes more even, and almost always the second finds nothing to do.
const PASS_COUNT_MAX: usize = 16;

struct Topic {
    id: Uuid,
    subscribers: Vec<usize>,
    /// The index of each partition's owner.
    owners: Vec<Option<usize>>,
}

impl Topic {
    /// Topics with most partitions for each subscriber first, then those with the fewest subscribers.
    fn order(&self, other: &Topic) -> Ordering {
        let ours = self.owners.len() as u128 * other.subscribers.len() as u128;
        let theirs = other.owners.len() as u128 * self.subscribers.len() as u128;
        theirs.cmp(&ours).then(self.subscribers.len().cmp(&other.subscribers.len())).then(self.id.cmp(&other.id))
    }
}

/// The next target, in the order of the members.
pub(super) fn assign(group: &GroupSpec<'_>) -> Vec<Assignment> {
    let mut sizes = vec![0usize; group.members.len()];
    let mut topics = topics_with_owners(group, &mut sizes);
    topics.sort_by(Topic::order);
    for topic in &mut topics {
        assign_free(topic, &mut sizes);
    }
    for _ in 0..PASS_COUNT_MAX {
        let mut moved = false;
        for topic in &mut topics {
            moved |= balance(topic, &mut sizes);
        }
        if !moved {
            break;
        }
    }
    let mut targets = vec![Assignment::new(); group.members.len()];
    for topic in &topics {
        for (partition, owner) in topic.owners.iter().enumerate() {
            if let Some(target) = owner.and_then(|owner| targets.get_mut(owner)) {
                target.entry(topic.id).or_default().insert(partition_number(partition));
            }
        }
    }
    targets
}

fn topics_with_owners(group: &GroupSpec<'_>, sizes: &mut [usize]) -> Vec<Topic> {
    let mut topics: BTreeMap<Uuid, Topic> = BTreeMap::new();
    for (index, member) in group.members.iter().enumerate() {
        for id in member.topics {
            let owners = || vec![None; group.partition_count(*id)];
            let topic =
                topics.entry(*id).or_insert_with(|| Topic { id: *id, subscribers: Vec::new(), owners: owners() });
            topic.subscribers.push(index);
        }
    }
    for (index, member) in group.members.iter().enumerate() {
        let still = member.assigned.iter().filter(|(id, _)| member.topics.contains(id));
        for (id, partitions) in still {
            let Some(topic) = topics.get_mut(id) else { continue };
            for partition in partitions {
                let owner = usize::try_from(*partition).ok().and_then(|partition| topic.owners.get_mut(partition));
                if let Some(owner @ None) = owner {
                    *owner = Some(index);
                    grow(sizes, index);
                }
            }
        }
    }
    topics.into_values().collect()
}

fn size(sizes: &[usize], index: usize) -> usize {
    sizes.get(index).copied().unwrap_or(0)
}

fn grow(sizes: &mut [usize], index: usize) {
    if let Some(size) = sizes.get_mut(index) {
        *size += 1;
    }
}

fn shrink(sizes: &mut [usize], index: usize) {
    if let Some(size) = sizes.get_mut(index) {
        *size -= 1;
    }
}

/// Gives the free partitions of a topic to the subscribers that hold least.
fn assign_free(topic: &mut Topic, sizes: &mut [usize]) {
    if topic.owners.iter().all(Option::is_some) {
        return;
    }
    let mut by_size: BTreeSet<(usize, usize)> =
        topic.subscribers.iter().map(|index| (size(sizes, *index), *index)).collect();
    for owner in topic.owners.iter_mut().filter(|owner| owner.is_none()) {
        let Some((held, index)) = by_size.pop_first() else { return };
        *owner = Some(index);
        grow(sizes, index);
        by_size.insert((held + 1, index));
    }
}

/// Moves a topic's partitions from the fullest of its subscribers to the emptiest; whether any moved.
fn balance(topic: &mut Topic, sizes: &mut [usize]) -> bool {
    let held = topic.subscribers.iter().map(|index| size(sizes, *index));
    let Some((least, most)) = held.clone().min().zip(held.max()) else { return false };
    if most - least <= 1 {
        return false;
    }
    let mut owned: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (partition, owner) in topic.owners.iter().enumerate() {
        if let Some(owner) = owner {
            owned.entry(*owner).or_default().push(partition);
        }
    }
    let mut takers: BTreeSet<(usize, usize)> =
        topic.subscribers.iter().map(|index| (size(sizes, *index), *index)).collect();
    let mut givers: BTreeSet<(usize, usize)> = owned.keys().map(|index| (size(sizes, *index), *index)).collect();
    let mut moved = false;
    while let (Some((most, giver)), Some((least, taker))) = (givers.pop_last(), takers.first().copied()) {
        if most <= least + 1 {
            break;
        }
        let Some(partition) = owned.get_mut(&giver).and_then(Vec::pop) else { continue };
        if let Some(owner) = topic.owners.get_mut(partition) {
            *owner = Some(taker);
        }
        takers.remove(&(least, taker));
        takers.insert((least + 1, taker));
        takers.remove(&(most, giver));
        takers.insert((most - 1, giver));
        if givers.remove(&(least, taker)) {
            givers.insert((least + 1, taker));
        }
        givers.insert((most - 1, giver));
        grow(sizes, taker);
        shrink(sizes, giver);
        moved = true;
    }
    moved
}
