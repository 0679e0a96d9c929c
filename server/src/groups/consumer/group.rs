//! Owns the state of one consumer group: members, epochs, target, and who holds what.
//!
//! State alone; `replay` changes it, and the modules beside this one make the records that it replays. On the shard that owns the
//! group's partition of `__consumer_offsets`; called by its coordinator. It never waits, and reads no clock.

use std::collections::{BTreeMap, BTreeSet};

use corelog_protocol::{Text, Uuid};

use super::assignment::{Assignment, Holding};
use super::assignors::Assignor;
use super::error::ConsumerGroupError;
use super::member::{EPOCH_LEFT, Member, MemberFacts, MemberPosition};
use super::settings::ConsumerSettings;
use super::topology::Topology;

/// The epoch of a group before anything was said to it; later than that of its target, so that its first member gets one.
const EPOCH_FIRST: i32 = 1;

/// What a group is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsumerGroupState {
    /// It has no members.
    Empty,
    /// Its target is older than its epoch.
    Assigning,
    /// Some members are on their way to the target.
    Reconciling,
    /// All members hold what the target gives them.
    Stable,
}

impl ConsumerGroupState {
    /// The name that tools show.
    pub fn name(self) -> &'static str {
        match self {
            ConsumerGroupState::Empty => "Empty",
            ConsumerGroupState::Assigning => "Assigning",
            ConsumerGroupState::Reconciling => "Reconciling",
            ConsumerGroupState::Stable => "Stable",
        }
    }
}

/// The topics that a pattern was found to match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolvedPattern {
    /// The topics.
    pub topics: BTreeSet<Text>,
    /// The revision of the topics at which that was so.
    pub revision: i64,
    /// When it was found, in milliseconds since 1970.
    pub timestamp_ms: i64,
}

impl ResolvedPattern {
    /// Memory that it takes, in bytes, about.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<ResolvedPattern>() + self.topics.iter().map(|name| size_of::<Text>() + name.len()).sum::<usize>()
    }
}

/// A consumer group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsumerGroup {
    pub(super) id: Text,
    pub(super) epoch: i32,
    pub(super) metadata_hash: i64,
    pub(super) target_epoch: i32,
    pub(super) target_timestamp_ms: i64,
    pub(super) members: BTreeMap<Text, Member>,
    pub(super) targets: BTreeMap<Text, Assignment>,
    pub(super) patterns: BTreeMap<Text, ResolvedPattern>,
    /// The members with an instance id.
    pub(super) statics: BTreeMap<Text, Text>,
    /// How many members subscribe by each pattern.
    pub(super) pattern_counts: BTreeMap<Text, usize>,
    /// How many members hold each partition: one, or two for a moment while a log is replayed.
    holders: BTreeMap<Uuid, BTreeMap<i32, u32>>,
    /// Memory of all parts, in bytes, about.
    pub(super) parts_bytes: usize,
    /// Whether the log holds a record of topics that Kafka 4.0 wrote.
    pub(super) has_partition_metadata: bool,
    /// The revision of the topics that the metadata hash was computed at; nothing where it may be out of date.
    pub(super) revision_checked: Option<i64>,
    /// Until when the topics of patterns are being looked for.
    pub(super) resolving_until_ms: Option<i64>,
}

impl ConsumerGroup {
    /// A group without members, in its first epoch.
    pub fn new(id: Text) -> ConsumerGroup {
        ConsumerGroup { id, epoch: EPOCH_FIRST, ..ConsumerGroup::default() }
    }

    /// Its id.
    pub fn id(&self) -> &Text {
        &self.id
    }

    /// Its epoch: it grows with every change of members, subscriptions or topics.
    pub fn epoch(&self) -> i32 {
        self.epoch
    }

    /// The epoch of its target.
    pub fn target_epoch(&self) -> i32 {
        self.target_epoch
    }

