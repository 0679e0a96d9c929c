//! Owns the names of the assignors, and which of them computes a target.
//!
//! Pure; on the coordinator's shard, called by a consumer group. It keeps nothing between targets.

use super::spec::GroupSpec;
use super::{range, uniform, uniform_mixed};
use crate::groups::consumer::assignment::Assignment;

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
