//! Owns the coordinator of a run with its log, the topics, the clock, and what is on its way.

use std::collections::BTreeMap;
use std::rc::Rc;

use corelog_protocol::Text;

use super::client::Client;
use super::cluster::SimulatedCluster;
use super::commits::Acknowledged;
use super::network::Flight;
use crate::groups::consumer::tests::world::Topics;
use crate::groups::consumer::{ConsumerSettings, MigrationPolicy, Resolution, ResolutionRequest};
use crate::groups::coordinator::Coordinator;
use crate::groups::effects::{Standing, Ticket};
use crate::groups::group::Group;
use crate::groups::moment::Moment;
use crate::groups::records::GroupRecord;
use crate::groups::rewrite::RewriteCursor;
use crate::groups::settings::GroupSettings;
use crate::groups::simulation::dice::Dice;

/// The topics that come and go.
pub const NAMES: [&str; 5] = ["a", "b", "log-1", "log-2", "log-3"];

/// What happened, so that a run that tests nothing is noticed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub upgrades: u64,
    pub downgrades: u64,
    pub restarts: u64,
    pub commits: u64,
    pub refused_commits: u64,
    pub expired: u64,
}

impl Counts {
    /// Adds those of another run.
    pub fn add(&mut self, other: Counts) {
        self.upgrades += other.upgrades;
        self.downgrades += other.downgrades;
        self.restarts += other.restarts;
        self.commits += other.commits;
        self.refused_commits += other.refused_commits;
        self.expired += other.expired;
    }
}

/// One run.
#[derive(Debug)]
pub struct World {
    pub dice: Dice,
    pub group: Text,
    pub now: Moment,
    pub topics: Topics,
    pub consumer_settings: ConsumerSettings,
    settings: Rc<GroupSettings>,
    pub coordinator: Coordinator,
    /// What is in the log.
    pub log: Vec<GroupRecord>,
    pub clients: Vec<Client>,
    /// Whether classic members keep what they have while they join again.
    pub keeps: bool,
    /// By the time of their arrival, then in the order in which they were sent.
    pub flights: BTreeMap<(u64, u64), Flight>,
    tickets: BTreeMap<Ticket, (u64, u64)>,
    numbers: u64,
    pub resolution: Option<ResolutionRequest>,
    pub acknowledged: BTreeMap<(Text, i32), Acknowledged>,
    rewrite: Option<(usize, Option<RewriteCursor>)>,
    /// Whether things go wrong.
    pub is_rough: bool,
    was_consumer: Option<bool>,
    is_traced: bool,
    pub counts: Counts,
}

impl World {
    /// The run of a seed.
    pub fn new(seed: u64) -> World {
        let mut dice = Dice::new(seed);
        let mut topics = Topics::default();
        for (name, most) in NAMES.iter().zip([6, 9, 4]) {
            topics.create(name, i32::try_from(dice.roll(most)).unwrap() + 1);
        }
        let assignment_interval_ms = if dice.one_in(2) { 0 } else { 1_000 };
        let migration = if dice.one_in(4) { MigrationPolicy::Upgrade } else { MigrationPolicy::Bidirectional };
        let consumer_settings = ConsumerSettings { assignment_interval_ms, migration, ..ConsumerSettings::default() };
        let offsets_retention_ms = if dice.one_in(2) { 30_000 } else { 600_000 };
        let settings =
            GroupSettings { initial_rebalance_delay_ms: 500, offsets_retention_ms, ..GroupSettings::default() };
        let settings = Rc::new(settings);
        let coordinator = Coordinator::new(Rc::clone(&settings));
        let keeps = dice.one_in(2);
        let mut world = World {
            dice,
            group: "g".into(),
            now: Moment { ticks_ms: 1, unix_ms: 1_000_000 },
            topics,
            consumer_settings,
            settings,
            coordinator,
            log: Vec::new(),
            clients: Vec::new(),
            keeps,
            flights: BTreeMap::new(),
            tickets: BTreeMap::new(),
            numbers: 0,
            resolution: None,
            acknowledged: BTreeMap::new(),
            rewrite: None,
            is_rough: true,
            was_consumer: None,
            is_traced: std::env::var_os("GROUP_TRACE").is_some(),
            counts: Counts::default(),
        };
        world.coordinator = world.fresh_coordinator();
        world
    }

    fn fresh_coordinator(&self) -> Coordinator {
        let (topics, settings) = (self.topics.clone(), self.consumer_settings.clone());
        Coordinator::new(Rc::clone(&self.settings)).over(Rc::new(SimulatedCluster { topics, settings }))
    }

    /// The coordinator sees the topics as they are now.
    pub fn show_topics(&mut self) {
        let fresh = self.fresh_coordinator();
        let (topics, settings) = (self.topics.clone(), self.consumer_settings.clone());
        let coordinator = std::mem::replace(&mut self.coordinator, fresh);
        self.coordinator = coordinator.over(Rc::new(SimulatedCluster { topics, settings }));
    }

