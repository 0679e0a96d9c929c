//! Owns the assignors that the broker runs for consumer groups: `uniform` and `range` (KIP-848).
//!
//! Pure functions from members, subscriptions and the last target to the next target; the coordinator's shard calls them when a
//! group's epoch has grown. They read no clock and keep nothing. Neither looks at racks: those of Kafka 4.3 do not either, a
//! change of racks only makes the group compute its target anew.

mod assignor;
mod balance;
mod range;
mod spec;
mod uniform;
mod uniform_mixed;

pub use assignor::Assignor;
pub use spec::{GroupSpec, MemberSpec};

#[cfg(test)]
mod tests;
