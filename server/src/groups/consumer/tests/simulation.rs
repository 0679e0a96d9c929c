//! Hundreds of groups with members of both protocols that come, go, crash, and lose or repeat requests, while topics change and the
//! coordinator is rebuilt from its log, compacted or not. At no time do two members hold a partition; once quiet, everybody holds
//! what the target gives, and the log holds nothing of those that are gone.

use std::collections::{BTreeMap, BTreeSet};

use corelog_protocol::Text;
use corelog_protocol::messages::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;

use super::migration::{classic_heartbeat, classic_join, classic_sync};
use super::world::{Topics, context, given, heartbeat, join};
use crate::groups::consumer::assignment::{Assignment, partitions_of};
use crate::groups::consumer::embedded;
use crate::groups::consumer::pattern::{Resolution, ResolutionRequest};
use crate::groups::consumer::{
    ConsumerGroup, ConsumerGroupError, ConsumerGroupState, ConsumerSettings, MigrationPolicy, Step,
};
use crate::groups::records::GroupRecord;

/// Groups that are simulated unless `GROUP_SEEDS` says otherwise, from `GROUP_SEED` on: as many as take a few seconds without
/// optimisation.
const SEED_COUNT: u64 = 300;
const NAMES: [&str; 5] = ["a", "b", "log-1", "log-2", "log-3"];

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

#[derive(Clone, Debug)]
struct Client {
    id: String,
    instance: Option<String>,
    classic: bool,
    topics: Vec<&'static str>,
    pattern: Option<&'static str>,
    assignor: Option<&'static str>,
    epoch: i32,
    owned: Assignment,
    /// A classic client joined and has yet to ask for its assignment.
    must_sync: bool,
    must_join: bool,
    changed: bool,
}

struct World {
    dice: Dice,
    now_ms: i64,
    topics: Topics,
    settings: ConsumerSettings,
    group: ConsumerGroup,
    log: Vec<GroupRecord>,
    clients: Vec<Client>,
    pending: Option<ResolutionRequest>,
    next_client: u32,
    lossy: bool,
}

impl World {
    fn new(seed: u64) -> World {
        let mut dice = Dice(seed);
        let counts = [dice.roll(6), dice.roll(9), dice.roll(4)];
        let mut topics = Topics::default();
        for (name, count) in NAMES.iter().zip(counts) {
            topics.create(name, i32::try_from(count).unwrap() + 1);
        }
        let interval_ms = if dice.one_in(2) { 0 } else { 1_000 };
        let migration = MigrationPolicy::Upgrade;
        let settings =
            ConsumerSettings { assignment_interval_ms: interval_ms, migration, ..ConsumerSettings::default() };
        let group = ConsumerGroup::new("g".into());
        World {
            dice,
            now_ms: 1,
            topics,
            settings,
            group,
            log: Vec::new(),
            clients: Vec::new(),
            pending: None,
            next_client: 0,
            lossy: true,
        }
    }

    /// Keeps what a step changed; a log that is full refuses it, and the group is read again.
    fn write<A>(&mut self, step: Step<A>) -> Option<A> {
        assert!(step.downgrade.is_none());
        if self.lossy && !step.changes.records.is_empty() && self.dice.one_in(40) {
            self.restart();
            return None;
        }
        let Step { changes, resolve, answer, .. } = step;
        self.log.extend(changes.records);
        if resolve.is_some() {
            self.pending = resolve;
        }
        Some(answer)
    }

    fn spawn(&mut self) {
        self.next_client += 1;
        let number = self.next_client;
        let topics: Vec<&str> = NAMES.iter().copied().filter(|_| self.dice.one_in(2)).collect();
        let classic = self.dice.one_in(4);
        let pattern = (!classic && self.dice.one_in(3)).then_some("log-.*");
        let instance = self.dice.one_in(5).then(|| format!("i{}", self.dice.roll(2)));
        if instance.is_some() && self.clients.iter().any(|client| client.instance == instance) {
            return;
        }
        let assignor = [None, Some("uniform"), Some("range")][self.dice.roll(3) as usize];
        let id = format!("m{number}");
        self.clients.push(Client {
            id: if classic && instance.is_some() { String::new() } else { id },
            instance,
            classic,
            topics,
            pattern,
            assignor,
            epoch: 0,
            owned: Assignment::new(),
            must_sync: false,
            must_join: true,
            changed: false,
        });
    }

