//! Owns how a coordinator lets consumer groups work: their own requests, those of classic members in them, and the change between the
//! protocols.
//!
//! A part of the coordinator, without I/O. A consumer group changes at once: if the log refuses the records, the coordinator is loaded anew.

use corelog_protocol::messages::consumer_group_describe_response::DescribedGroup;
use corelog_protocol::messages::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use corelog_protocol::messages::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;
use corelog_protocol::messages::heartbeat_request::HeartbeatRequest;
use corelog_protocol::messages::leave_group_request::MemberIdentity;
use corelog_protocol::messages::leave_group_response::MemberResponse;
use corelog_protocol::messages::sync_group_request::SyncGroupRequest;
use corelog_protocol::messages::sync_group_response::SyncGroupResponse;
use corelog_protocol::{ErrorCode, Text, Uuid};

use super::classic::{ClassicGroup, JoinCall, refused_join, refused_sync};
use super::consumer::{
    Changes, ConsumerGroup, ConsumerGroupError, Context, Downgrade, LeavingMember, Resolved, Step, check_heartbeat,
};
use super::coordinator::Coordinator;
use super::effects::Standing;
use super::group::{Entry, Group};
use super::moment::Moment;
use super::timers::{TimerKey, TimerKind};
use crate::limits::GROUP_RECORD_BYTES_MAX;

/// A `ConsumerGroupHeartbeat` with what is known of its sender.
#[derive(Clone, Debug)]
pub struct HeartbeatCall {
    /// What is asked.
    pub request: ConsumerGroupHeartbeatRequest,
    /// The version of the request.
    pub version: i16,
    /// What the client calls itself.
    pub client_id: Text,
    /// Where it came from, as Kafka prints an address.
    pub client_host: Text,
    /// Random, for the member's id if it needs one.
    pub fresh_id: Uuid,
}

/// Who sends a request, as far as a consumer group asks.
#[derive(Clone, Default)]
struct Sender {
    client_id: Text,
    client_host: Text,
    fresh_id: Uuid,
}

