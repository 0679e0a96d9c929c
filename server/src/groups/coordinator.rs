//! Owns the groups of one partition of `__consumer_offsets`.
//!
//! A state machine without I/O. The service calls a method for each request or timer, then takes the effects, before anything else. Records
//! that the state does not hold yet come back through [`Coordinator::replay`] once they are in the log.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::rc::Rc;

use corelog_protocol::messages::heartbeat_request::HeartbeatRequest;
use corelog_protocol::messages::leave_group_request::MemberIdentity;
use corelog_protocol::messages::leave_group_response::MemberResponse;
use corelog_protocol::messages::sync_group_request::SyncGroupRequest;
use corelog_protocol::{ErrorCode, Text};

use super::classic::{ClassicGroup, JoinCall, refused_join, refused_sync};
use super::cluster::{Cluster, NoCluster};
pub use super::consumer_events::HeartbeatCall;
use super::effects::{Context, Effects, Ticket};
use super::group::{Entry, Group};
use super::moment::Moment;
use super::settings::GroupSettings;
use super::timers::{TimerKey, TimerKind, Timers};

/// Timers that are served in one go, so that what they write stays one small batch.
const TIMERS_PER_EVENT: usize = 64;

/// The groups of one partition of `__consumer_offsets`.
#[derive(Debug)]
pub struct Coordinator {
    settings: Rc<GroupSettings>,
    cluster: Rc<dyn Cluster>,
    entries: BTreeMap<Text, Entry>,
    timers: Timers,
    effects: Effects,
    memory_bytes: usize,
}

impl Coordinator {
    /// A coordinator without groups.
    pub fn new(settings: Rc<GroupSettings>) -> Coordinator {
        let (timers, effects) = (Timers::default(), Effects::default());
        let cluster = Rc::new(NoCluster);
        Coordinator { settings, cluster, entries: BTreeMap::new(), timers, effects, memory_bytes: 0 }
    }

    /// The same coordinator, for groups of these topics.
    #[must_use]
    pub fn over(mut self, cluster: Rc<dyn Cluster>) -> Coordinator {
        self.cluster = cluster;
        self
    }

    pub(super) fn cluster(&self) -> &Rc<dyn Cluster> {
        &self.cluster
    }

    /// What it obeys.
    pub fn settings(&self) -> &GroupSettings {
        &self.settings
    }

    /// What the last event came to.
    pub fn take_effects(&mut self) -> Effects {
        std::mem::take(&mut self.effects)
    }

    pub(super) fn effects_mut(&mut self) -> &mut Effects {
        &mut self.effects
    }

    /// Memory of all groups and offsets, in bytes, about. What they take in the log, once rewritten, is about as much.
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no groups.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A group and its offsets.
    pub fn entry(&self, id: &Text) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// A group.
    pub fn group(&self, id: &Text) -> Option<&Group> {
        self.entries.get(id).map(|entry| &entry.group)
    }

    /// Groups in the order of their ids, from this one on.
    pub fn entries_from(&self, from: Option<&Text>) -> impl Iterator<Item = (&Text, &Entry)> {
        let from = from.map_or(Bound::Unbounded, |id| Bound::Included(id.clone()));
        self.entries.range((from, Bound::Unbounded))
    }

    /// Changes an entry; what is counted of it is counted anew.
    pub(super) fn change<T>(&mut self, id: &Text, change: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        let entry = self.entries.get_mut(id)?;
        let before = entry.memory_bytes();
        let result = change(entry);
        self.memory_bytes = self.memory_bytes + entry.memory_bytes() - before;
        Some(result)
    }

    pub(super) fn timers_mut(&mut self) -> &mut Timers {
        &mut self.timers
    }

    pub(super) fn cancel_timers(&mut self, id: &Text) {
        self.timers.cancel_group(id);
    }

    pub(super) fn insert(&mut self, id: Text, entry: Entry) {
        self.memory_bytes += entry.memory_bytes() + id.len();
        let before = self.entries.insert(id, entry);
        assert!(before.is_none(), "a group comes into being once");
    }

    pub(super) fn remove(&mut self, id: &Text) {
        if let Some(entry) = self.entries.remove(id) {
            self.memory_bytes -= entry.memory_bytes() + id.len();
            self.timers.cancel_group(id);
        }
    }

