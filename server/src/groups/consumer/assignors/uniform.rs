//! Owns the `uniform` assignor of groups whose members all subscribe to the same topics.
//!
//! Pure. Every member ends with the same number of partitions, or one more. What a member holds already stays with it as far as
//! its quota reaches; the larger quotas go to members that hold that much, the first ones by their ids, and what is left of them to the
//! last ones. Given members and topics in this order, Kafka's assignor does the same to the last partition.

use std::collections::BTreeMap;

use corelog_protocol::Uuid;

use super::spec::{GroupSpec, MemberSpec, partition_number};
use crate::groups::consumer::assignment::Assignment;

/// The next target, in the order of the members.
pub(super) fn assign(group: &GroupSpec<'_>) -> Vec<Assignment> {
    let Some(first) = group.members.first() else { return Vec::new() };
    let mut taken: BTreeMap<Uuid, Vec<bool>> =
        first.topics.iter().map(|topic| (*topic, vec![false; group.partition_count(*topic)])).collect();
    let total: usize = taken.values().map(Vec::len).sum();
    let member_count = group.members.len();
    let mut quotas = Quotas { quota: total / member_count, extras: total % member_count, members_left: member_count };
    let mut released = Vec::new();
    let mut targets = Vec::with_capacity(member_count);
    for member in &group.members {
        targets.push(keep(member, &mut quotas, &mut taken, &mut released));
    }
    let unassigned = taken.iter().flat_map(|(topic, taken)| {
        let free = taken.iter().enumerate().filter(|(_, taken)| !**taken);
        free.map(|(index, _)| (*topic, partition_number(index)))
    });
    let mut unassigned = unassigned.chain(released);
    let fill = |(mut target, missing): (Assignment, usize)| {
        for (topic, partition) in unassigned.by_ref().take(missing) {
            target.entry(topic).or_default().insert(partition);
        }
        target
    };
    targets.into_iter().map(fill).collect()
}

/// How much members may hold that are still to be looked at.
struct Quotas {
    quota: usize,
    /// How many of them get one partition more.
    extras: usize,
    members_left: usize,
}

/// What a member keeps of what it holds, and how much it lacks. What is beyond its quota is released.
fn keep(
    member: &MemberSpec<'_>,
    quotas: &mut Quotas,
    taken: &mut BTreeMap<Uuid, Vec<bool>>,
    released: &mut Vec<(Uuid, i32)>,
) -> (Assignment, usize) {
    let mut with_extra = quotas.extras > 0;
    let mut left = quotas.quota + usize::from(with_extra);
    let mut kept = Assignment::new();
    for (topic, partitions) in member.assigned {
        for partition in partitions {
            let mark = taken.get_mut(topic).and_then(|marks| marks.get_mut(usize::try_from(*partition).ok()?));
            // It does not exist any more, or another holds it.
            let Some(mark @ false) = mark else { continue };
            *mark = true;
            if left > 0 {
                left -= 1;
                kept.entry(*topic).or_default().insert(*partition);
            } else {
                released.push((*topic, *partition));
            }
        }
    }
    // Who does not hold one partition more leaves it to others, while there are enough of them.
    if left > 0 && with_extra && quotas.members_left > quotas.extras {
        left -= 1;
        with_extra = false;
    }
    quotas.extras -= usize::from(with_extra);
    quotas.members_left -= 1;
    (kept, left)
}
