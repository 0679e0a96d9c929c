//! Owns `JoinGroup`: who may join, as whom, and what that does to the group.
//!
//! KIP-394: a dynamic member is given its id first and must come again with it. KIP-345: a static member that comes back takes the place of
//! its former self. KIP-814: it may be told not to assign anew.

use corelog_protocol::messages::join_group_request::JoinGroupRequest;
use corelog_protocol::messages::join_group_response::{JoinGroupResponse, JoinGroupResponseMember};
use corelog_protocol::{ErrorCode, Text, Uuid};

use super::group::{ClassicGroup, ClassicState, refused_join, refused_sync};
use super::member::{ClassicMember, own_protocols};
use crate::groups::effects::{Context, Ticket};
use crate::limits::{GROUP_MEMBERS_MAX, GROUP_NEW_MEMBER_JOIN_MS};

/// The first version whose clients come again with the id that they are given.
const VERSION_KNOWN_ID: i16 = 4;
/// The first version whose clients can be told not to assign.
const VERSION_SKIP_ASSIGNMENT: i16 = 9;

/// A `JoinGroup` with what is known of its sender.
#[derive(Clone, Debug)]
pub struct JoinCall {
    /// What is asked.
    pub request: JoinGroupRequest,
    /// The version of the request.
    pub version: i16,
    /// What the client calls itself.
    pub client_id: Text,
    /// Where it came from, as Kafka prints an address.
    pub client_host: Text,
    /// Random, for the member's id if it needs one.
    pub fresh_id: Uuid,
    /// What its answer goes to.
    pub ticket: Ticket,
}

impl ClassicGroup {
    /// A member joins, for the first time or again.
    pub fn join(&mut self, call: &JoinCall, context: &mut Context<'_>) {
        let member_id = &call.request.member_id;
        if !self.accepts(member_id, context) {
            self.remove(member_id, context);
            return refuse(call, Text::default(), ErrorCode::GroupMaxSizeReached, context);
        }
        let names = call.request.protocols.iter().map(|protocol| &protocol.name);
        if !self.supports(&call.request.protocol_type, names) {
            return refuse(call, member_id.clone(), ErrorCode::InconsistentGroupProtocol, context);
        }
        if asked_bytes(&call.request) > context.settings.record_bytes_max {
            return refuse(call, member_id.clone(), ErrorCode::GroupMaxSizeReached, context);
        }
        if member_id.is_empty() { self.join_unknown(call, context) } else { self.join_known(call, context) }
    }

    /// Whether there is room for this member.
    fn accepts(&self, member_id: &Text, context: &Context<'_>) -> bool {
        let members_max = context.settings.members_max;
        let member = self.members.get(member_id);
        match self.state {
            ClassicState::Empty => {
                self.pending_joins.contains(member_id) || self.pending_joins.len() < GROUP_MEMBERS_MAX
            }
            // Those who wait are counted: the last of a group that grew too large are left out.
            ClassicState::PreparingRebalance => {
                let is_known = self.pending_joins.contains(member_id) || member.is_some();
                member.is_some_and(|member| member.join.is_some())
                    || (self.waiting_joins < members_max
                        && (is_known || self.members.len() + self.pending_joins.len() < 2 * GROUP_MEMBERS_MAX))
            }
            ClassicState::CompletingRebalance | ClassicState::Stable => {
                let is_known = self.pending_joins.contains(member_id);
                member.is_some()
                    || (self.members.len() < members_max && (is_known || self.pending_joins.len() < GROUP_MEMBERS_MAX))
            }
        }
    }

    fn join_unknown(&mut self, call: &JoinCall, context: &mut Context<'_>) {
        if let Some(instance_id) = &call.request.group_instance_id {
            let member_id = Text::from(format!("{}-{}", instance_id.as_str(), dashed(call.fresh_id)));
            return match self.instances.get(instance_id).cloned() {
                Some(former) => self.replace_static(call, &former, &member_id, context),
                None => self.add_then_rebalance(call, &member_id, context),
            };
        }
        let member_id = Text::from(format!("{}-{}", call.client_id.as_str(), dashed(call.fresh_id)));
        if call.version < VERSION_KNOWN_ID {
            return self.add_then_rebalance(call, &member_id, context);
        }
        self.pending_joins.insert(member_id.clone());
        let deadline_ms = context.now.after_ms(call.request.session_timeout_ms.into());
        context.timers.schedule(self.session_key(&member_id), deadline_ms);
        refuse(call, member_id, ErrorCode::MemberIdRequired, context);
    }

    fn join_known(&mut self, call: &JoinCall, context: &mut Context<'_>) {
        let request = &call.request;
        let member_id = &request.member_id;
        if self.pending_joins.contains(member_id) {
            if request.group_instance_id.is_some() {
                // Ids are given out to dynamic members alone.
                return refuse(call, member_id.clone(), ErrorCode::UnknownMemberId, context);
            }
            return self.add_then_rebalance(call, &member_id.detached(), context);
        }
        if let Err(error) = self.validate_member(member_id, request.group_instance_id.as_ref()) {
            return refuse(call, member_id.clone(), error, context);
        }
        let is_same = self.members.get(member_id).is_some_and(|member| member.matches(&request.protocols));
        match self.state {
            // It did not get the answer to its last `JoinGroup`.
            ClassicState::CompletingRebalance if is_same => {
                let answer = self.current_generation(member_id, self.is_leader(member_id), false);
                context.effects.joined(call.ticket, answer);
            }
            // A leader that joins again has a reason that only it knows, such as a topic with more partitions.
            ClassicState::Stable if is_same && !self.is_leader(member_id) => {
                let answer = self.current_generation(member_id, false, false);
                context.effects.joined(call.ticket, answer);
            }
            ClassicState::PreparingRebalance | ClassicState::CompletingRebalance | ClassicState::Stable => {
                self.update_then_rebalance(call, context);
            }
            ClassicState::Empty => refuse(call, member_id.clone(), ErrorCode::UnknownMemberId, context),
        }
    }

