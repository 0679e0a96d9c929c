//! Owns the group's target: when its epoch grows, when the target is computed anew, and how a member goes towards it.
//!
//! On the shard that owns the group, within a request. The target follows the epoch at once, but not more often than
//! `consumer.assignment.interval.ms` (KIP-1263): a request that comes too early leaves it to the next one.

use std::collections::{BTreeMap, BTreeSet};

use corelog_protocol::{Text, Uuid};

use super::assignment::Assignment;
use super::assignors::{GroupSpec, MemberSpec};
use super::group::ConsumerGroup;
use super::member::MemberState;
use super::pattern::ResolutionRequest;
use super::pattern::Resolved;
use super::reconcile::{Goal, next_position};
use super::replay::{Changes, Part};
use super::step::{Context, Step};
use super::topology::{Topology, metadata_hash};

/// Milliseconds between two resolutions of a group's patterns at least.
const RESOLUTION_INTERVAL_MS_MIN: i64 = 10_000;
/// Milliseconds after which a resolution that never ended is asked for again.
const RESOLUTION_MS_MAX: i64 = 60_000;

impl ConsumerGroup {
    /// Bumps the epoch if it must, or if the topics are no longer what they were.
    pub(super) fn update_epoch(&mut self, changes: &mut Changes, bump: bool, context: &Context<'_>) {
        let revision = context.topology.revision();
        if !bump && self.revision_checked == Some(revision) {
            return;
        }
        let hash = metadata_hash(&self.subscribed_names(), context.topology);
        self.revision_checked = Some(revision);
        if bump || hash != self.metadata_hash {
            self.change(changes, Part::Epoch(Some((self.epoch.saturating_add(1), hash))));
        }
        if self.has_partition_metadata {
            self.change(changes, Part::PartitionMetadata(false));
        }
    }

    /// Computes the target anew if it is older than the group, and not too young.
    pub(super) fn update_target(&mut self, changes: &mut Changes, context: &Context<'_>) {
        let interval_ms = i64::from(context.settings.assignment_interval_ms);
        let ready = self.target_timestamp_ms == 0 || context.now_ms >= self.target_timestamp_ms + interval_ms;
        if self.epoch <= self.target_epoch || !(ready || interval_ms == 0) {
            return;
        }
        let targets = self.compute_targets(context);
        for (id, target) in targets {
            if self.targets.get(id.as_str()) != Some(&target) {
                self.change(changes, Part::Target(id, Some(target)));
            }
        }
        self.change(changes, Part::TargetEpoch(Some((self.epoch, context.now_ms))));
    }

    fn compute_targets(&self, context: &Context<'_>) -> Vec<(Text, Assignment)> {
        // Most members subscribe alike: each subscription is looked up once.
        let mut places: BTreeMap<(&BTreeSet<Text>, Option<&Text>), usize> = BTreeMap::new();
        let mut subscriptions: Vec<BTreeSet<Uuid>> = Vec::new();
        let mut place_of = Vec::with_capacity(self.members.len());
        for member in self.members.values() {
            let place = *places.entry((&member.facts.topics, member.facts.pattern())).or_insert_with(|| {
                subscriptions.push(self.subscribed_ids(&member.facts, context.topology));
                subscriptions.len() - 1
            });
            place_of.push(place);
        }
        let ids: BTreeSet<Uuid> = subscriptions.iter().flatten().copied().collect();
        let count = |id: Uuid| context.topology.by_id(id).map_or(0, |topic| topic.partition_count);
        let partition_counts = ids.into_iter().map(|id| (id, count(id))).collect();
        let (nothing, no_topics) = (Assignment::new(), BTreeSet::new());
        let members = self.members.iter().zip(place_of).map(|((id, member), place)| MemberSpec {
            id,
            instance_id: member.facts.instance_id.as_deref(),
            topics: subscriptions.get(place).unwrap_or(&no_topics),
            assigned: self.targets.get(id.as_str()).unwrap_or(&nothing),
        });
        let spec = GroupSpec { members: members.collect(), partition_counts };
        let targets = self.assignor(context.settings).assign(&spec);
        self.members.keys().cloned().zip(targets).collect()
    }

