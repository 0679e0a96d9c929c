//! Owns the assignors that the broker runs for consumer groups: `uniform` and `range` (KIP-848).
//!
//! Pure functions from members, subscriptions and the last target to the next target; the coordinator's shard calls them when a
//! group's epoch has grown. They read no clock and keep nothing. Neither looks at racks: those of Kafka 4.3 do not either, a
//! change of racks only makes the group compute its target anew.

mod range;
mod uniform;
mod uniform_mixed;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use corelog_protocol::Uuid;

use super::assignment::Assignment;

/// One of the assignors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignor {
    /// As even as subscriptions allow, moving as little as possible.
    Uniform,
    /// Ranges of each topic's partitions, so that topics with equal counts are split alike.
    Range,
}

impl Assignor {
    /// The assignor of this name, as `group.consumer.assignors` and clients give it.
    pub fn named(name: &str) -> Option<Assignor> {
        match name {
            "uniform" => Some(Assignor::Uniform),
            "range" => Some(Assignor::Range),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Assignor::Uniform => "uniform",
            Assignor::Range => "range",
        }
    }

    /// The next target: one assignment for each member, in the order of the members.
    pub fn assign(self, group: &GroupSpec<'_>) -> Vec<Assignment> {
        if group.members.is_empty() {
            return Vec::new();
        }
        match self {
            Assignor::Range => range::assign(group),
            Assignor::Uniform if group.is_homogeneous() => uniform::assign(group),
            Assignor::Uniform => uniform_mixed::assign(group),
        }
    }
}

/// A member, as an assignor sees it.
#[derive(Clone, Copy, Debug)]
pub struct MemberSpec<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its instance id, where it is static.
    pub instance_id: Option<&'a str>,
    /// The topics it subscribes to; those that do not exist are left out.
    pub topics: &'a BTreeSet<Uuid>,
    /// Its part of the last target.
    pub assigned: &'a Assignment,
}

/// A group, as an assignor sees it.
#[derive(Debug)]
pub struct GroupSpec<'a> {
    /// The members, in the order of their ids.
    pub members: Vec<MemberSpec<'a>>,
    /// How many partitions each subscribed topic has.
    pub partition_counts: BTreeMap<Uuid, i32>,
}

impl GroupSpec<'_> {
    /// Whether all members subscribe to the same topics.
    pub fn is_homogeneous(&self) -> bool {
        let [first, rest @ ..] = self.members.as_slice() else { return true };
        rest.iter().all(|member| std::ptr::eq(member.topics, first.topics) || member.topics == first.topics)
    }

    /// How many partitions a topic has; 0 where it does not exist.
    fn partition_count(&self, topic: Uuid) -> usize {
        self.partition_counts.get(&topic).map_or(0, |count| usize::try_from(*count).unwrap_or(0))
    }
}

/// The number of a partition, as clients give it.
fn partition_number(index: usize) -> i32 {
    i32::try_from(index).expect("a topic has fewer partitions than i32 counts")
}
