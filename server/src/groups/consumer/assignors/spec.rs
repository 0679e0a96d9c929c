//! Owns what an assignor is told of a group: its members, what they subscribe to, and the last target.
//!
//! Pure; on the coordinator's shard, made by a consumer group for one target. It never changes the group.

use std::collections::{BTreeMap, BTreeSet};

use corelog_protocol::Uuid;

use crate::groups::consumer::assignment::Assignment;

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
    pub(super) fn partition_count(&self, topic: Uuid) -> usize {
        self.partition_counts.get(&topic).map_or(0, |count| usize::try_from(*count).unwrap_or(0))
    }
}

/// The number of a partition, as clients give it.
pub(super) fn partition_number(index: usize) -> i32 {
    i32::try_from(index).expect("a topic has fewer partitions than i32 counts")
}
