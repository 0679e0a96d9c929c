//! Invariants of the assignors over generated groups, and cases by hand.

use std::collections::{BTreeMap, BTreeSet};

use corelog_protocol::Uuid;
use proptest::prelude::*;

use super::{Assignor, GroupSpec, MemberSpec};
use crate::groups::consumer::assignment::{Assignment, partition_count};

fn topic(number: u8) -> Uuid {
    Uuid([number + 1; 16])
}

/// A group that can be changed and assigned again.
#[derive(Clone, Debug)]
struct Group {
    counts: BTreeMap<Uuid, i32>,
    members: BTreeMap<String, (Option<String>, BTreeSet<Uuid>, Assignment)>,
}

impl Group {
    fn new(counts: &[i32]) -> Group {
        let counts = counts.iter().zip(0..).map(|(count, number)| (topic(number), *count)).collect();
        Group { counts, members: BTreeMap::new() }
    }

    fn join(&mut self, id: &str, topics: &[u8]) {
        let topics = topics.iter().map(|number| topic(*number)).filter(|id| self.counts.contains_key(id)).collect();
        self.members.insert(id.to_owned(), (None, topics, Assignment::new()));
    }

    fn assign(&mut self, assignor: Assignor) {
        let members = self.members.iter().map(|(id, (instance, topics, assigned))| MemberSpec {
            id,
            instance_id: instance.as_deref(),
            topics,
            assigned,
        });
        let spec = GroupSpec { members: members.collect(), partition_counts: self.counts.clone() };
        let targets = assignor.assign(&spec);
        assert_eq!(targets.len(), self.members.len());
        for (member, target) in self.members.values_mut().zip(targets) {
            member.2 = target;
        }
    }

    /// Every partition that anybody subscribes to has one owner, who subscribes to it.
    fn check_complete(&self) {
        let mut owners: BTreeMap<(Uuid, i32), &str> = BTreeMap::new();
        for (id, (_, topics, assigned)) in &self.members {
            for (topic, partitions) in assigned {
                assert!(topics.contains(topic) && !partitions.is_empty());
                for partition in partitions {
                    assert_eq!(owners.insert((*topic, *partition), id), None, "two owners");
                }
            }
        }
        let subscribed: BTreeSet<Uuid> = self.members.values().flat_map(|(_, topics, _)| topics.clone()).collect();
        let wanted: i32 = subscribed.iter().map(|topic| self.counts[topic]).sum();
        assert_eq!(owners.len(), usize::try_from(wanted).unwrap());
    }

    fn sizes(&self) -> Vec<usize> {
        self.members.values().map(|(_, _, assigned)| partition_count(assigned)).collect()
    }

    fn owned(&self) -> BTreeSet<(Uuid, i32, String)> {
        let of = |(id, (_, _, assigned)): (&String, &(_, _, Assignment))| {
            let id = id.clone();
            let pairs = assigned
                .clone()
                .into_iter()
                .flat_map(|(topic, parts)| parts.into_iter().map(move |part| (topic, part)));
            pairs.map(move |(topic, part)| (topic, part, id.clone())).collect::<Vec<_>>()
        };
        self.members.iter().flat_map(of).collect()
    }

    fn homogeneous(&self) -> bool {
        let mut topics = self.members.values().map(|(_, topics, _)| topics);
        let first = topics.next();
        topics.all(|topics| Some(topics) == first)
    }

