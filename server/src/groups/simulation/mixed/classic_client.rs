//! Owns what a member of the classic protocol sends, and what it makes of the answers: one that gives everything up before it joins
//! again, or one that keeps what it has (KIP-429).

use std::collections::BTreeMap;

use corelog_protocol::messages::join_group_response::JoinGroupResponse;
use corelog_protocol::messages::leave_group_request::MemberIdentity;
use corelog_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use corelog_protocol::messages::sync_group_response::SyncGroupResponse;
use corelog_protocol::{ErrorCode, Text};

use super::client::{Mood, lead};
use super::network::Request;
use super::world::World;
use crate::groups::consumer::assignment::Assignment;
use crate::groups::consumer::embedded;
use crate::groups::consumer::tests::migration::{classic_heartbeat, classic_join, classic_sync};

impl World {
    /// The next request.
    pub fn act_classic(&mut self, index: usize) {
        let request = match self.clients[index].mood {
            Mood::Join => self.classic_join(index),
            Mood::Sync => self.classic_sync(index),
            Mood::Beat => {
                let client = &self.clients[index];
                let mut request = classic_heartbeat(&client.id, client.epoch);
                request.group_instance_id.clone_from(&client.instance);
                Request::Heartbeat(request)
            }
        };
        self.send(index, request);
    }

    /// The protocol that all classic members of this run speak.
    fn protocol(&self) -> &'static str {
        if self.keeps { "cooperative-sticky" } else { "range" }
    }

    fn classic_join(&mut self, index: usize) -> Request {
        let (keeps, protocol) = (self.keeps, self.protocol());
        let names: BTreeMap<_, _> = self.topics.all().map(|(name, id, _)| (id, name.clone())).collect();
        let client = &mut self.clients[index];
        if !keeps {
            client.owned = Assignment::new();
        }
        let owned: Vec<(&str, Vec<i32>)> = client
            .owned
            .iter()
            .filter_map(|(id, partitions)| Some((names.get(id)?.as_str(), partitions.iter().copied().collect())))
            .collect();
        let mut request = classic_join(&client.id, &client.topics, &owned);
        request.group_instance_id.clone_from(&client.instance);
        request.protocols[0].name = protocol.into();
        client.has_news = false;
        Request::Join(request)
    }

    fn classic_sync(&mut self, index: usize) -> Request {
        let assignments = self.clients[index].led.clone().map(|members| {
            let told = members.into_iter().map(|member| {
                let (_, told) = embedded::subscription(&member.metadata).expect("what members of this run send");
                let mut owned = Assignment::new();
                for topic in told.owned_partitions {
                    if let Some((_, id, _)) = self.topics.all().find(|(name, _, _)| **name == topic.topic) {
                        owned.entry(id).or_default().extend(topic.partitions);
                    }
                }
                (member.member_id, (told.topics, owned))
            });
            let partitions = self.topics.all().map(|(name, id, count)| (name.clone(), (id, count))).collect();
            let given = lead(&told.collect(), &partitions, self.keeps);
            let encoded = |(member_id, given): (Text, Assignment)| SyncGroupRequestAssignment {
                member_id,
                assignment: embedded::assignment_bytes(&given, 1, &self.topics),
            };
            given.into_iter().map(encoded).collect()
        });
        let client = &self.clients[index];
        let mut request = classic_sync(&client.id, client.epoch);
        request.group_instance_id.clone_from(&client.instance);
        request.protocol_name = Some(self.protocol().into());
        request.assignments = assignments.unwrap_or_default();
        Request::Sync(request)
    }

    /// The answer to a `JoinGroup`.
    pub fn classic_joined(&mut self, index: usize, answer: JoinGroupResponse) {
        let client = &mut self.clients[index];
        match ErrorCode::from_code(answer.error_code) {
            Some(ErrorCode::None) => {
                let leads = answer.leader == answer.member_id && !answer.skip_assignment && !answer.members.is_empty();
                client.led = leads.then_some(answer.members);
                (client.id, client.epoch, client.mood) = (answer.member_id, answer.generation_id, Mood::Sync);
            }
            Some(ErrorCode::MemberIdRequired) => client.id = answer.member_id,
            error => self.classic_refused(index, error),
        }
    }

    /// The answer to a `SyncGroup`.
    pub fn classic_synced(&mut self, index: usize, answer: &SyncGroupResponse) {
        let error = ErrorCode::from_code(answer.error_code);
        if error != Some(ErrorCode::None) {
            return self.classic_refused(index, error);
        }
        let owned = if answer.assignment.is_empty() {
            Assignment::new()
        } else {
            embedded::assignment(&answer.assignment, &self.topics).expect("what members of this run send")
        };
        let client = &mut self.clients[index];
        let kept = |topic, partition| owned.get(topic).is_some_and(|owned| owned.contains(partition));
        let has_lost = client.owned.iter().any(|(topic, parts)| parts.iter().any(|part| !kept(topic, part)));
        // One that had to give something up says so by joining again, and so does one that wants something else by now.
        client.mood = if self.keeps && has_lost || client.has_news { Mood::Join } else { Mood::Beat };
        (client.owned, client.owned_epoch) = (owned, client.epoch);
    }

    /// The answer to a `Heartbeat`.
    pub fn classic_heard(&mut self, index: usize, error: ErrorCode) {
        if error != ErrorCode::None {
            self.classic_refused(index, Some(error));
        }
    }

    fn classic_refused(&mut self, index: usize, error: Option<ErrorCode>) {
        let client = &mut self.clients[index];
        match error {
            Some(ErrorCode::RebalanceInProgress) => client.mood = Mood::Join,
            Some(ErrorCode::IllegalGeneration) => {
                (client.mood, client.owned) = (Mood::Join, Assignment::new());
            }
            Some(ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId) => client.reset(),
            error => panic!("{error:?}: {client:?}"),
        }
    }

    /// A member says that it goes.
    pub fn leave_classic(&mut self, index: usize) {
        let client = &self.clients[index];
        let identity = MemberIdentity {
            member_id: client.id.clone(),
            group_instance_id: client.instance.clone(),
            ..Default::default()
        };
        let (number, delay_ms) = (client.number, client.last_arrival_ms.saturating_sub(self.now.ticks_ms));
        self.send_aside(number, Request::Leave(identity), delay_ms);
    }
}
