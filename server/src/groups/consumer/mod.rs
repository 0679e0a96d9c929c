//! Groups of the consumer protocol (KIP-848): the broker decides which member gets which partition, and members follow step by step.
//!
//! State machines without I/O: a request, the time and a view of the topics go in; records, an answer and a time to come again come
//! out. Replaying the records rebuilds the group. On the shard that owns the group's partition of `__consumer_offsets`, called by the
//! coordinator of that partition alone; nothing here waits, reads a clock or touches a log.

pub mod assignment;
pub mod assignors;
mod check;
mod classic_member;
mod describe;
pub mod embedded;
mod error;
mod group;
mod heartbeat;
mod leave;
mod member;
mod migration;
mod pattern;
mod re2;
mod reconcile;
mod replay;
mod settings;
mod step;
mod target;
mod topology;

#[cfg(test)]
pub(super) mod tests;

pub use check::check_heartbeat;
pub use classic_member::LeavingMember;
pub use describe::{CommitClaim, CommitScope};
pub use error::ConsumerGroupError;
pub use group::{ConsumerGroup, ConsumerGroupState};
pub use member::Member;
pub use migration::{ClassicGroupFacts, ClassicMemberFacts};
pub use pattern::{PATTERN_BYTES_MAX, Resolution, ResolutionRequest, Resolved};
pub use replay::Changes;
pub use settings::{ConsumerSettings, MigrationPolicy};
pub use step::{Context, Downgrade, Step};
pub use topology::{TopicFacts, Topology};