    /// Lets a group do something.
    pub(super) fn with_group<T>(
        &mut self,
        id: &Text,
        now: Moment,
        work: impl FnOnce(&mut Group, &mut Context<'_>) -> T,
    ) -> Option<T> {
        let entry = self.entries.get_mut(id)?;
        let before = entry.memory_bytes();
        let (timers, effects) = (&mut self.timers, &mut self.effects);
        let mut context = Context { now, settings: &self.settings, timers, effects };
        let result = work(&mut entry.group, &mut context);
        self.memory_bytes = self.memory_bytes + entry.memory_bytes() - before;
        Some(result)
    }

    /// A member joins; its answer may come later.
    pub fn join(&mut self, call: &JoinCall, now: Moment) {
        let request = &call.request;
        let timeout_ms = request.session_timeout_ms;
        let refusal = if request.group_id.is_empty() {
            Some(ErrorCode::InvalidGroupId)
        } else if timeout_ms < self.settings.session_ms_min || timeout_ms > self.settings.session_ms_max {
            Some(ErrorCode::InvalidSessionTimeout)
        } else if !request.member_id.is_empty() && !self.entries.contains_key(&request.group_id) {
            Some(ErrorCode::UnknownMemberId)
        } else {
            None
        };
        if let Some(error) = refusal {
            return self.effects.joined(call.ticket, refused_join(request.member_id.clone(), error));
        }
        let was_consumer = matches!(self.group(&request.group_id), Some(Group::Consumer(_)));
        if self.join_consumer_group(call, now) {
            return;
        }
        let is_new = !self.entries.contains_key(&request.group_id);
        if is_new {
            let id = request.group_id.detached();
            self.insert(id.clone(), Entry::new(Group::Classic(ClassicGroup::new(id, now.unix_ms))));
        }
        let birth = self.with_group(&request.group_id, now, |group, context| match group {
            Group::Classic(group) => {
                let written = context.effects.records.len();
                group.join(call, context);
                (!group.is_idle() && context.effects.records.len() == written).then(|| group.birth_record())
            }
            Group::Consumer(_) => None,
        });
        match birth.flatten() {
            Some(record) if is_new || was_consumer => self.effects.applied(record),
            // Whoever is refused leaves nothing behind.
            None if is_new => self.remove(&request.group_id),
            None if was_consumer && self.group(&request.group_id).is_some_and(Group::is_idle) => {
                self.leave_offsets(&request.group_id);
            }
            _ => {}
        }
    }

    /// A member asks for its assignment; its answer may come later.
    pub fn sync(&mut self, request: &SyncGroupRequest, ticket: Ticket, now: Moment) {
        if let Some(answer) = self.sync_consumer_group(request, now) {
            return self.effects.synced(ticket, answer);
        }
        let refusal = if request.group_id.is_empty() { ErrorCode::InvalidGroupId } else { ErrorCode::UnknownMemberId };
        let done = self.with_group(&request.group_id, now, |group, context| match group {
            Group::Classic(group) => group.sync(request, ticket, context),
            Group::Consumer(_) => {}
        });
        if done.is_none() {
            self.effects.synced(ticket, refused_sync(refusal));
        }
    }

    /// A member says that it lives.
    pub fn heartbeat(&mut self, request: &HeartbeatRequest, now: Moment) -> ErrorCode {
        if request.group_id.is_empty() {
            return ErrorCode::InvalidGroupId;
        }
        if let Some(answer) = self.heartbeat_consumer_group(request, now) {
            return answer;
        }
        let answer = self.with_group(&request.group_id, now, |group, context| match group {
            Group::Classic(group) => group.heartbeat(request, context),
            Group::Consumer(_) => ErrorCode::UnknownMemberId,
        });
        answer.unwrap_or(ErrorCode::UnknownMemberId)
    }

    /// Members leave.
    ///
    /// # Errors
    /// What the request as a whole is refused with.
    pub fn leave(
        &mut self,
        id: &Text,
        leaving: &[MemberIdentity],
        now: Moment,
    ) -> Result<Vec<MemberResponse>, ErrorCode> {
        if id.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        if let Some(answers) = self.leave_consumer_group(id, leaving, now) {
            return Ok(answers);
        }
        let answers = self.with_group(id, now, |group, context| match group {
            Group::Classic(group) => group.leave(leaving, context),
            Group::Consumer(_) => Vec::new(),
        });
        let unknown = |member: &MemberIdentity| MemberResponse {
            member_id: member.member_id.clone(),
            group_instance_id: member.group_instance_id.clone(),
            error_code: ErrorCode::UnknownMemberId.code(),
        };
        Ok(answers.unwrap_or_else(|| leaving.iter().map(unknown).collect()))
    }

    /// The first deadline, in ticks.
    pub fn next_deadline_ms(&self) -> Option<u64> {
        self.timers.next_deadline_ms()
    }

    /// Serves timers whose deadlines have come; call again while there are more.
    pub fn on_timers(&mut self, now: Moment) {
        for _ in 0..TIMERS_PER_EVENT {
            let Some(TimerKey { group: id, kind }) = self.timers.pop_due(now.ticks_ms) else { return };
            self.with_group(&id, now, |group, context| match (group, &kind) {
                (Group::Classic(group), TimerKind::Join) => group.on_join_timer(context),
                (Group::Classic(group), TimerKind::Sync) => group.on_sync_timer(context),
                (Group::Classic(group), TimerKind::Session(member)) => group.on_session_timer(member, context),
                (Group::Classic(_), TimerKind::Wake) | (Group::Consumer(_), _) => {}
            });
            if kind == TimerKind::Wake {
                self.wake_consumer_group(&id, now);
            }
        }
    }

    /// Everything was replayed: members' sessions begin.
    pub fn loaded(&mut self, now: Moment) {
        let ids: Vec<Text> = self.entries.keys().cloned().collect();
        for id in ids {
            self.with_group(&id, now, |group, context| match group {
                Group::Classic(group) => group.start_sessions(context),
                Group::Consumer(_) => {}
            });
            self.start_consumer_group(&id, now);
        }
    }

    /// Asserts what holds between any two events.
    pub fn check(&self) {
        for entry in self.entries.values() {
            match &entry.group {
                Group::Classic(group) => group.check(),
                Group::Consumer(group) => group.check(),
            }
        }
        let counted: usize = self.entries.iter().map(|(id, entry)| entry.memory_bytes() + id.len()).sum();
        assert_eq!(counted, self.memory_bytes, "memory is counted");
    }
}