    fn round(&mut self) {
        self.now_ms += i64::try_from(self.dice.roll(3_000)).unwrap();
        match self.dice.roll(40) {
            0..3 if self.clients.len() < 7 => self.spawn(),
            3 if !self.clients.is_empty() => self.crash_or_leave(),
            4 => self.change_topics(),
            5 => {
                let before = self.group.snapshot();
                self.restart();
                assert_eq!(self.group.snapshot(), before);
            }
            6 => self.tick(),
            7 => self.resolve(),
            8 if !self.clients.is_empty() => self.resubscribe(),
            _ if !self.clients.is_empty() => {
                let index = self.dice.roll(self.clients.len() as u64) as usize;
                self.beat(index);
            }
            _ => {}
        }
        self.check();
    }

    fn crash_or_leave(&mut self) {
        let index = self.dice.roll(self.clients.len() as u64) as usize;
        let client = self.clients.swap_remove(index);
        if client.classic || client.epoch <= 0 || self.dice.one_in(2) {
            return;
        }
        let epoch = if client.instance.is_some() && self.dice.one_in(2) { -2 } else { -1 };
        let mut request = heartbeat(&client.id, epoch, None);
        request.instance_id = client.instance.as_deref().map(Text::from);
        let cx = context(self.now_ms, &self.topics, &self.settings);
        if let Ok(step) = self.group.heartbeat(&request, &cx) {
            self.write(step);
        }
    }

    fn change_topics(&mut self) {
        let name = NAMES[self.dice.roll(5) as usize];
        match self.dice.roll(4) {
            0 => self.topics.delete(name),
            1 => self.topics.grow(name, 2),
            _ => self.topics.create(name, i32::try_from(self.dice.roll(6)).unwrap() + 1),
        }
    }

    fn resubscribe(&mut self) {
        let index = self.dice.roll(self.clients.len() as u64) as usize;
        let topics = NAMES.iter().copied().filter(|_| self.dice.one_in(2)).collect();
        let client = &mut self.clients[index];
        (client.topics, client.changed, client.must_join) = (topics, true, true);
    }

    fn tick(&mut self) {
        let cx = context(self.now_ms, &self.topics, &self.settings);
        let step = self.group.tick(&cx);
        self.write(step);
    }

    fn resolve(&mut self) {
        let Some(request) = self.pending.take() else { return };
        let mut work = Resolution::new(request);
        while !work.step(&self.topics, 2) {}
        let step = self.group.resolved(work.finish(), &self.topics, self.now_ms);
        self.write(step);
    }

    /// The coordinator comes back from its log, of which older records of a key may be gone.
    fn restart(&mut self) {
        if self.dice.one_in(2) {
            self.compact();
        }
        let mut group = ConsumerGroup::new("g".into());
        for record in &self.log {
            group.replay(record);
        }
        group.start_deadlines(&context(self.now_ms, &self.topics, &self.settings));
        self.group = group;
        self.pending = None;
    }

    fn compact(&mut self) {
        let mut last = BTreeMap::new();
        for (index, record) in self.log.iter().enumerate() {
            last.insert(record.encode().unwrap().key, index);
        }
        let keep: BTreeSet<usize> = last.into_values().collect();
        let mut index = 0;
        self.log.retain(|_| {
            index += 1;
            keep.contains(&(index - 1))
        });
    }

    fn beat(&mut self, index: usize) {
        if self.lossy && self.dice.one_in(8) {
            self.clients[index].changed = true;
            return;
        }
        let heard = if self.clients[index].classic { self.beat_classic(index) } else { self.beat_consumer(index) };
        // Who does not know whether it was heard tells everything again.
        self.clients[index].changed |= !heard;
    }

    fn consumer_request(&mut self, index: usize) -> ConsumerGroupHeartbeatRequest {
        let full = self.lossy && self.dice.one_in(3);
        let client = &mut self.clients[index];
        let mut request = if client.epoch == 0 {
            join(&client.id, &client.topics)
        } else {
            heartbeat(&client.id, client.epoch, Some(&client.owned))
        };
        if client.epoch == 0 || client.changed || full {
            request.rebalance_timeout_ms = 20_000;
            request.subscribed_topic_names = Some(client.topics.iter().map(|name| Text::from(*name)).collect());
            request.subscribed_topic_regex = client.pattern.map(Text::from);
            request.server_assignor = client.assignor.map(Text::from);
        }
        request.instance_id = client.instance.as_deref().map(Text::from);
        request
    }