    /// Takes a member one step towards the target.
    pub(super) fn reconcile(
        &mut self,
        changes: &mut Changes,
        id: &Text,
        owned: Option<&Assignment>,
        subscription_changed: bool,
        context: &Context<'_>,
    ) {
        let Some(member) = self.members.get(id.as_str()) else { return };
        if !subscription_changed && member.is_reconciled_to(self.target_epoch) {
            return;
        }
        let nothing = Assignment::new();
        let goal = Goal {
            target_epoch: self.target_epoch,
            target: self.targets.get(id.as_str()).unwrap_or(&nothing),
            subscribed: &self.subscribed_ids(&member.facts, context.topology),
            subscription_changed,
            owned,
            is_held: &|topic, partition| self.is_held(topic, partition),
        };
        // An unknown state was refused before anything changed.
        let Ok(next) = next_position(&member.position, &goal) else { return };
        if next == member.position {
            return;
        }
        let rebalance_ms = i64::from(member.facts.rebalance_timeout_ms.max(0));
        let revokes = !member.is_classic() && next.state == MemberState::UnrevokedPartitions;
        let until = revokes.then(|| (context.ticks_ms.saturating_add(rebalance_ms), next.epoch));
        self.change(changes, Part::Position(id.clone(), Some(next)));
        if let Some(member) = self.members.get_mut(id.as_str()) {
            member.deadlines.rebalance_ms = until;
        }
    }

    /// A sign of life.
    pub(super) fn keep_session(&mut self, id: &Text, timeout_ms: i32, now_ms: i64) {
        if let Some(member) = self.members.get_mut(id.as_str()) {
            member.deadlines.session_ms = Some(now_ms.saturating_add(i64::from(timeout_ms.max(0))));
        }
    }

    /// What is to be resolved now, if anything: patterns without topics, patterns that new topics may match, or topics that were
    /// found long ago.
    pub(super) fn wants_resolution(&mut self, context: &Context<'_>) -> Option<ResolutionRequest> {
        if self.pattern_counts.is_empty() || self.resolving_until_ms.is_some_and(|until_ms| context.ticks_ms < until_ms)
        {
            return None;
        }
        let last_ms = self.patterns.values().map(|resolved| resolved.timestamp_ms).max();
        if last_ms.is_some_and(|last_ms| context.now_ms <= last_ms.saturating_add(RESOLUTION_INTERVAL_MS_MIN)) {
            return None;
        }
        let revision = context.topology.revision();
        let unresolved = self.pattern_counts.keys().any(|pattern| !self.patterns.contains_key(pattern.as_str()));
        let outdated = self.patterns.values().any(|resolved| resolved.revision != revision);
        let refresh_ms = context.settings.regex_refresh_interval_ms;
        let old = last_ms.is_some_and(|last_ms| context.now_ms > last_ms.saturating_add(refresh_ms));
        if !(unresolved || outdated || old) {
            return None;
        }
        self.resolving_until_ms = Some(context.ticks_ms.saturating_add(RESOLUTION_MS_MAX));
        Some(ResolutionRequest { patterns: self.pattern_counts.keys().cloned().collect(), revision })
    }

    /// Takes in the topics that patterns were found to match.
    pub fn resolved(&mut self, resolved: Resolved, topology: &dyn Topology, now_ms: i64) -> Step<()> {
        let mut changes = Changes::default();
        self.resolving_until_ms = None;
        let mut bump = false;
        for (pattern, topics) in resolved.topics {
            if self.subscriber_count(&pattern) == 0 {
                continue;
            }
            let old = self.patterns.get(pattern.as_str());
            bump |= !old.map_or(topics.is_empty(), |old| old.topics == topics);
            let found = super::group::ResolvedPattern { topics, revision: resolved.revision, timestamp_ms: now_ms };
            self.change(&mut changes, Part::Pattern(pattern, Some(found)));
        }
        if self.members.is_empty() {
            return Step::new((), changes);
        }
        let hash = metadata_hash(&self.subscribed_names(), topology);
        if bump || hash != self.metadata_hash {
            self.change(&mut changes, Part::Epoch(Some((self.epoch.saturating_add(1), hash))));
        }
        Step::new((), changes)
    }
}