    /// Its members, by id.
    pub fn members(&self) -> &BTreeMap<Text, Member> {
        &self.members
    }

    /// What the target gives a member.
    pub fn target_of(&self, member: &str) -> Option<&Assignment> {
        self.targets.get(member)
    }

    /// What it is at.
    pub fn state(&self) -> ConsumerGroupState {
        if self.members.is_empty() {
            ConsumerGroupState::Empty
        } else if self.epoch > self.target_epoch {
            ConsumerGroupState::Assigning
        } else if self.members.values().all(|member| member.is_reconciled_to(self.target_epoch)) {
            ConsumerGroupState::Stable
        } else {
            ConsumerGroupState::Reconciling
        }
    }

    /// Memory that it takes, in bytes, about.
    pub fn memory_bytes(&self) -> usize {
        size_of::<ConsumerGroup>() + self.id.len() + self.parts_bytes
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether nothing is left of it: its records were all taken back.
    pub fn is_gone(&self) -> bool {
        self.members.is_empty() && self.epoch == 0 && self.target_epoch == 0 && self.patterns.is_empty()
    }

    /// Asserts what holds between any two events.
    pub fn check(&self) {
        let members = self.members.values();
        let bytes = members.clone().map(Member::memory_bytes).sum::<usize>()
            + self.targets.values().map(super::replay::target_bytes).sum::<usize>()
            + self.patterns.values().map(ResolvedPattern::memory_bytes).sum::<usize>();
        assert_eq!(bytes, self.parts_bytes, "memory is counted");
        let patterns = members.filter(|member| member.facts.pattern().is_some()).count();
        assert_eq!(patterns, self.pattern_counts.values().sum::<usize>(), "who subscribes by a pattern is counted");
        assert!(self.statics.values().all(|id| self.members.contains_key(id.as_str())), "a static member is a member");
        let counts = self.holders.values().flat_map(BTreeMap::values);
        assert!(counts.clone().all(|count| *count == 1), "a partition has one holder");
    }

    /// The member of this id.
    pub(super) fn member(&self, id: &Text) -> Result<&Member, ConsumerGroupError> {
        let unknown = || ConsumerGroupError::UnknownMember { member: id.clone(), group: self.id.clone() };
        self.members.get(id.as_str()).ok_or_else(unknown)
    }

    /// Whether any member holds a partition.
    pub fn is_held(&self, topic: Uuid, partition: i32) -> bool {
        self.holders.get(&topic).is_some_and(|partitions| partitions.contains_key(&partition))
    }

    /// How many members of the classic protocol there are.
    pub fn classic_count(&self) -> usize {
        self.members.values().filter(|member| member.is_classic()).count()
    }

    /// How many members subscribe by a pattern.
    pub(super) fn subscriber_count(&self, pattern: &str) -> usize {
        self.pattern_counts.get(pattern).copied().unwrap_or(0)
    }

    /// The topics that any member subscribes to, by name or by pattern.
    pub fn subscribed_names(&self) -> BTreeSet<Text> {
        let named = self.members.values().flat_map(|member| &member.facts.topics);
        let resolved = self.pattern_counts.keys().filter_map(|pattern| self.patterns.get(pattern.as_str()));
        named.chain(resolved.flat_map(|resolved| &resolved.topics)).cloned().collect()
    }

    /// Whether any member subscribes to a topic.
    pub fn subscribes_to(&self, topic: &str) -> bool {
        self.members.values().any(|member| {
            let pattern = member.facts.pattern().and_then(|pattern| self.patterns.get(pattern.as_str()));
            member.facts.topics.contains(topic) || pattern.is_some_and(|resolved| resolved.topics.contains(topic))
        })
    }

    /// The topics that a member subscribes to and that exist.
    pub(super) fn subscribed_ids(&self, facts: &MemberFacts, topology: &dyn Topology) -> BTreeSet<Uuid> {
        let matched = facts.pattern().and_then(|pattern| self.patterns.get(pattern.as_str()));
        let names = facts.topics.iter().chain(matched.iter().flat_map(|resolved| &resolved.topics));
        names.filter_map(|name| topology.by_name(name).map(|topic| topic.id)).collect()
    }

    /// The assignor that most members would like, among those that the broker runs; else the first of those.
    pub fn assignor(&self, settings: &ConsumerSettings) -> Assignor {
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for name in self.members.values().filter_map(|member| member.facts.assignor.as_deref()) {
            *votes.entry(name).or_default() += 1;
        }
        let supported = votes.iter().filter_map(|(name, count)| {
            Assignor::named(name)
                .filter(|assignor| settings.assignors.contains(assignor))
                .map(|assignor| (*count, assignor))
        });
        // The earlier of two names where votes are even, as the order of the map has it.
        let preferred = supported.reduce(|best, next| if next.0 > best.0 { next } else { best });
        preferred.map(|(_, assignor)| assignor).or(settings.assignors.first().copied()).unwrap_or(Assignor::Uniform)
    }

    /// The first of all members' deadlines, in milliseconds of the coordinator's clock.
    pub fn first_deadline_ms(&self) -> Option<i64> {
        self.members.values().filter_map(|member| member.deadlines.first_ms()).min()
    }

    pub(super) fn set_facts(&mut self, id: &Text, facts: Option<MemberFacts>) {
        if let Some(old) = self.members.get(id.as_str()).map(|member| &member.facts) {
            if let Some(instance) = &old.instance_id
                && self.statics.get(instance.as_str()) == Some(id)
            {
                self.statics.remove(instance.as_str());
            }
            if let Some(pattern) = old.pattern()
                && let Some(count) = self.pattern_counts.get_mut(pattern.as_str())
            {
                *count -= 1;
                if *count == 0 {
                    self.pattern_counts.remove(pattern.as_str());
                }
            }
        }
        let Some(facts) = facts else {
            self.set_position(id, None);
            self.members.remove(id.as_str());
            return;
        };
        if let Some(pattern) = facts.pattern() {
            *self.pattern_counts.entry(pattern.clone()).or_default() += 1;
        }
        if let Some(instance) = &facts.instance_id {
            self.statics.insert(instance.clone(), id.clone());
        }
        self.members.entry(id.clone()).or_default().facts = facts;
    }

    pub(super) fn set_position(&mut self, id: &Text, position: Option<MemberPosition>) {
        if let Some(position) = position {
            self.count_held(&position, true);
            let old = std::mem::replace(&mut self.members.entry(id.clone()).or_default().position, position);
            self.count_held(&old, false);
        } else if let Some(member) = self.members.get_mut(id.as_str()) {
            let gone = MemberPosition { epoch: EPOCH_LEFT, epoch_previous: EPOCH_LEFT, ..MemberPosition::default() };
            let old = std::mem::replace(&mut member.position, gone);
            self.count_held(&old, false);
        }
    }

    fn count_held(&mut self, position: &MemberPosition, more: bool) {
        for holding in [&position.assigned, &position.revoking] {
            if more { self.add_held(holding) } else { self.remove_held(holding) }
        }
    }

    fn add_held(&mut self, holding: &Holding) {
        for (topic, partitions) in holding {
            let held = self.holders.entry(*topic).or_default();
            for partition in partitions.keys() {
                *held.entry(*partition).or_default() += 1;
            }
        }
    }

    fn remove_held(&mut self, holding: &Holding) {
        for (topic, partitions) in holding {
            let Some(held) = self.holders.get_mut(topic) else { continue };
            for partition in partitions.keys() {
                if let Some(count) = held.get_mut(partition) {
                    *count -= 1;
                    if *count == 0 {
                        held.remove(partition);
                    }
                }
            }
            if held.is_empty() {
                self.holders.remove(topic);
            }
        }
    }
}