    fn beat_consumer(&mut self, index: usize) -> bool {
        let request = self.consumer_request(index);
        let times = if self.lossy && self.dice.one_in(10) { 2 } else { 1 };
        let mut answer = None;
        for _ in 0..times {
            let cx = context(self.now_ms, &self.topics, &self.settings);
            let next = match self.group.heartbeat(&request, &cx) {
                Ok(step) => self.write(step).map(Ok),
                Err(error) => Some(Err(error)),
            };
            // The client hears the first answer; one that hears none tells everything again.
            answer = answer.or(next);
        }
        if self.lossy && self.dice.one_in(8) {
            return false;
        }
        let client = &mut self.clients[index];
        match answer {
            None | Some(Err(ConsumerGroupError::UnreleasedInstance { .. })) => false,
            Some(Ok(answer)) => {
                client.epoch = answer.member_epoch;
                client.changed = false;
                if let Some(given) = given(&answer) {
                    client.owned = given;
                }
                true
            }
            Some(Err(
                ConsumerGroupError::FencedEpoch { .. }
                | ConsumerGroupError::UnknownMember { .. }
                | ConsumerGroupError::UnknownInstance(_)
                | ConsumerGroupError::FencedInstance { .. },
            )) => {
                (client.epoch, client.owned) = (0, Assignment::new());
                true
            }
            Some(Err(error)) => panic!("{error}"),
        }
    }

    fn beat_classic(&mut self, index: usize) -> bool {
        let client = self.clients[index].clone();
        let instance = client.instance.as_deref().map(Text::from);
        let cx = context(self.now_ms, &self.topics, &self.settings);
        let outcome = if client.must_join {
            let names = |id| self.topics.all().find(|(_, known, _)| *known == id).map(|(name, _, _)| name.to_string());
            let owned: Vec<(String, Vec<i32>)> = client
                .owned
                .iter()
                .filter_map(|(id, parts)| Some((names(*id)?, parts.iter().copied().collect())))
                .collect();
            let owned: Vec<(&str, Vec<i32>)> =
                owned.iter().map(|(name, parts)| (name.as_str(), parts.clone())).collect();
            let mut request = classic_join(&client.id, &client.topics, &owned);
            request.group_instance_id = instance;
            self.group.classic_join(&request, 9, &cx).map(|step| {
                self.write(step).map(|answer| {
                    let client = &mut self.clients[index];
                    (client.id, client.epoch) = (answer.member_id.to_string(), answer.generation_id);
                    (client.must_join, client.must_sync) = (false, true);
                })
            })
        } else if client.must_sync {
            let mut request = classic_sync(&client.id, client.epoch);
            request.group_instance_id = instance;
            self.group.classic_sync(&request, &cx).map(|step| {
                self.write(step).map(|answer| {
                    let owned = embedded::assignment(&answer.assignment, &self.topics).unwrap();
                    (self.clients[index].owned, self.clients[index].must_sync) = (owned, false);
                })
            })
        } else {
            let mut request = classic_heartbeat(&client.id, client.epoch);
            request.group_instance_id = instance;
            self.group
                .classic_heartbeat(&request, &cx)
                .map(|step| self.write(step).map(|again| self.clients[index].must_join = again))
        };
        let client = &mut self.clients[index];
        match outcome {
            Ok(done) => return done.is_some(),
            Err(ConsumerGroupError::RebalanceInProgress { .. }) => client.must_join = true,
            Err(ConsumerGroupError::MemberIdRequired(id)) => client.id = id.to_string(),
            Err(
                ConsumerGroupError::IllegalGeneration { .. }
                | ConsumerGroupError::UnknownMember { .. }
                | ConsumerGroupError::UnknownInstance(_)
                | ConsumerGroupError::NotClassicMember(_)
                | ConsumerGroupError::FencedInstance { .. },
            ) => {
                (client.epoch, client.owned, client.must_join) = (0, Assignment::new(), true);
                if client.instance.is_some() {
                    client.id = String::new();
                }
            }
            Err(error) => panic!("{error}"),
        }
        true
    }

