//! Owns the `range` assignor: each topic's partitions in order, cut into one range for each of its subscribers.
//!
//! Pure. Static members come first, by instance id, then the others by member id: so a member that restarts under its instance id
//! gets its ranges back, and topics of equal size that all subscribe to are cut alike.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use corelog_protocol::Uuid;

use super::spec::{GroupSpec, MemberSpec, partition_number};
use crate::groups::consumer::assignment::Assignment;

/// Where the cutting of one topic stands.
struct Cut {
    partitions: usize,
    subscribers: usize,
    served: usize,
    next: usize,
}

impl Cut {
    /// The next subscriber's range: the first ones get one partition more where the count does not divide.
    fn next(&mut self) -> std::ops::Range<usize> {
        let extra = usize::from(self.served < self.partitions % self.subscribers);
        let start = self.next;
        self.next = (start + self.partitions / self.subscribers + extra).min(self.partitions);
        self.served += 1;
        start..self.next
    }
}

/// The next target, in the order of the members.
pub(super) fn assign(group: &GroupSpec<'_>) -> Vec<Assignment> {
    let mut cuts: BTreeMap<Uuid, Cut> = BTreeMap::new();
    for member in &group.members {
        for topic in member.topics {
            let partitions = group.partition_count(*topic);
            let cut = cuts.entry(*topic).or_insert(Cut { partitions, subscribers: 0, served: 0, next: 0 });
            cut.subscribers += 1;
        }
    }
    let mut ordered: Vec<(usize, &MemberSpec<'_>)> = group.members.iter().enumerate().collect();
    ordered.sort_by(|(_, one), (_, other)| by_instance_then_id(one, other));
    let mut targets = vec![Assignment::new(); group.members.len()];
    for (index, member) in ordered {
        let Some(target) = targets.get_mut(index) else { continue };
        for topic in member.topics {
            let Some(cut) = cuts.get_mut(topic) else { continue };
            let range = cut.next();
            if !range.is_empty() {
                target.insert(*topic, range.map(partition_number).collect());
            }
        }
    }
    targets
}

fn by_instance_then_id(one: &MemberSpec<'_>, other: &MemberSpec<'_>) -> Ordering {
    match (one.instance_id, other.instance_id) {
        (Some(one), Some(other)) => one.cmp(other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => one.id.cmp(other.id),
    }
}
