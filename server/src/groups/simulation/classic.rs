//! Seeded runs of a coordinator against members that misbehave, and a model of what must hold.
//!
//! Members join, sync, commit, leave, fall silent, repeat and lose requests and answers; the coordinator is thrown away and replayed from its
//! records, some of them rewritten before. Held at every step: no partition has two owners in one generation, no acknowledged commit is
//! lost, records replayed give the state. Held at the end, once members are quiet: the group is stable, and nothing has grown.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use bytes::Bytes;
use corelog_protocol::messages::heartbeat_request::HeartbeatRequest;
use corelog_protocol::messages::join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol};
use corelog_protocol::messages::leave_group_request::MemberIdentity;
use corelog_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use corelog_protocol::messages::sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment};
use corelog_protocol::{ErrorCode, Text, Uuid};

use crate::groups::classic::{ClassicState, JoinCall};
use crate::groups::coordinator::Coordinator;
use crate::groups::effects::{LateAnswer, Standing, Ticket};
use crate::groups::group::Group;
use crate::groups::moment::Moment;
use crate::groups::records::GroupRecord;
use crate::groups::rewrite::RewriteCursor;
use crate::groups::settings::GroupSettings;

use super::dice::{Dice, seeds};

const PARTITIONS: u8 = 6;
const MEMBERS: usize = 5;
const SESSION_MS: i32 = 10_000;

/// What a member thinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mood {
    #[default]
    Out,
    Joining(Ticket),
    Joined,
    Syncing(Ticket),
    Working,
}

#[derive(Debug, Default)]
struct Client {
    id: Text,
    instance: Option<Text>,
    mood: Mood,
    generation: i32,
    is_leader: bool,
    peers: Vec<Text>,
    silent_until_ms: u64,
    waits_since_ms: u64,
    beat_ms: u64,
}

struct World {
    random: Dice,
    seed: u64,
    settings: Rc<GroupSettings>,
    coordinator: Coordinator,
    /// What is in the log.
    log: Vec<GroupRecord>,
    clients: Vec<Client>,
    now: Moment,
    tickets: u64,
    answers: BTreeMap<Ticket, LateAnswer>,
    /// Who was told to own a partition, by generation.
    owners: BTreeMap<(i32, u8), Text>,
    /// The last offset that was acknowledged.
    committed: BTreeMap<i32, i64>,
    rewrite: Option<(usize, Option<RewriteCursor>)>,
    is_quiet: bool,
}

impl World {
    fn new(seed: u64) -> World {
        let settings = Rc::new(GroupSettings { initial_rebalance_delay_ms: 500, ..GroupSettings::default() });
        let mut random = Dice::new(seed);
        let client = |index: usize| Client {
            instance: random.one_in(3).then(|| Text::from(format!("static-{index}"))),
            ..Client::default()
        };
        let clients = (0..MEMBERS).map(client).collect();
        World {
            random,
            seed,
            coordinator: Coordinator::new(Rc::clone(&settings)),
            settings,
            log: Vec::new(),
            clients,
            now: Moment { ticks_ms: 1, unix_ms: 1_000_000 },
            tickets: 0,
            answers: BTreeMap::new(),
            owners: BTreeMap::new(),
            committed: BTreeMap::new(),
            rewrite: None,
            is_quiet: false,
        }
    }