impl Coordinator {
    /// A member of a consumer group says that it lives, or comes, or goes.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn consumer_heartbeat(
        &mut self,
        call: &HeartbeatCall,
        now: Moment,
    ) -> Result<ConsumerGroupHeartbeatResponse, ConsumerGroupError> {
        let request = &call.request;
        let settings = self.cluster().consumer_settings(&request.group_id);
        check_heartbeat(request, call.version, &settings)?;
        if told_bytes(request) > GROUP_RECORD_BYTES_MAX / 2 {
            return Err(ConsumerGroupError::TooLarge);
        }
        let id = request.group_id.detached();
        let sender = Sender {
            client_id: call.client_id.detached(),
            client_host: call.client_host.clone(),
            fresh_id: call.fresh_id,
        };
        let known = match self.group(&id) {
            Some(Group::Consumer(_)) => true,
            Some(Group::Classic(_)) if request.member_epoch != 0 => {
                return Err(ConsumerGroupError::NotConsumerGroup(id));
            }
            None if request.member_epoch != 0 => return Err(ConsumerGroupError::GroupNotFound(id)),
            Some(Group::Classic(_)) | None => false,
        };
        if known {
            let done = self.with_consumer_group(&id, &sender, now, |group, context| group.heartbeat(request, context));
            let Some(step) = done else { return Err(ConsumerGroupError::GroupNotFound(id)) };
            return step.map(|step| self.take_step(&id, step, now));
        }
        // The group is made first, and put in its place when the heartbeat was accepted.
        let (mut group, made) = self.begin_consumer_group(&id)?;
        let step = self.with_context(&id, &sender, now, |context| group.heartbeat(request, context))?;
        self.enter_consumer_group(&id, group, made, now);
        Ok(self.take_step(&id, step, now))
    }

    /// The consumer group that comes into being with its first member, and what must be written before.
    fn begin_consumer_group(&self, id: &Text) -> Result<(ConsumerGroup, Changes), ConsumerGroupError> {
        match self.group(id) {
            Some(Group::Classic(classic)) if !classic.members().is_empty() => {
                let settings = self.cluster().consumer_settings(id);
                let allowed = settings.migration.upgrades() && classic.members().len() <= settings.size_max;
                if !allowed || !classic.uses_consumer_protocol() {
                    return Err(ConsumerGroupError::NotConsumerGroup(id.clone()));
                }
                ConsumerGroup::from_classic(&classic.to_consumer_facts(), self.cluster().topology())
            }
            // One that only holds offsets may have a record of its own all the same, from when it was born.
            Some(Group::Classic(classic)) => {
                Ok((ConsumerGroup::new(id.clone()), Changes { records: vec![classic.tombstone()] }))
            }
            _ => Ok((ConsumerGroup::new(id.clone()), Changes::default())),
        }
    }

    /// Puts a consumer group where a classic one was, or none.
    fn enter_consumer_group(&mut self, id: &Text, mut group: ConsumerGroup, made: Changes, now: Moment) {
        self.with_group(id, now, |group, context| match group {
            Group::Classic(classic) => classic.send_all_to_rejoin(context),
            Group::Consumer(_) => {}
        });
        self.with_context(id, &Sender::default(), now, |context| group.start_classic_sessions(context));
        let deadline_ms = group.first_deadline_ms();
        if self.entry(id).is_some() {
            self.put_group(id, Group::Consumer(Box::new(group)));
        } else {
            self.insert(id.clone(), Entry::new(Group::Consumer(Box::new(group))));
        }
        self.wake_at(id, deadline_ms);
        self.apply(made.records);
    }

    /// A classic member joins a consumer group; whether that is what the group is.
    pub(super) fn join_consumer_group(&mut self, call: &JoinCall, now: Moment) -> bool {
        let id = &call.request.group_id;
        match self.group(id) {
            Some(Group::Consumer(group)) if group.is_empty() => {
                let tombstones = group.tombstones();
                self.put_group(id, Group::Classic(ClassicGroup::new(id.detached(), now.unix_ms)));
                self.apply(tombstones);
                return false;
            }
            Some(Group::Consumer(_)) => {}
            Some(Group::Classic(_)) | None => return false,
        }
        let sender = Sender {
            client_id: call.client_id.detached(),
            client_host: call.client_host.clone(),
            fresh_id: call.fresh_id,
        };
        let done = self.with_consumer_group(id, &sender, now, |group, context| {
            group.classic_join(&call.request, call.version, context)
        });
        let answer = match done {
            Some(Ok(step)) => self.take_step(&id.detached(), step, now),
            Some(Err(ConsumerGroupError::MemberIdRequired(member))) => {
                refused_join(member, ErrorCode::MemberIdRequired)
            }
            Some(Err(error)) => refused_join(call.request.member_id.clone(), error.code()),
            None => refused_join(call.request.member_id.clone(), ErrorCode::UnknownMemberId),
        };
        self.effects_mut().joined(call.ticket, answer);
        true
    }

    /// The answer to a classic member of a consumer group; nothing where it is no such group.
    pub(super) fn sync_consumer_group(&mut self, request: &SyncGroupRequest, now: Moment) -> Option<SyncGroupResponse> {
        let id = request.group_id.clone();
        let done = self
            .with_consumer_group(&id, &Sender::default(), now, |group, context| group.classic_sync(request, context))?;
        Some(match done {
            Ok(step) => self.take_step(&id, step, now),
            Err(error) => {
                self.wake_after(&id);
                refused_sync(error.code())
            }
        })
    }

    /// As `sync_consumer_group`, for a heartbeat.
    pub(super) fn heartbeat_consumer_group(&mut self, request: &HeartbeatRequest, now: Moment) -> Option<ErrorCode> {
        let id = request.group_id.clone();
        let done = self.with_consumer_group(&id, &Sender::default(), now, |group, context| {
            group.classic_heartbeat(request, context)
        })?;
        Some(match done {
            Ok(step) => {
                let must_join = self.take_step(&id, step, now);
                if must_join { ErrorCode::RebalanceInProgress } else { ErrorCode::None }
            }
            Err(error) => error.code(),
        })
    }

    /// As `sync_consumer_group`, for members that leave.
    pub(super) fn leave_consumer_group(
        &mut self,
        id: &Text,
        leaving: &[MemberIdentity],
        now: Moment,
    ) -> Option<Vec<MemberResponse>> {
        let named: Vec<LeavingMember> = leaving
            .iter()
            .map(|member| LeavingMember { id: member.member_id.clone(), instance_id: member.group_instance_id.clone() })
            .collect();
        let step = self
            .with_consumer_group(id, &Sender::default(), now, |group, context| group.classic_leave(&named, context))?;
        let outcomes = self.take_step(id, step, now);
        let answer = |(member, outcome): (&MemberIdentity, Result<Text, ConsumerGroupError>)| {
            let error = outcome.as_ref().err().map_or(ErrorCode::None, ConsumerGroupError::code);
            MemberResponse {
                member_id: outcome.unwrap_or_else(|_| member.member_id.clone()),
                group_instance_id: member.group_instance_id.clone(),
                error_code: error.code(),
            }
        };
        Some(leaving.iter().zip(outcomes).map(answer).collect())
    }

    /// The topics of a group's patterns were found.
    pub fn resolved(&mut self, id: &Text, resolved: Resolved, now: Moment) {
        let step = self.with_consumer_group(id, &Sender::default(), now, |group, context| {
            group.resolved(resolved, context.topology, context.now_ms)
        });
        if let Some(step) = step {
            self.take_step(id, step, now);
        }
    }

    /// A consumer group as administrators see it.
    ///
    /// # Errors
    /// When there is none of this id.
    pub fn describe_consumer_group(&self, id: &Text) -> Result<DescribedGroup, ConsumerGroupError> {
        let group = self.group(id).ok_or_else(|| ConsumerGroupError::GroupNotFound(id.clone()))?.as_consumer()?;
        Ok(group.describe(&self.cluster().consumer_settings(id), self.cluster().topology()))
    }

    /// The first deadline of a consumer group has come.
    pub(super) fn wake_consumer_group(&mut self, id: &Text, now: Moment) {
        let step = self.with_consumer_group(id, &Sender::default(), now, ConsumerGroup::tick);
        if let Some(step) = step {
            self.take_step(id, step, now);
        }
    }

    /// After a load: every member has its full time.
    pub(super) fn start_consumer_group(&mut self, id: &Text, now: Moment) {
        self.with_consumer_group(id, &Sender::default(), now, ConsumerGroup::start_deadlines);
        self.wake_after(id);
    }

    fn with_context<T>(&self, id: &Text, sender: &Sender, now: Moment, work: impl FnOnce(&Context<'_>) -> T) -> T {
        let settings = self.cluster().consumer_settings(id);
        let context = Context {
            now_ms: now.unix_ms,
            ticks_ms: i64::try_from(now.ticks_ms).unwrap_or(i64::MAX),
            topology: self.cluster().topology(),
            settings: &settings,
            client_id: sender.client_id.clone(),
            client_host: sender.client_host.clone(),
            id_new: sender.fresh_id,
        };
        work(&context)
    }

    fn with_consumer_group<T>(
        &mut self,
        id: &Text,
        sender: &Sender,
        now: Moment,
        work: impl FnOnce(&mut ConsumerGroup, &Context<'_>) -> T,
    ) -> Option<T> {
        let Some(Group::Consumer(_)) = self.group(id) else { return None };
        let cluster = std::rc::Rc::clone(self.cluster());
        let settings = cluster.consumer_settings(id);
        let context = Context {
            now_ms: now.unix_ms,
            ticks_ms: i64::try_from(now.ticks_ms).unwrap_or(i64::MAX),
            topology: cluster.topology(),
            settings: &settings,
            client_id: sender.client_id.clone(),
            client_host: sender.client_host.clone(),
            id_new: sender.fresh_id,
        };
        self.change(id, |entry| match &mut entry.group {
            Group::Consumer(group) => Some(work(group, &context)),
            Group::Classic(_) => None,
        })?
    }

    /// Has a step written, and the group looked at again when it asks for that.
    fn take_step<A>(&mut self, id: &Text, step: Step<A>, now: Moment) -> A {
        self.wake_at(id, step.wake_ms);
        if let Some(request) = step.resolve {
            self.effects_mut().resolutions.push((id.clone(), request));
        }
        if step.downgrade.is_some() {
            // The records put a classic group in the consumer group's place.
            step.changes.records.iter().for_each(|record| self.replay(record));
        }
        self.apply(step.changes.records);
        if let Some(downgrade) = step.downgrade {
            self.begin_classic_group(id, downgrade, now);
        }
        step.answer
    }

    /// Lets the classic group that a consumer group became begin.
    fn begin_classic_group(&mut self, id: &Text, downgrade: Downgrade, now: Moment) {
        self.with_group(id, now, |group, context| {
            if let Group::Classic(group) = group {
                group.start_sessions(context);
                if downgrade.rebalance {
                    group.prepare_rebalance(context);
                    // A load must not take it for a group whose members have what they shall have: they would never rebalance.
                    context.effects.applied(group.record());
                }
            }
        });
    }

    fn apply(&mut self, records: Vec<super::records::GroupRecord>) {
        if !records.is_empty() {
            let effects = self.effects_mut();
            effects.records.extend(records);
            effects.standing = Standing::Applied;
        }
    }

    fn wake_after(&mut self, id: &Text) {
        let deadline_ms = match self.group(id) {
            Some(Group::Consumer(group)) => group.first_deadline_ms(),
            _ => None,
        };
        self.wake_at(id, deadline_ms);
    }

    fn wake_at(&mut self, id: &Text, deadline_ms: Option<i64>) {
        if let Some(deadline_ms) = deadline_ms.and_then(|deadline_ms| u64::try_from(deadline_ms).ok()) {
            let key = TimerKey { group: id.clone(), kind: TimerKind::Wake };
            self.timers_mut().schedule_earlier(key, deadline_ms);
        }
    }
}

/// Bytes of what a member tells of itself.
fn told_bytes(request: &ConsumerGroupHeartbeatRequest) -> usize {
    let text = |text: &Option<Text>| text.as_ref().map_or(0, |text| text.len());
    let names = request.subscribed_topic_names.iter().flatten().map(|name| name.len() + 2).sum::<usize>();
    names
        + text(&request.subscribed_topic_regex)
        + text(&request.rack_id)
        + text(&request.instance_id)
        + request.member_id.len()
        + request.group_id.len()
}
