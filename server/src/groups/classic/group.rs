//! Owns the state of a classic group: who is in it, who waits, which generation it is in.
//!
//! Changed by the other files of this module alone, which keep what `check` asserts.

use std::collections::{BTreeMap, BTreeSet};

use corelog_protocol::messages::join_group_response::JoinGroupResponse;
use corelog_protocol::messages::sync_group_response::SyncGroupResponse;
use corelog_protocol::{ErrorCode, Text};

use super::member::ClassicMember;
use crate::groups::effects::Context;
use crate::groups::timers::{TimerKey, TimerKind};

/// Where a group is in its life. A dead group is not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassicState {
    /// No members; perhaps offsets.
    Empty,
    /// Members are to join.
    PreparingRebalance,
    /// All have joined; the leader is to say who gets what.
    CompletingRebalance,
    /// Everybody knows what it owns.
    Stable,
}

impl ClassicState {
    /// Kafka's name.
    pub const fn name(self) -> &'static str {
        match self {
            ClassicState::Empty => "Empty",
            ClassicState::PreparingRebalance => "PreparingRebalance",
            ClassicState::CompletingRebalance => "CompletingRebalance",
            ClassicState::Stable => "Stable",
        }
    }
}

/// How much longer a new group waits for more members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InitialDelay {
    pub(super) delay_ms: i64,
    pub(super) remaining_ms: i64,
}

/// One group.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassicGroup {
    pub(super) id: Text,
    pub(super) state: ClassicState,
    /// Whether it was empty before it began to rebalance.
    pub(super) was_empty: bool,
    /// When it came into its state, by the wall clock; `None` where what was stored did not say.
    pub(super) state_since_ms: Option<i64>,
    pub(super) generation: i32,
    /// Such as `consumer`; `None` for a group that only holds offsets.
    pub(super) protocol_type: Option<Text>,
    pub(super) protocol: Option<Text>,
    pub(super) leader: Option<Text>,
    pub(super) members: BTreeMap<Text, ClassicMember>,
    /// How many members support a protocol.
    pub(super) supporters: BTreeMap<Text, usize>,
    /// Static members by their instance ids.
    pub(super) instances: BTreeMap<Text, Text>,
    /// Members that were given an id and asked to come again with it.
    pub(super) pending_joins: BTreeSet<Text>,
    /// Members of this generation that have not synced yet.
    pub(super) pending_syncs: BTreeSet<Text>,
    pub(super) waiting_joins: usize,
    pub(super) initial_delay: Option<InitialDelay>,
    /// A member came since the delay began.
    pub(super) has_newcomer: bool,
    /// What the members consume; `None` where that cannot be known.
    pub(super) topics: Option<BTreeSet<Text>>,
    /// Memory of the members, in bytes.
    pub(super) members_bytes: usize,
}

impl ClassicGroup {
    /// A group without members.
    pub fn new(id: Text, now_unix_ms: i64) -> ClassicGroup {
        ClassicGroup {
            id,
            state: ClassicState::Empty,
            was_empty: false,
            state_since_ms: Some(now_unix_ms),
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            supporters: BTreeMap::new(),
            instances: BTreeMap::new(),
            pending_joins: BTreeSet::new(),
            pending_syncs: BTreeSet::new(),
            waiting_joins: 0,
            initial_delay: None,
            has_newcomer: false,
            topics: None,
            members_bytes: 0,
        }
    }

    /// Its id.
    pub fn id(&self) -> &Text {
        &self.id
    }

    /// Where it is in its life.
    pub fn state(&self) -> ClassicState {
        self.state
    }

    /// Which generation it is in.
    pub fn generation(&self) -> i32 {
        self.generation
    }

    /// Such as `consumer`; `None` for a group that only holds offsets.
    pub fn protocol_type(&self) -> Option<&Text> {
        self.protocol_type.as_ref()
    }

    /// Its members by their ids.
    pub fn members(&self) -> &BTreeMap<Text, ClassicMember> {
        &self.members
    }

    /// Whether it has no members and none that may come.
    pub fn is_idle(&self) -> bool {
        self.state == ClassicState::Empty && self.pending_joins.is_empty()
    }

    /// Whether it only holds offsets: nobody ever joined it.
    pub fn is_simple(&self) -> bool {
        self.protocol_type.is_none() && self.is_idle()
    }

    /// Memory that it takes, in bytes, about.
    pub fn memory_bytes(&self) -> usize {
        let pending: usize = self.pending_joins.iter().map(|id| id.len() + size_of::<Text>()).sum();
        size_of::<ClassicGroup>() + self.id.len() + self.members_bytes + pending
    }

    pub(super) fn is_leader(&self, member_id: &Text) -> bool {
        self.leader.as_ref() == Some(member_id)
    }

    pub(super) fn enter(&mut self, state: ClassicState, context: &Context<'_>) {
        self.was_empty = self.state == ClassicState::Empty;
        self.state = state;
        self.state_since_ms = Some(context.now.unix_ms);
    }

    /// Adds a member; it must not be there yet, and support what the others do.
    pub(super) fn add(&mut self, member_id: Text, member: ClassicMember, protocol_type: &Text) {
        if let Some(instance_id) = &member.instance_id {
            self.instances.insert(instance_id.clone(), member_id.clone());
        }
        if self.members.is_empty() {
            self.protocol_type = Some(protocol_type.detached());
        }
        self.leader.get_or_insert_with(|| member_id.clone());
        self.count_protocols(&member, true);
        self.waiting_joins += usize::from(member.join.is_some());
        self.members_bytes += member.memory_bytes() + member_id.len();
        self.pending_joins.remove(&member_id);
        let before = self.members.insert(member_id, member);
        assert!(before.is_none(), "a member joins once");
    }

