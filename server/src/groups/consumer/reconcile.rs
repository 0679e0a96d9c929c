//! Owns the steps by which a member goes from what it holds to what its target gives it (KIP-848).
//!
//! Pure: from a position, a target and what the member says that it owns, to the next position. A partition is given to a member only
//! when nobody else holds it, and counts as held until its holder says that it let go of it.

use std::collections::{BTreeMap, BTreeSet};

use corelog_protocol::Uuid;

use super::assignment::{Assignment, Holding, holds};
use super::member::{MemberPosition, MemberState};

/// Where a member shall go, and what is known of the way.
pub struct Goal<'a> {
    /// The epoch of the target.
    pub target_epoch: i32,
    /// The member's part of the target.
    pub target: &'a Assignment,
    /// The topics it subscribes to now; what the target says of others does not count.
    pub subscribed: &'a BTreeSet<Uuid>,
    /// Whether its subscription has just changed: then what it no longer subscribes to goes at once.
    pub subscription_changed: bool,
    /// What it says that it owns; `None` where it did not say.
    pub owned: Option<&'a Assignment>,
    /// Whether any member holds a partition.
    pub is_held: &'a dyn Fn(Uuid, i32) -> bool,
}

/// The member is in a state that this version does not know: it must give up everything and join again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownState;

/// The next position; the same one where the member cannot move on.
///
/// # Errors
/// When the member is in an unknown state and still owns something.
pub fn next_position(position: &MemberPosition, goal: &Goal<'_>) -> Result<MemberPosition, UnknownState> {
    match position.state {
        MemberState::Stable if position.epoch != goal.target_epoch => {
            Ok(towards_target(position, position.epoch, goal))
        }
        MemberState::Stable if goal.subscription_changed => Ok(without_unsubscribed(position, goal)),
        MemberState::Stable => Ok(position.clone()),
        MemberState::UnrevokedPartitions if owns_any(goal, &position.revoking) => {
            if goal.subscription_changed {
                Ok(without_unsubscribed(position, goal))
            } else {
                Ok(position.clone())
            }
        }
        MemberState::UnrevokedPartitions | MemberState::UnreleasedPartitions => {
            Ok(towards_target(position, position.epoch, goal))
        }
        MemberState::Unknown if goal.owned.is_some_and(BTreeMap::is_empty) => {
            Ok(towards_target(position, goal.target_epoch, goal))
        }
        MemberState::Unknown => Err(UnknownState),
    }
}

/// Whether the member may own some of these partitions: it says so, or says nothing.
fn owns_any(goal: &Goal<'_>, partitions: &Holding) -> bool {
    let Some(owned) = goal.owned else { return true };
    owned.iter().any(|(topic, owned)| owned.iter().any(|partition| holds(partitions, *topic, *partition)))
}

/// Takes away what the member no longer subscribes to, without looking at the target.
fn without_unsubscribed(position: &MemberPosition, goal: &Goal<'_>) -> MemberPosition {
    let (assigned, dropped): (Holding, Holding) =
        position.assigned.clone().into_iter().partition(|(topic, _)| goal.subscribed.contains(topic));
    if dropped.is_empty() {
        return position.clone();
    }
    let mut revoking = position.revoking.clone();
    for (topic, partitions) in dropped {
        revoking.entry(topic).or_default().extend(partitions);
    }
    if owns_any(goal, &revoking) {
        let state = MemberState::UnrevokedPartitions;
        return MemberPosition { state, assigned, revoking, ..position.clone() };
    }
    MemberPosition { assigned, ..position.clone() }
}

/// One step towards the target: first the member gives up what is not its own any more, then it gets what is free.
fn towards_target(position: &MemberPosition, epoch: i32, goal: &Goal<'_>) -> MemberPosition {
    let split = split(position, goal);
    if !split.revoking.is_empty() && owns_any(goal, &split.revoking) {
        let next = MemberPosition {
            state: MemberState::UnrevokedPartitions,
            assigned: split.kept,
            revoking: split.revoking,
            ..position.clone()
        };
        return next.in_epoch(epoch);
    }
    let mut assigned = split.kept;
    for (topic, partitions) in split.granted {
        let since = partitions.into_iter().map(|partition| (partition, goal.target_epoch));
        assigned.entry(topic).or_default().extend(since);
    }
    let state = if split.waits { MemberState::UnreleasedPartitions } else { MemberState::Stable };
    let next = MemberPosition { state, assigned, revoking: Holding::new(), ..position.clone() };
    next.in_epoch(goal.target_epoch)
}

/// What becomes of each partition that a member holds or shall hold.
#[derive(Default)]
struct Split {
    kept: Holding,
    revoking: Holding,
    granted: Assignment,
    /// Whether others still hold what the member shall have.
    waits: bool,
}

fn split(position: &MemberPosition, goal: &Goal<'_>) -> Split {
    let mut split = Split::default();
    let targeted = |topic: &Uuid, partition: &i32| {
        goal.subscribed.contains(topic) && goal.target.get(topic).is_some_and(|target| target.contains(partition))
    };
    for (topic, partitions) in &position.assigned {
        for (partition, epoch) in partitions {
            let place = if targeted(topic, partition) { &mut split.kept } else { &mut split.revoking };
            place.entry(*topic).or_default().insert(*partition, *epoch);
        }
    }
    for (topic, partitions) in goal.target.iter().filter(|(topic, _)| goal.subscribed.contains(topic)) {
        for partition in partitions.iter().filter(|partition| !holds(&position.assigned, *topic, **partition)) {
            // What the member itself still gives up is nobody else's.
            if (goal.is_held)(*topic, *partition) && !holds(&position.revoking, *topic, *partition) {
                split.waits = true;
            } else {
                split.granted.entry(*topic).or_default().insert(*partition);
            }
        }
    }
    split
}