    fn add_then_rebalance(&mut self, call: &JoinCall, member_id: &Text, context: &mut Context<'_>) {
        let request = &call.request;
        if self.state == ClassicState::PreparingRebalance && self.was_empty {
            self.has_newcomer = true;
        }
        let member = ClassicMember {
            instance_id: request.group_instance_id.as_ref().map(Text::detached),
            client_id: call.client_id.detached(),
            client_host: call.client_host.detached(),
            rebalance_timeout_ms: rebalance_timeout_ms(call),
            session_timeout_ms: request.session_timeout_ms,
            protocols: own_protocols(&request.protocols),
            assignment: bytes::Bytes::new(),
            join: Some(call.ticket),
            sync: None,
            is_new: true,
        };
        self.add(member_id.clone(), member, &request.protocol_type);
        // It cannot send heartbeats before it knows its id; a client that is gone must not stay for ever.
        let deadline_ms = context.now.after_ms(GROUP_NEW_MEMBER_JOIN_MS);
        context.timers.schedule(self.session_key(member_id), deadline_ms);
        self.rebalance_or_complete(context);
    }

    fn update_then_rebalance(&mut self, call: &JoinCall, context: &mut Context<'_>) {
        self.update(&call.request.member_id.clone(), call, context);
        self.rebalance_or_complete(context);
    }

    fn update(&mut self, member_id: &Text, call: &JoinCall, context: &mut Context<'_>) {
        // A client that asks again has given up on its former question.
        self.answer_join(member_id, refused_join(member_id.clone(), ErrorCode::RebalanceInProgress), context);
        let protocols = own_protocols(&call.request.protocols);
        self.change(member_id, |member| {
            member.protocols = protocols;
            member.rebalance_timeout_ms = rebalance_timeout_ms(call);
            member.session_timeout_ms = call.request.session_timeout_ms;
            member.join = Some(call.ticket);
        });
    }

    /// A static member came back under a new id: its former self is fenced.
    fn replace_static(&mut self, call: &JoinCall, former: &Text, member_id: &Text, context: &mut Context<'_>) {
        let leader_before = self.leader.clone();
        let fenced = ErrorCode::FencedInstanceId;
        self.answer_join(former, refused_join(former.clone(), fenced), context);
        self.answer_sync(former, refused_sync(fenced), context);
        let Some(mut member) = self.members.remove(former) else { return };
        member.is_new = false;
        self.members_bytes = self.members_bytes + member_id.len() - former.len();
        if let Some(instance_id) = &member.instance_id {
            self.instances.insert(instance_id.clone(), member_id.clone());
        }
        self.members.insert(member_id.clone(), member);
        if self.is_leader(former) {
            self.leader = Some(member_id.clone());
        }
        if self.pending_syncs.remove(former) {
            self.pending_syncs.insert(member_id.clone());
        }
        context.timers.cancel(&self.session_key(former));
        self.update(member_id, call, context);
        self.schedule_session(member_id, context);
        match self.state {
            ClassicState::Stable if self.select_protocol() == self.protocol => {
                let record = self.record();
                context.effects.applied(record);
                let can_skip = call.version >= VERSION_SKIP_ASSIGNMENT;
                let is_leader = can_skip && self.is_leader(member_id);
                let mut answer = self.current_generation(member_id, is_leader, is_leader);
                if !can_skip {
                    // Told another's name, an old leader does not assign anew, which would be for nothing.
                    answer.leader = leader_before.unwrap_or_default();
                }
                self.answer_join(member_id, answer, context);
            }
            ClassicState::Stable => self.rebalance_or_complete(context),
            // The leader may be assigning to its former self.
            ClassicState::CompletingRebalance => self.prepare_rebalance(context),
            ClassicState::PreparingRebalance | ClassicState::Empty => self.complete_if_all_joined(context),
        }
    }

    /// The answer to a member of this generation; the leader gets everybody's metadata.
    pub(super) fn current_generation(&self, member_id: &Text, as_leader: bool, skip: bool) -> JoinGroupResponse {
        let each = |(id, member): (&Text, &ClassicMember)| JoinGroupResponseMember {
            member_id: id.clone(),
            group_instance_id: member.instance_id.clone(),
            metadata: member.metadata(self.protocol.as_ref()),
        };
        JoinGroupResponse {
            generation_id: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            leader: self.leader.clone().unwrap_or_default(),
            skip_assignment: skip,
            member_id: member_id.clone(),
            members: if as_leader { self.members.iter().map(each).collect() } else { Vec::new() },
            ..Default::default()
        }
    }
}

fn refuse(call: &JoinCall, member_id: Text, error: ErrorCode, context: &mut Context<'_>) {
    context.effects.joined(call.ticket, refused_join(member_id, error));
}

/// Version 0 has no rebalance timeout of its own.
fn rebalance_timeout_ms(call: &JoinCall) -> i32 {
    let request = &call.request;
    if call.version == 0 { request.session_timeout_ms } else { request.rebalance_timeout_ms }
}

fn asked_bytes(request: &JoinGroupRequest) -> usize {
    request.protocols.iter().map(|protocol| protocol.name.len() + protocol.metadata.len()).sum()
}

/// As Java prints a UUID.
fn dashed(id: Uuid) -> String {
    let hex = format!("{:032x}", u128::from_be_bytes(id.0));
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}