    /// No single move makes two members more even.
    fn check_balanced(&self) {
        for (_, _, assigned) in self.members.values() {
            for topic in assigned.keys() {
                for (_, topics, others) in self.members.values() {
                    if topics.contains(topic) {
                        assert!(partition_count(assigned) <= partition_count(others) + 1, "{self:?}");
                    }
                }
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Change {
    Join(u8, Vec<u8>),
    Leave(u8),
    Grow(u8, i32),
}

fn changes(mixed: bool) -> impl Strategy<Value = Vec<Change>> {
    let topics =
        if mixed { proptest::collection::vec(0u8..6, 1..5).boxed() } else { Just(vec![0, 1, 2, 3, 4, 5]).boxed() };
    let change = prop_oneof![
        3 => (0u8..12, topics).prop_map(|(member, topics)| Change::Join(member, topics)),
        2 => (0u8..12).prop_map(Change::Leave),
        1 => (0u8..6, 1i32..8).prop_map(|(topic, more)| Change::Grow(topic, more)),
    ];
    proptest::collection::vec(change, 1..30)
}

fn run(counts: &[i32], changes: Vec<Change>, assignor: Assignor) {
    let mut group = Group::new(counts);
    for change in changes {
        match change {
            Change::Join(member, topics) => {
                let id = format!("m{member:02}");
                let old = group.members.get(&id).map(|member| member.2.clone()).unwrap_or_default();
                group.join(&id, &topics);
                group.members.get_mut(&id).unwrap().2 = old;
            }
            Change::Leave(member) => drop(group.members.remove(&format!("m{member:02}"))),
            Change::Grow(number, more) => {
                if let Some(count) = group.counts.get_mut(&topic(number)) {
                    *count += more;
                }
            }
        }
        group.assign(assignor);
        group.check_complete();
        if assignor == Assignor::Range {
            continue;
        }
        if group.homogeneous() {
            let sizes = group.sizes();
            assert!(sizes.iter().max().unwrap_or(&0) - sizes.iter().min().unwrap_or(&0) <= 1);
        }
        group.check_balanced();
        let before = group.owned();
        group.assign(assignor);
        assert_eq!(before, group.owned(), "nothing moves without a reason");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn uniform_keeps_its_invariants(counts in proptest::collection::vec(1i32..12, 1..6), changes in changes(false)) {
        run(&counts, changes, Assignor::Uniform);
    }

    #[test]
    fn uniform_keeps_its_invariants_with_mixed_subscriptions(counts in proptest::collection::vec(1i32..12, 1..6), changes in changes(true)) {
        run(&counts, changes, Assignor::Uniform);
    }

    #[test]
    fn range_keeps_its_invariants(counts in proptest::collection::vec(1i32..12, 1..6), changes in changes(true)) {
        run(&counts, changes, Assignor::Range);
    }
}

#[test]
fn one_that_joins_or_leaves_moves_no_more_than_its_share() {
    let mut group = Group::new(&[12, 7, 30]);
    for member in ["a", "b", "c", "d", "e"] {
        group.join(member, &[0, 1, 2]);
        group.assign(Assignor::Uniform);
    }
    let before = group.owned();
    group.join("f", &[0, 1, 2]);
    group.assign(Assignor::Uniform);
    let share = partition_count(&group.members["f"].2);
    assert_eq!(before.difference(&group.owned()).count(), share);

    let before = group.owned();
    group.members.remove("c");
    group.assign(Assignor::Uniform);
    let moved: Vec<_> = before.difference(&group.owned()).cloned().collect();
    assert!(moved.iter().all(|(_, _, owner)| owner == "c"), "only the leaver's partitions move: {moved:?}");
}

#[test]
fn range_cuts_topics_alike_and_static_members_keep_their_ranges() {
    let mut group = Group::new(&[5, 5]);
    for (id, instance) in [("x", Some("1")), ("a", Some("2")), ("b", None)] {
        group.join(id, &[0, 1]);
        group.members.get_mut(id).unwrap().0 = instance.map(str::to_owned);
    }
    group.assign(Assignor::Range);
    let ranges =
        |id: &str| group.members[id].2.values().map(|parts| parts.iter().copied().collect()).collect::<Vec<Vec<i32>>>();
    assert_eq!(ranges("x"), [[0, 1], [0, 1]]);
    assert_eq!(ranges("a"), [[2, 3], [2, 3]]);
    assert_eq!(ranges("b"), [[4], [4]]);
}

#[test]
fn members_without_topics_get_nothing() {
    for assignor in [Assignor::Uniform, Assignor::Range] {
        let mut group = Group::new(&[3]);
        group.join("a", &[]);
        group.assign(assignor);
        assert_eq!(group.sizes(), [0]);
        group.join("b", &[0]);
        group.assign(assignor);
        assert_eq!(group.sizes(), [0, 3]);
    }
}
