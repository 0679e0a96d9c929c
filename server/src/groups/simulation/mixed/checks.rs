//! Owns what must hold of owners, and of the log.

use std::collections::{BTreeMap, BTreeSet};

use corelog_protocol::{Text, Uuid};

use super::client::Client;
use super::world::World;
use crate::groups::classic::{ClassicGroup, ClassicState};
use crate::groups::consumer::ConsumerGroup;
use crate::groups::consumer::assignment::holds;
use crate::groups::coordinator::Coordinator;
use crate::groups::group::Group;

impl World {
    /// What holds after every event.
    pub fn check(&self) {
        if let Some(Group::Consumer(group)) = self.coordinator.group(&self.group) {
            check_holders(group);
            // The classic protocol knows topics by their names: what a member has of a former one is nobody's.
            let alive: BTreeSet<Uuid> = self.topics.all().map(|(_, id, _)| id).collect();
            self.clients.iter().for_each(|client| check_belief(group, client, &alive));
        }
        let mut owners = BTreeMap::new();
        for client in self.clients.iter().filter(|client| self.is_counted_in(client)) {
            for (topic, partitions) in &client.owned {
                for partition in partitions {
                    let before = owners.insert((*topic, *partition), client);
                    assert!(before.is_none(), "{partition} of {topic:?} is {before:?}'s and {client:?}'s");
                }
            }
        }
        self.check_offsets();
    }

    /// Whether the group still counts the member in, with what it owns; one that it does not is told so at its next request.
    pub fn is_counted_in(&self, client: &Client) -> bool {
        match self.coordinator.group(&self.group) {
            None => false,
            Some(Group::Classic(group)) => {
                client.is_classic
                    && group.members().contains_key(&client.id)
                    && group.generation() == client.epoch
                    && client.owned_epoch == client.epoch
            }
            Some(Group::Consumer(group)) => is_known(group, client),
        }
    }

    /// What the log gives is what the coordinator has, but for classic members in a rebalance.
    pub fn check_replay(&self) {
        let replayed = self.replayed();
        let ids =
            |coordinator: &Coordinator| coordinator.entries_from(None).map(|(id, _)| id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&replayed), ids(&self.coordinator));
        let (Some(stored), Some(entry)) = (replayed.entry(&self.group), self.coordinator.entry(&self.group)) else {
            return;
        };
        assert_eq!(stored.offsets, entry.offsets);
        match (&stored.group, &entry.group) {
            (Group::Consumer(stored), Group::Consumer(group)) => assert_eq!(stored.snapshot(), group.snapshot()),
            (Group::Classic(stored), Group::Classic(group)) => {
                let own = |group: &ClassicGroup| -> Vec<_> {
                    group.members().iter().map(|(id, member)| (id.clone(), member.assignment.clone())).collect()
                };
                if group.state() == ClassicState::Stable {
                    assert_eq!((own(stored), stored.generation()), (own(group), group.generation()));
                } else {
                    assert!(stored.generation() <= group.generation());
                }
            }
            (stored, group) => panic!("the log has {stored:?}, the coordinator {group:?}"),
        }
    }

    /// The log, compacted, holds no more than what is there.
    pub fn check_log(&mut self) {
        self.compact();
        let alive = self.log.iter().filter(|record| record.encode().unwrap().value.is_some()).count();
        let most = match self.coordinator.group(&self.group) {
            None => 0,
            Some(Group::Classic(_)) => 1,
            Some(Group::Consumer(group)) => {
                let patterns = group.members().values().any(|member| member.facts.pattern().is_some());
                3 * group.members().len() + 2 + usize::from(patterns)
            }
        };
        assert!(alive <= most + self.acknowledged.len(), "the log keeps {alive} records: {:?}", self.log);
    }
}

/// No partition has two holders.
fn check_holders(group: &ConsumerGroup) {
    let mut holders: BTreeMap<(Uuid, i32), &Text> = BTreeMap::new();
    for (id, member) in group.members() {
        for holding in [&member.position.assigned, &member.position.revoking] {
            for (topic, partitions) in holding {
                for partition in partitions.keys() {
                    assert!(group.is_held(*topic, *partition));
                    assert_eq!(holders.insert((*topic, *partition), id), None, "two holders of {partition}");
                }
            }
        }
    }
}

/// Whether the group has the member, in its epoch or the one after that, with what it owns.
fn is_known(group: &ConsumerGroup, client: &Client) -> bool {
    let Some(member) = group.members().get(client.id.as_str()) else { return false };
    let position = &member.position;
    let is_current = position.epoch == client.epoch || position.epoch_previous == client.epoch;
    // What a classic member had before it joined the last time is not known of a group that was a classic one then.
    let has_synced = !client.is_classic || client.owned_epoch == client.epoch;
    member.is_classic() == client.is_classic && is_current && has_synced
}

/// What a member that is counted in believes to own is known to the group.
fn check_belief(group: &ConsumerGroup, client: &Client, alive: &BTreeSet<Uuid>) {
    if !is_known(group, client) {
        return;
    }
    let position = &group.members()[client.id.as_str()].position;
    for (topic, partitions) in client.owned.iter().filter(|(topic, _)| alive.contains(topic)) {
        for partition in partitions {
            let is_held =
                [&position.assigned, &position.revoking].iter().any(|holding| holds(holding, *topic, *partition));
            assert!(is_held, "{client:?} owns {partition}, of which the group says {position:?}");
        }
    }
}
