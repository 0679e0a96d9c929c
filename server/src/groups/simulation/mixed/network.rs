//! Owns the way of requests to the coordinator and of answers back: some are lost, late, or come twice. Those of one member stay in their
//! order, except for commits, which have a connection of their own.

use corelog_protocol::ErrorCode;
use corelog_protocol::messages::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use corelog_protocol::messages::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;
use corelog_protocol::messages::heartbeat_request::HeartbeatRequest;
use corelog_protocol::messages::join_group_request::JoinGroupRequest;
use corelog_protocol::messages::join_group_response::JoinGroupResponse;
use corelog_protocol::messages::leave_group_request::MemberIdentity;
use corelog_protocol::messages::sync_group_request::SyncGroupRequest;
use corelog_protocol::messages::sync_group_response::SyncGroupResponse;
use corelog_protocol::{Text, Uuid};

use super::commits::Commit;
use super::world::World;
use crate::groups::classic::JoinCall;
use crate::groups::consumer::ConsumerGroupError;
use crate::groups::coordinator::HeartbeatCall;
use crate::groups::effects::LateAnswer;

/// Milliseconds after which a member gives a request up.
const PATIENCE_MS: u64 = 40_000;

/// What a member asks.
#[derive(Clone, Debug)]
pub enum Request {
    ConsumerHeartbeat(ConsumerGroupHeartbeatRequest),
    Join(JoinGroupRequest),
    Sync(SyncGroupRequest),
    Heartbeat(HeartbeatRequest),
    Leave(MemberIdentity),
    Commit(Commit),
}

/// What it is answered.
#[derive(Clone, Debug)]
pub enum Answer {
    ConsumerHeartbeat(Result<ConsumerGroupHeartbeatResponse, ConsumerGroupError>),
    Join(JoinGroupResponse),
    Sync(SyncGroupResponse),
    Heartbeat(ErrorCode),
}

/// A request on its way, of a member that may be gone.
#[derive(Clone, Debug)]
pub struct Flight {
    pub client: u64,
    pub attempt: u64,
    pub request: Request,
}

impl World {
    /// Sends a request of a member, which waits for its answer.
    pub fn send(&mut self, index: usize, request: Request) {
        let attempt = self.next_number();
        let delay_ms = if self.is_rough && self.dice.one_in(6) { self.dice.roll(6_000) } else { 0 };
        let now_ms = self.now.ticks_ms;
        let client = &mut self.clients[index];
        let arrival_ms = client.last_arrival_ms.max(now_ms + delay_ms);
        (client.last_arrival_ms, client.beat_ms) = (arrival_ms, now_ms);
        client.waits = Some((attempt, now_ms + PATIENCE_MS));
        let flight = Flight { client: client.number, attempt, request };
        self.launch(&flight, arrival_ms);
    }

    /// Sends what nobody waits for.
    pub fn send_aside(&mut self, client: u64, request: Request, delay_ms: u64) {
        let flight = Flight { client, attempt: 0, request };
        self.launch(&flight, self.now.ticks_ms + delay_ms);
    }

    fn launch(&mut self, flight: &Flight, arrival_ms: u64) {
        if self.is_rough && self.dice.one_in(12) {
            return;
        }
        let times = if self.is_rough && self.dice.one_in(12) { 2 } else { 1 };
        for _ in 0..times {
            let number = self.next_number();
            self.flights.insert((arrival_ms, number), flight.clone());
        }
    }

    /// Lets everything arrive that is due.
    pub fn arrive(&mut self) {
        while let Some(entry) = self.flights.first_entry() {
            if entry.key().0 > self.now.ticks_ms {
                return;
            }
            let flight = entry.remove();
            self.deliver(flight);
        }
    }

    fn deliver(&mut self, flight: Flight) {
        self.trace(&flight);
        let Flight { client, attempt, request } = flight;
        let fresh_id = Uuid((u128::from(self.dice.next()) << 64 | u128::from(self.next_number())).to_be_bytes());
        let (client_id, client_host) = (Text::from_static("client"), Text::from_static("/127.0.0.1"));
        let now = self.now;
        let answer = match request {
            Request::ConsumerHeartbeat(request) => {
                let call = HeartbeatCall { request, version: 1, client_id, client_host, fresh_id };
                Some(Answer::ConsumerHeartbeat(self.coordinator.consumer_heartbeat(&call, now)))
            }
            Request::Join(request) => {
                let ticket = self.ticket(client, attempt);
                let call = JoinCall { request, version: 9, client_id, client_host, fresh_id, ticket };
                self.coordinator.join(&call, now);
                None
            }
            Request::Sync(request) => {
                let ticket = self.ticket(client, attempt);
                self.coordinator.sync(&request, ticket, now);
                None
            }
            Request::Heartbeat(request) => Some(Answer::Heartbeat(self.coordinator.heartbeat(&request, now))),
            Request::Leave(identity) => {
                self.coordinator.leave(&self.group.clone(), &[identity], now).expect("the group has a name");
                None
            }
            Request::Commit(commit) => return self.commit(&commit),
        };
        let is_written = self.settle();
        if let (true, Some(answer)) = (is_written, answer) {
            self.answer(client, attempt, answer);
        }
    }

    /// An answer that had to wait.
    pub fn answer_late(&mut self, client: u64, attempt: u64, answer: LateAnswer) {
        match answer {
            LateAnswer::Join(answer) => self.answer(client, attempt, Answer::Join(answer)),
            LateAnswer::Sync(answer) => self.answer(client, attempt, Answer::Sync(answer)),
        }
    }

    /// Brings an answer to the member that still waits for it.
    fn answer(&mut self, client: u64, attempt: u64, answer: Answer) {
        self.trace(&(client, attempt, &answer));
        let is_lost = self.is_rough && self.dice.one_in(12);
        let Some(index) = self.clients.iter().position(|known| known.number == client) else { return };
        let waits = self.clients[index].waits;
        if is_lost || waits.is_none_or(|(waited, _)| waited != attempt) {
            return;
        }
        self.clients[index].waits = None;
        match answer {
            Answer::ConsumerHeartbeat(answer) => self.consumer_heard(index, answer),
            Answer::Join(answer) => self.classic_joined(index, answer),
            Answer::Sync(answer) => self.classic_synced(index, &answer),
            Answer::Heartbeat(error) => self.classic_heard(index, error),
        }
    }

    /// Lets members go on that waited long enough, and ends all waiting where the connection broke.
    pub fn give_up(&mut self, is_broken: bool) {
        for client in &mut self.clients {
            if client.waits.is_some_and(|(_, until_ms)| is_broken || until_ms <= self.now.ticks_ms) {
                (client.waits, client.has_news) = (None, true);
            }
        }
    }
}