    pub fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub fn ticket(&mut self, client: u64, attempt: u64) -> Ticket {
        let ticket = Ticket(self.next_number());
        self.tickets.insert(ticket, (client, attempt));
        ticket
    }

    /// What the service does after each event. False where the log refused the records: then nobody is answered.
    pub fn settle(&mut self) -> bool {
        let effects = self.coordinator.take_effects();
        for (_, request) in effects.resolutions {
            self.resolution = Some(request);
        }
        if self.is_rough && !effects.records.is_empty() && self.dice.one_in(40) {
            if effects.standing == Standing::Applied {
                self.restart();
            }
            return false;
        }
        for record in &effects.records {
            let encoded = record.encode().expect("a record that can be written");
            let read = GroupRecord::decode(&encoded.key, encoded.value.as_ref()).expect("a record that can be read");
            assert_eq!(read.as_ref(), Some(record));
            self.trace(record);
            self.log.push(record.clone());
            if effects.standing == Standing::Decided {
                self.coordinator.replay(record);
            }
        }
        self.coordinator.check();
        self.count_changes();
        for (ticket, answer) in effects.answers {
            let (client, attempt) = self.tickets.remove(&ticket).expect("a request that was not answered yet");
            self.answer_late(client, attempt, answer);
        }
        true
    }

    fn count_changes(&mut self) {
        let is_consumer = match self.coordinator.group(&self.group) {
            Some(Group::Consumer(group)) if !group.is_empty() => Some(true),
            Some(Group::Classic(group)) if !group.members().is_empty() => Some(false),
            Some(_) | None => None,
        };
        match (self.was_consumer, is_consumer) {
            (Some(false), Some(true)) => self.counts.upgrades += 1,
            (Some(true), Some(false)) => self.counts.downgrades += 1,
            _ => {}
        }
        self.was_consumer = is_consumer;
    }

    /// The coordinator is thrown away and begins again from its log, of which older records of a key may be gone.
    pub fn restart(&mut self) {
        self.trace(&"restart");
        self.counts.restarts += 1;
        if self.dice.one_in(2) {
            self.rewrite = None;
            self.compact();
        }
        self.coordinator = self.replayed();
        (self.rewrite, self.resolution) = (None, None);
        self.tickets.clear();
        self.give_up(true);
        self.coordinator.loaded(self.now);
        // What a load leads to is written like anything else; here it always is, so that this ends.
        let is_rough = std::mem::replace(&mut self.is_rough, false);
        assert!(self.settle());
        self.is_rough = is_rough;
    }

    /// A coordinator made of the log.
    pub fn replayed(&self) -> Coordinator {
        let mut replayed = self.fresh_coordinator();
        for record in &self.log {
            replayed.replay(record);
        }
        replayed.check();
        replayed
    }

    /// Keeps the last record of each key.
    pub fn compact(&mut self) {
        let mut last = BTreeMap::new();
        for (index, record) in self.log.iter().enumerate() {
            last.insert(record.encode().unwrap().key, index);
        }
        let keep: std::collections::BTreeSet<usize> = last.into_values().collect();
        let mut index = 0;
        self.log.retain(|_| {
            index += 1;
            keep.contains(&(index - 1))
        });
    }

    /// Writes the next piece of the state anew; after the last one the log begins where the first one is.
    pub fn rewrite(&mut self) {
        let (start, cursor) = self.rewrite.take().unwrap_or((self.log.len(), None));
        let came_to = self.coordinator.rewrite(cursor.as_ref());
        if !self.settle() {
            return;
        }
        if came_to.is_some() {
            self.rewrite = Some((start, came_to));
        } else {
            self.log.drain(..start);
        }
    }

    /// Serves the timers that are due.
    pub fn serve_timers(&mut self) {
        while self.coordinator.next_deadline_ms().is_some_and(|deadline_ms| deadline_ms <= self.now.ticks_ms) {
            self.coordinator.on_timers(self.now);
            self.settle();
        }
    }

    /// The topics of patterns are found.
    pub fn resolve(&mut self) {
        let Some(request) = self.resolution.take() else { return };
        let mut work = Resolution::new(request);
        while !work.step(&self.topics, 2) {}
        self.coordinator.resolved(&self.group.clone(), work.finish(), self.now);
        self.settle();
    }

    /// With `GROUP_TRACE` set, prints what happens.
    pub fn trace(&self, event: &dyn std::fmt::Debug) {
        if self.is_traced {
            eprintln!("{} {event:?}", self.now.unix_ms);
        }
    }

    /// How many requests wait for their answers.
    pub fn waiting(&self) -> usize {
        self.tickets.len()
    }
}
