//! Owns what a request is given and what comes of it.

use corelog_protocol::{Text, Uuid};

use super::pattern::ResolutionRequest;
use super::replay::Changes;
use super::settings::ConsumerSettings;
use super::topology::Topology;

/// What the group is told besides the request.
pub struct Context<'a> {
    /// The time, in milliseconds since 1970, for what is stored.
    pub now_ms: i64,
    /// The time by a clock that never jumps, in milliseconds, for deadlines.
    pub ticks_ms: i64,
    /// The topics.
    pub topology: &'a dyn Topology,
    /// What broker and group are set to.
    pub settings: &'a ConsumerSettings,
    /// The client's id.
    pub client_id: Text,
    /// The client's address, as Kafka writes it: with a slash in front.
    pub client_host: Text,
    /// An id that no member has, for one that brings none.
    pub id_new: Uuid,
}

/// What came of a request. Everything has happened in the group already; the answer counts once the records are durable.
#[derive(Debug)]
pub struct Step<A> {
    /// The answer.
    pub answer: A,
    /// What changed.
    pub changes: Changes,
    /// When the group must be looked at again, if that is earlier than was asked before: see `ConsumerGroup::tick`.
    pub wake_ms: Option<i64>,
    /// Patterns that are to be resolved; the outcome goes to `ConsumerGroup::resolved`.
    pub resolve: Option<ResolutionRequest>,
    /// The group goes on as a classic group: the records delete this one and make that one.
    pub downgrade: Option<Downgrade>,
}

/// A group that goes on as a classic group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Downgrade {
    /// Whether the classic group must rebalance at once.
    pub rebalance: bool,
}

impl<A> Step<A> {
    /// A step that has so far changed this.
    pub(super) fn new(answer: A, changes: Changes) -> Step<A> {
        Step { answer, changes, wake_ms: None, resolve: None, downgrade: None }
    }

    /// The same step with another answer.
    pub fn map<B>(self, answer: impl FnOnce(A) -> B) -> Step<B> {
        Step {
            answer: answer(self.answer),
            changes: self.changes,
            wake_ms: self.wake_ms,
            resolve: self.resolve,
            downgrade: self.downgrade,
        }
    }
}