    /// No partition has two holders, neither for the coordinator nor among the members that it hears of.
    fn check(&self) {
        let mut holders = BTreeMap::new();
        for (id, member) in self.group.members() {
            for holding in [&member.position.assigned, &member.position.revoking] {
                for (topic, partitions) in holding {
                    for partition in partitions.keys() {
                        assert!(self.group.is_held(*topic, *partition));
                        assert_eq!(holders.insert((*topic, *partition), id), None, "two holders of {partition}");
                    }
                }
            }
        }
        let mut owners = BTreeMap::new();
        for client in self.clients.iter().filter(|client| self.is_current(client)) {
            for (topic, partitions) in &client.owned {
                for partition in partitions {
                    assert_eq!(owners.insert((*topic, *partition), &client.id), None, "two owners of {partition}");
                }
            }
        }
    }

    /// Whether the group still counts the client in; one that it does not will be told at its next request.
    fn is_current(&self, client: &Client) -> bool {
        let Some(member) = self.group.members().get(client.id.as_str()) else { return false };
        let position = &member.position;
        member.is_classic() == client.classic
            && (position.epoch == client.epoch || position.epoch_previous == client.epoch)
            && client.owned.iter().all(|(topic, parts)| {
                parts.iter().all(|part| {
                    [&position.assigned, &position.revoking]
                        .iter()
                        .any(|holding| crate::groups::consumer::assignment::holds(holding, *topic, *part))
                })
            })
    }

    fn calm_down(&mut self) {
        self.lossy = false;
        for _ in 0..25 {
            for index in 0..self.clients.len() {
                for _ in 0..3 {
                    self.beat(index);
                }
                self.check();
            }
            self.resolve();
            self.now_ms += 5_000;
            self.tick();
        }
        let ids: BTreeSet<&str> = self.group.members().keys().map(Text::as_str).collect();
        assert_eq!(ids, self.clients.iter().map(|client| client.id.as_str()).collect());
        let wanted = if ids.is_empty() { ConsumerGroupState::Empty } else { ConsumerGroupState::Stable };
        assert_eq!(self.group.state(), wanted);
        let mut held = BTreeSet::new();
        for client in &self.clients {
            let position = &self.group.members()[client.id.as_str()].position;
            assert_eq!((partitions_of(&position.assigned), position.epoch), (client.owned.clone(), client.epoch));
            // Who subscribes to nothing bumps no epoch, and is in no target.
            assert_eq!(client.owned, self.group.target_of(&client.id).cloned().unwrap_or_default());
            held.extend(client.owned.iter().flat_map(|(topic, parts)| parts.iter().map(|part| (*topic, *part))));
        }
        let subscribed = |name: &Text| {
            self.clients.iter().any(|client| {
                client.topics.contains(&name.as_str()) || client.pattern.is_some() && name.starts_with("log-")
            })
        };
        let all = self.topics.all().filter(|(name, _, _)| subscribed(name));
        let all: BTreeSet<_> = all.flat_map(|(_, id, count)| (0..count).map(move |part| (id, part))).collect();
        assert_eq!(held, all, "every partition that somebody wants is held");
    }

    fn check_log(&mut self) {
        self.compact();
        let alive = self.log.iter().filter(|record| record.encode().unwrap().value.is_some()).count();
        let patterns = self.group.members().values().any(|member| member.facts.pattern().is_some());
        assert!(
            alive <= 3 * self.clients.len() + 2 + usize::from(patterns),
            "the log keeps {alive} records for {} members",
            self.clients.len()
        );
        let before = self.group.snapshot();
        self.restart();
        assert_eq!(self.group.snapshot(), before);
    }
}

#[test]
fn members_of_both_protocols_converge_whatever_happens() {
    let number =
        |name: &str, otherwise: u64| std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number"));
    let (first, count) = (number("GROUP_SEED", 0), number("GROUP_SEEDS", SEED_COUNT));
    for seed in first..first + count {
        let result = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            for _ in 0..120 {
                world.round();
            }
            world.calm_down();
            world.check_log();
        });
        if let Err(panic) = result {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
