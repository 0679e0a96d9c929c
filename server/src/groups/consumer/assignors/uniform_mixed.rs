//! Owns the `uniform` assignor of groups whose members subscribe to different topics.
//!
//! Pure. Partitions stay where they are while their owner subscribes to their topic; free ones go to the subscribers that hold
//! least, topics with most partitions for each subscriber first; then each topic's partitions move from the fullest to the emptiest of its
//! subscribers until no move makes two of them more even, or the passes are used up. Given members in this order, Kafka's assignor does the
//! same to the last partition.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use corelog_protocol::Uuid;

use super::balance::Balance;
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
        theirs
            .cmp(&ours)
            .then(self.subscribers.len().cmp(&other.subscribers.len()))
            .then_with(|| signed(self.id).cmp(&signed(other.id)))
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
    even_out(&mut topics, &mut sizes);
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
    let Some(mut balance) = Balance::new(&topic.subscribers, sizes) else { return };
    for owner in topic.owners.iter_mut().filter(|owner| owner.is_none()) {
        let Some(emptiest) = balance.next_emptiest(sizes) else { return };
        *owner = Some(emptiest);
        grow(sizes, emptiest);
    }
}

/// Passes over the topics until nothing has moved for a whole pass.
fn even_out(topics: &mut [Topic], sizes: &mut [usize]) {
    let mut moved_last = None;
    for _ in 0..PASS_COUNT_MAX {
        for (index, topic) in topics.iter_mut().enumerate().filter(|(_, topic)| topic.subscribers.len() > 1) {
            if moved_last == Some(index) {
                return;
            }
            if even_out_topic(topic, sizes) || moved_last.is_none() {
                moved_last = Some(index);
            }
        }
    }
}

/// Moves a topic's partitions from the fullest of its subscribers to the emptiest; whether any moved.
fn even_out_topic(topic: &mut Topic, sizes: &mut [usize]) -> bool {
    let Some(mut balance) = Balance::new(&topic.subscribers, sizes) else { return false };
    let mut owned: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (partition, owner) in topic.owners.iter().enumerate() {
        if let Some(owner) = owner {
            owned.entry(*owner).or_default().push(partition);
        }
    }
    let mut moved = false;
    while !balance.is_even() {
        let has_any = |index: usize| owned.get(&index).is_some_and(|owned| !owned.is_empty());
        let Some(giver) = balance.next_fullest(sizes, has_any) else { break };
        let Some(partition) = owned.get_mut(&giver).and_then(Vec::pop) else { break };
        let Some(taker) = balance.next_emptiest(sizes) else { break };
        if balance.is_even() {
            break;
        }
        if let Some(owner) = topic.owners.get_mut(partition) {
            *owner = Some(taker);
        }
        shrink(sizes, giver);
        grow(sizes, taker);
        moved = true;
    }
    moved
}

/// The order in which Kafka has ids: by their halves, as signed numbers.
fn signed(id: Uuid) -> (i64, i64) {
    let whole = u128::from_be_bytes(id.0);
    let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or_default().cast_signed();
    (half(whole >> 64), half(whole))
}