    /// What the service does after each event.
    fn settle(&mut self) {
        let effects = self.coordinator.take_effects();
        for record in &effects.records {
            let encoded = record.encode().expect("a record that can be written");
            let read = GroupRecord::decode(&encoded.key, encoded.value.as_ref()).expect("a record that can be read");
            assert_eq!(read.as_ref(), Some(record), "seed {}", self.seed);
            self.log.push(record.clone());
            if effects.standing == Standing::Decided {
                self.coordinator.replay(record);
            }
        }
        for (ticket, answer) in effects.answers {
            assert!(self.answers.insert(ticket, answer).is_none(), "seed {}: answered twice", self.seed);
        }
        self.coordinator.check();
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    fn join(&mut self, index: usize) {
        let ticket = self.ticket();
        let now = self.now;
        let flavour = if self.is_quiet { 0 } else { self.random.roll(2) };
        let fresh_id = Uuid((u128::from(self.random.next()) << 64 | u128::from(ticket.0)).to_be_bytes());
        let Some(client) = self.clients.get_mut(index) else { return };
        let protocol = |name: &str| JoinGroupRequestProtocol {
            name: name.into(),
            metadata: Bytes::from(vec![0, 0, 0, 0, 0, 1, 0, 1, b't', flavour as u8]),
        };
        let request = JoinGroupRequest {
            group_id: "g".into(),
            session_timeout_ms: SESSION_MS,
            rebalance_timeout_ms: 5_000,
            member_id: client.id.clone(),
            group_instance_id: client.instance.clone(),
            protocol_type: "consumer".into(),
            protocols: vec![protocol("range"), protocol("sticky")],
            ..Default::default()
        };
        let client_host = Text::from_static("/h");
        let call = JoinCall { request, version: 9, client_id: "c".into(), client_host, fresh_id, ticket };
        (client.mood, client.waits_since_ms) = (Mood::Joining(ticket), now.ticks_ms);
        self.coordinator.join(&call, now);
        self.settle();
    }

    fn sync(&mut self, index: usize) {
        let ticket = self.ticket();
        let now = self.now;
        let Some(client) = self.clients.get_mut(index) else { return };
        let mut assignments = Vec::new();
        if client.is_leader {
            let mut own: BTreeMap<Text, Vec<u8>> = client.peers.iter().map(|peer| (peer.clone(), Vec::new())).collect();
            for partition in 0..PARTITIONS {
                let peer = client.peers.get(usize::from(partition) % client.peers.len().max(1)).cloned();
                own.entry(peer.unwrap_or_default()).or_default().push(partition);
            }
            assignments.extend(
                own.into_iter()
                    .map(|(member_id, own)| SyncGroupRequestAssignment { member_id, assignment: Bytes::from(own) }),
            );
        }
        let request = SyncGroupRequest {
            group_id: "g".into(),
            generation_id: client.generation,
            member_id: client.id.clone(),
            group_instance_id: client.instance.clone(),
            assignments,
            ..Default::default()
        };
        (client.mood, client.waits_since_ms) = (Mood::Syncing(ticket), now.ticks_ms);
        self.coordinator.sync(&request, ticket, now);
        self.settle();
    }

    fn heartbeat(&mut self, index: usize) {
        let now = self.now;
        let Some(client) = self.clients.get_mut(index) else { return };
        let request = HeartbeatRequest {
            group_id: "g".into(),
            generation_id: client.generation,
            member_id: client.id.clone(),
            group_instance_id: client.instance.clone(),
        };
        client.beat_ms = now.ticks_ms;
        let error = self.coordinator.heartbeat(&request, now);
        self.settle();
        self.heed(index, error);
    }

    /// What a client does about an error.
    fn heed(&mut self, index: usize, error: ErrorCode) {
        let Some(client) = self.clients.get_mut(index) else { return };
        match error {
            ErrorCode::None => {}
            ErrorCode::RebalanceInProgress => self.join(index),
            ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId | ErrorCode::IllegalGeneration => {
                if error != ErrorCode::IllegalGeneration {
                    client.id = Text::default();
                }
                self.join(index);
            }
            other => panic!("seed {}: {other}", self.seed),
        }
    }

    fn commit(&mut self, index: usize) {
        let partition_index = self.random.roll(u64::from(PARTITIONS)) as i32;
        let committed_offset = self.random.roll(1 << 40) as i64;
        let Some(client) = self.clients.get(index) else { return };
        let partition = OffsetCommitRequestPartition { partition_index, committed_offset, ..Default::default() };
        let request = OffsetCommitRequest {
            group_id: "g".into(),
            generation_id_or_member_epoch: client.generation,
            member_id: client.id.clone(),
            group_instance_id: client.instance.clone(),
            topics: vec![OffsetCommitRequestTopic {
                name: "t".into(),
                partitions: vec![partition],
                ..Default::default()
            }],
            ..Default::default()
        };
        let answer = self.coordinator.commit(&request, 9, self.now);
        self.settle();
        let code = answer.topics.first().and_then(|topic| topic.partitions.first()).map_or(-1, |one| one.error_code);
        if code == 0 {
            self.committed.insert(partition_index, committed_offset);
        }
    }

    fn leave(&mut self, index: usize) {
        let Some(client) = self.clients.get_mut(index) else { return };
        let leaving =
            MemberIdentity { member_id: client.id.clone(), group_instance_id: client.instance.clone(), reason: None };
        (client.id, client.mood) = (Text::default(), Mood::Out);
        // A group that is not there answers each member so.
        let _ = self.coordinator.leave(&"g".into(), &[leaving], self.now);
        self.settle();
    }

    /// Thrown away, and begun again from its records.
    fn restart(&mut self) {
        let replayed = self.replayed();
        self.compare(&replayed);
        self.coordinator = replayed;
        self.answers.clear();
        self.rewrite = None;
        self.coordinator.loaded(self.now);
        self.settle();
        for client in &mut self.clients {
            if matches!(client.mood, Mood::Joining(_) | Mood::Syncing(_)) {
                client.mood = Mood::Out;
            }
        }
    }

    fn replayed(&self) -> Coordinator {
        let mut replayed = Coordinator::new(Rc::clone(&self.settings));
        for record in &self.log {
            replayed.replay(record);
        }
        replayed.check();
        replayed
    }

    /// Records replayed give the state, but for members in a rebalance.
    fn compare(&self, replayed: &Coordinator) {
        let ids =
            |coordinator: &Coordinator| coordinator.entries_from(None).map(|(id, _)| id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(replayed), ids(&self.coordinator), "seed {}", self.seed);
        for (id, entry) in self.coordinator.entries_from(None) {
            let Some(stored) = replayed.entry(id) else { continue };
            assert_eq!(stored.offsets, entry.offsets, "seed {}", self.seed);
            let (Group::Classic(stored), Group::Classic(group)) = (&stored.group, &entry.group) else {
                panic!("seed {}: only the classic protocol is spoken here", self.seed)
            };
            if group.state() == ClassicState::Stable {
                let own = |group: &crate::groups::classic::ClassicGroup| -> Vec<_> {
                    group.members().iter().map(|(id, member)| (id.clone(), member.assignment.clone())).collect()
                };
                assert_eq!((own(stored), stored.generation()), (own(group), group.generation()), "seed {}", self.seed);
            }
        }
    }

    fn rewrite(&mut self) {
        let (start, cursor) = self.rewrite.take().unwrap_or((self.log.len(), None));
        let came_to = self.coordinator.rewrite(cursor.as_ref());
        self.settle();
        if came_to.is_some() {
            self.rewrite = Some((start, came_to));
        } else {
            self.log.drain(..start);
        }
    }

    fn take_answers(&mut self) {
        for index in 0..self.clients.len() {
            let mood = self.clients.get(index).map(|client| client.mood);
            let Some(Mood::Joining(ticket) | Mood::Syncing(ticket)) = mood else { continue };
            let Some(answer) = self.answers.remove(&ticket) else { continue };
            if !self.is_quiet && self.random.one_in(20) {
                // Lost on the way: the client asks again.
                self.join(index);
                continue;
            }
            self.take_answer(index, answer);
        }
    }

    fn take_answer(&mut self, index: usize, answer: LateAnswer) {
        let Some(client) = self.clients.get_mut(index) else { return };
        let code = match &answer {
            LateAnswer::Join(answer) => answer.error_code,
            LateAnswer::Sync(answer) => answer.error_code,
        };
        match answer {
            LateAnswer::Join(answer) if code == 0 => {
                client.id = answer.member_id.clone();
                client.generation = answer.generation_id;
                client.is_leader = answer.leader == answer.member_id && !answer.skip_assignment;
                client.peers = answer.members.into_iter().map(|member| member.member_id).collect();
                client.mood = Mood::Joined;
                client.beat_ms = self.now.ticks_ms;
            }
            LateAnswer::Join(answer) if code == ErrorCode::MemberIdRequired.code() => {
                client.id = answer.member_id;
                self.join(index);
            }
            LateAnswer::Sync(answer) if code == 0 => {
                client.mood = Mood::Working;
                let (generation, id) = (client.generation, client.id.clone());
                for partition in &answer.assignment {
                    let instance = client.instance.clone().unwrap_or_else(|| id.clone());
                    let owner = self.owners.entry((generation, *partition)).or_insert_with(|| instance.clone());
                    assert_eq!(
                        *owner, instance,
                        "seed {}: partition {partition} of generation {generation}",
                        self.seed
                    );
                }
            }
            _ => self.heed(index, ErrorCode::from_code(code).unwrap_or(ErrorCode::UnknownServerError)),
        }
    }

    fn act(&mut self, index: usize) {
        let Some(client) = self.clients.get(index) else { return };
        if client.silent_until_ms > self.now.ticks_ms {
            return;
        }
        let mood = client.mood;
        let is_due = self.now.ticks_ms - client.beat_ms > SESSION_MS as u64 / 4;
        let gave_up = self.now.ticks_ms - client.waits_since_ms > 40_000;
        match mood {
            Mood::Out => self.join(index),
            Mood::Joined => self.sync(index),
            Mood::Working if !self.is_quiet && self.random.one_in(4) => self.commit(index),
            Mood::Working if !self.is_quiet && self.random.one_in(40) => self.leave(index),
            // A request that was sent twice.
            Mood::Working if !self.is_quiet && self.random.one_in(40) => self.sync(index),
            Mood::Working if is_due => self.heartbeat(index),
            Mood::Joining(_) | Mood::Syncing(_) if gave_up => self.join(index),
            _ => {}
        }
    }

    fn trouble(&mut self) {
        match self.random.roll(60) {
            0 => self.restart(),
            1..4 => self.rewrite(),
            4 => {
                let index = self.random.roll(MEMBERS as u64) as usize;
                let silence_ms = self.random.roll(30_000);
                let until_ms = self.now.ticks_ms + silence_ms;
                let keeps_id = self.random.one_in(2);
                if let Some(client) = self.clients.get_mut(index) {
                    client.silent_until_ms = until_ms;
                    if !keeps_id {
                        (client.id, client.mood) = (Text::default(), Mood::Out);
                    }
                }
            }
            5 => {
                self.coordinator.expire(None, self.now);
                self.settle();
            }
            _ => {}
        }
    }

    fn step(&mut self) {
        let wait_ms = 1 + self.random.roll(700);
        self.now.ticks_ms += wait_ms;
        self.now.unix_ms += wait_ms as i64;
        while self.coordinator.next_deadline_ms().is_some_and(|deadline_ms| deadline_ms <= self.now.ticks_ms) {
            self.coordinator.on_timers(self.now);
            self.settle();
        }
        self.take_answers();
        if !self.is_quiet {
            self.trouble();
        }
        for index in 0..self.clients.len() {
            if self.is_quiet || self.random.one_in(2) {
                self.act(index);
            }
        }
        for (partition, offset) in &self.committed {
            let found =
                self.coordinator.entry(&"g".into()).and_then(|entry| entry.offsets.get(&"t".into(), *partition));
            assert_eq!(found.map(|found| found.offset), Some(*offset), "seed {}: a commit is lost", self.seed);
        }
    }

    fn run(mut self) {
        for _ in 0..150 {
            self.step();
        }
        self.is_quiet = true;
        for client in &mut self.clients {
            client.silent_until_ms = 0;
        }
        for _ in 0..200 {
            self.step();
        }
        self.assert_settled();
    }

    fn assert_settled(&mut self) {
        let seed = self.seed;
        let Some(Group::Classic(group)) = self.coordinator.group(&"g".into()) else { panic!("seed {seed}: no group") };
        assert_eq!(group.state(), ClassicState::Stable, "seed {seed}: {group:?} {:?}", self.clients);
        assert_eq!(group.members().len(), MEMBERS, "seed {seed}");
        let owned: Vec<u8> = group.members().values().flat_map(|member| member.assignment.to_vec()).collect();
        let distinct: BTreeSet<u8> = owned.iter().copied().collect();
        assert_eq!((owned.len(), distinct.len()), (usize::from(PARTITIONS), usize::from(PARTITIONS)), "seed {seed}");
        self.rewrite = None;
        self.rewrite();
        while self.rewrite.is_some() {
            self.rewrite();
        }
        assert_eq!(self.log.len(), 1 + self.committed.len(), "seed {seed}: the history after a rewrite is the state");
        self.compare(&self.replayed());
        assert!(self.answers.len() < 100, "seed {seed}: answers that nobody waits for");
    }
}

#[test]
fn group_keeps_its_promises_over_many_seeds() {
    for seed in seeds(1, 1000) {
        World::new(seed).run();
    }
}