    /// Takes a member out, whether it has joined or is still to; its waiting requests must have been answered.
    pub(super) fn remove(&mut self, member_id: &Text, context: &mut Context<'_>) {
        if let Some(member) = self.members.remove(member_id) {
            self.count_protocols(&member, false);
            self.waiting_joins -= usize::from(member.join.is_some());
            self.members_bytes -= member.memory_bytes() + member_id.len();
            if let Some(instance_id) = &member.instance_id {
                self.instances.remove(instance_id);
            }
            if let Some(ticket) = member.join {
                context.effects.joined(ticket, refused_join(Text::default(), ErrorCode::UnknownMemberId));
            }
            if let Some(ticket) = member.sync {
                context.effects.synced(ticket, refused_sync(ErrorCode::UnknownMemberId));
            }
        }
        if self.is_leader(member_id) {
            self.leader = self.members.keys().next().cloned();
        }
        self.pending_joins.remove(member_id);
        self.pending_syncs.remove(member_id);
        context.timers.cancel(&self.session_key(member_id));
    }

    /// Changes a member; what is counted of it is counted anew.
    pub(super) fn change(&mut self, member_id: &Text, change: impl FnOnce(&mut ClassicMember)) {
        let Some(mut member) = self.members.remove(member_id) else { return };
        self.count_protocols(&member, false);
        self.waiting_joins -= usize::from(member.join.is_some());
        self.members_bytes -= member.memory_bytes();
        change(&mut member);
        self.members_bytes += member.memory_bytes();
        self.waiting_joins += usize::from(member.join.is_some());
        self.count_protocols(&member, true);
        self.members.insert(member_id.clone(), member);
    }

    fn count_protocols(&mut self, member: &ClassicMember, is_added: bool) {
        for protocol in &member.protocols {
            if is_added {
                *self.supporters.entry(protocol.name.clone()).or_insert(0) += 1;
            } else if let Some(count) = self.supporters.get_mut(&protocol.name) {
                *count -= 1;
                if *count == 0 {
                    self.supporters.remove(&protocol.name);
                }
            }
        }
    }

    /// Answers a member's `JoinGroup` if it waits.
    pub(super) fn answer_join(&mut self, member_id: &Text, answer: JoinGroupResponse, context: &mut Context<'_>) {
        let Some(ticket) = self.members.get_mut(member_id).and_then(|member| member.join.take()) else { return };
        self.waiting_joins -= 1;
        context.effects.joined(ticket, answer);
    }

    /// Answers a member's `SyncGroup` if it waits; says whether it did.
    pub(super) fn answer_sync(
        &mut self,
        member_id: &Text,
        answer: SyncGroupResponse,
        context: &mut Context<'_>,
    ) -> bool {
        let Some(ticket) = self.members.get_mut(member_id).and_then(|member| member.sync.take()) else { return false };
        context.effects.synced(ticket, answer);
        true
    }

    pub(super) fn have_all_joined(&self) -> bool {
        self.members.len() == self.waiting_joins && self.pending_joins.is_empty()
    }

    pub(super) fn session_key(&self, member_id: &Text) -> TimerKey {
        TimerKey { group: self.id.clone(), kind: TimerKind::Session(member_id.clone()) }
    }

    pub(super) fn join_key(&self) -> TimerKey {
        TimerKey { group: self.id.clone(), kind: TimerKind::Join }
    }

    pub(super) fn sync_key(&self) -> TimerKey {
        TimerKey { group: self.id.clone(), kind: TimerKind::Sync }
    }

    /// Asserts what holds between any two events.
    pub fn check(&self) {
        let waiting = self.members.values().filter(|member| member.join.is_some()).count();
        assert_eq!(waiting, self.waiting_joins, "members that wait to join are counted");
        assert_eq!(
            self.members.is_empty(),
            self.leader.is_none(),
            "a group with members has a leader, and none without"
        );
        assert!(self.leader.as_ref().is_none_or(|leader| self.members.contains_key(leader)), "the leader is a member");
        assert!(self.pending_syncs.iter().all(|id| self.members.contains_key(id)), "who is to sync is a member");
        assert!(self.pending_joins.iter().all(|id| !self.members.contains_key(id)), "who is to join is none yet");
        assert!(self.instances.values().all(|id| self.members.contains_key(id)), "a static member is a member");
        match self.state {
            ClassicState::Empty => assert!(self.members.is_empty(), "an empty group has no members"),
            ClassicState::PreparingRebalance => {}
            ClassicState::CompletingRebalance | ClassicState::Stable => {
                assert!(!self.members.is_empty() && waiting == 0, "nobody waits to join outside a rebalance");
            }
        }
    }
}

/// The answer to a `JoinGroup` that is refused.
pub fn refused_join(member_id: Text, error: ErrorCode) -> JoinGroupResponse {
    JoinGroupResponse {
        error_code: error.code(),
        generation_id: -1,
        protocol_type: None,
        protocol_name: None,
        member_id,
        ..Default::default()
    }
}

/// The answer to a `SyncGroup` that is refused.
pub fn refused_sync(error: ErrorCode) -> SyncGroupResponse {
    SyncGroupResponse { error_code: error.code(), ..Default::default() }
}
