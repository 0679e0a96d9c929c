//! Owns what an event comes to: records to write, and answers to requests that had to wait.
//!
//! Filled by the coordinator, emptied by the service after each event.

use corelog_protocol::Text;
use corelog_protocol::messages::join_group_response::JoinGroupResponse;
use corelog_protocol::messages::sync_group_response::SyncGroupResponse;

use super::consumer::ResolutionRequest;
use super::moment::Moment;
use super::records::GroupRecord;
use super::settings::GroupSettings;
use super::timers::Timers;

/// The name of a request that waits for its answer; the service gives them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// An answer that had to wait.
#[derive(Clone, Debug, PartialEq)]
pub enum LateAnswer {
    /// To a `JoinGroup`.
    Join(JoinGroupResponse),
    /// To a `SyncGroup`.
    Sync(SyncGroupResponse),
}

/// What a coordinator knows of the records of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Its state does not hold them: it is told them once they are in the log. If the log refuses them, nothing has happened.
    #[default]
    Decided,
    /// Its state holds them already. If the log refuses them, it must be loaded anew.
    Applied,
    /// They only say again what the log says already. If the log refuses them, nothing is lost.
    Restated,
}

/// What an event comes to. Answers hold once the records, and all before them, are durable.
#[derive(Debug, Default)]
pub struct Effects {
    /// To be written, all of them in one batch.
    pub records: Vec<GroupRecord>,
    /// What the coordinator knows of the records.
    pub standing: Standing,
    /// Patterns of consumer groups that are to be resolved; what comes of it is told [`super::coordinator::Coordinator::resolved`].
    pub resolutions: Vec<(Text, ResolutionRequest)>,
    /// In the order in which they were given.
    pub answers: Vec<(Ticket, LateAnswer)>,
}

impl Effects {
    /// Adds a record of what the coordinator's state holds already.
    pub fn applied(&mut self, record: GroupRecord) {
        self.records.push(record);
        self.standing = Standing::Applied;
    }

    /// Answers a `JoinGroup`.
    pub fn joined(&mut self, ticket: Ticket, answer: JoinGroupResponse) {
        self.answers.push((ticket, LateAnswer::Join(answer)));
    }

    /// Answers a `SyncGroup`.
    pub fn synced(&mut self, ticket: Ticket, answer: SyncGroupResponse) {
        self.answers.push((ticket, LateAnswer::Sync(answer)));
    }
}

/// What a group works with, besides itself.
pub struct Context<'a> {
    /// When.
    pub now: Moment,
    /// What to obey.
    pub settings: &'a GroupSettings,
    /// The coordinator's timers.
    pub timers: &'a mut Timers,
    /// What comes of it.
    pub effects: &'a mut Effects,
}
