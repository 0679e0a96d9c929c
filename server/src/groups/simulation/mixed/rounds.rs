//! Owns the course of a run: a rough time, then a quiet one, then the end of the group.

use std::collections::BTreeSet;

use corelog_protocol::Text;

use super::client::{Client, Mood};
use super::world::{Counts, NAMES, World};
use crate::groups::classic::ClassicState;
use crate::groups::consumer::assignment::Assignment;
use crate::groups::consumer::{ConsumerGroupState, MigrationPolicy};
use crate::groups::group::Group;
use crate::groups::simulation::dice::seeds;

/// Runs unless `GROUP_SEEDS` says otherwise: as many as take a few seconds without optimisation.
const SEED_COUNT: u64 = 60;
const CLIENTS_MAX: usize = 6;
/// Milliseconds between heartbeats.
const BEAT_MS: u64 = 3_000;

impl World {
    fn spawn(&mut self) {
        let number = self.next_number();
        let topics = NAMES.iter().copied().filter(|_| self.dice.one_in(2)).collect();
        let is_classic = self.dice.one_in(2);
        let pattern = (!is_classic && self.dice.one_in(3)).then_some("log-.*");
        let instance = self.dice.one_in(4).then(|| Text::from(format!("i{}", self.dice.roll(2))));
        if instance.is_some() && self.clients.iter().any(|client| client.instance == instance) {
            return;
        }
        self.clients.push(Client {
            number,
            id: if is_classic { Text::default() } else { format!("m{number}").into() },
            instance,
            is_classic,
            topics,
            pattern,
            assignor: self.dice.pick(&[None, Some("uniform"), Some("range")]),
            mood: Mood::Join,
            epoch: if is_classic { -1 } else { 0 },
            owned: Assignment::new(),
            owned_epoch: -1,
            has_news: true,
            led: None,
            waits: None,
            last_arrival_ms: 0,
            beat_ms: 0,
            silent_until_ms: 0,
        });
    }

    fn pass(&mut self, wait_ms: u64) {
        self.now.ticks_ms += wait_ms;
        self.now.unix_ms += i64::try_from(wait_ms).unwrap();
        self.serve_timers();
        self.arrive();
        self.give_up(false);
    }

    fn act(&mut self, index: usize) {
        let (now_ms, client) = (self.now.ticks_ms, &self.clients[index]);
        let is_idle = client.mood == Mood::Beat || !client.is_classic && client.epoch > 0 && !client.has_news;
        let is_early = is_idle && now_ms < client.beat_ms + BEAT_MS;
        if client.waits.is_some() || client.silent_until_ms > now_ms || is_early {
            return;
        }
        if client.is_classic { self.act_classic(index) } else { self.act_consumer(index) }
    }

    fn round(&mut self) {
        let wait_ms = self.dice.roll(1_500);
        self.pass(wait_ms);
        self.disturb();
        for index in 0..self.clients.len() {
            if self.dice.one_in(2) {
                self.act(index);
            }
            if self.dice.one_in(6) {
                self.act_commit(index);
            }
        }
        self.arrive();
        self.check();
    }

    fn disturb(&mut self) {
        let someone =
            (!self.clients.is_empty()).then(|| usize::try_from(self.dice.roll(self.clients.len() as u64)).unwrap());
        match (self.dice.roll(60), someone) {
            (0..6, _) if self.clients.len() < CLIENTS_MAX => self.spawn(),
            (6..9, Some(index)) => self.crash_or_leave(index),
            (9 | 10, _) => self.change_topics(),
            (11, _) => {
                self.check_replay();
                self.restart();
            }
            (12..15, _) => self.rewrite(),
            (15..18, _) => self.resolve(),
            (18, Some(index)) => self.resubscribe(index),
            (19, Some(index)) => {
                self.clients[index].silent_until_ms = self.now.ticks_ms + self.dice.roll(60_000);
            }
            (20, _) => self.intrude(),
            (21, _) => self.expire(),
            (22, _) => self.delete(),
            _ => {}
        }
    }

    fn crash_or_leave(&mut self, index: usize) {
        let is_in = self.clients[index].epoch > 0;
        if is_in && self.dice.one_in(2) {
            if self.clients[index].is_classic { self.leave_classic(index) } else { self.leave_consumer(index) }
        }
        self.clients.swap_remove(index);
    }

    fn change_topics(&mut self) {
        let name = self.dice.pick(&NAMES);
        match self.dice.roll(4) {
            0 => self.topics.delete(name),
            1 => self.topics.grow(name, 2),
            _ => self.topics.create(name, i32::try_from(self.dice.roll(6)).unwrap() + 1),
        }
        self.trace(&self.topics);
        self.show_topics();
        self.forget_topics();
        // Whoever leads a classic group looks after its topics.
        for client in self.clients.iter_mut().filter(|client| client.led.is_some() && client.mood == Mood::Beat) {
            client.mood = Mood::Join;
        }
    }

    fn resubscribe(&mut self, index: usize) {
        let topics = NAMES.iter().copied().filter(|_| self.dice.one_in(2)).collect();
        let client = &mut self.clients[index];
        (client.topics, client.has_news) = (topics, true);
        if client.is_classic && client.epoch > 0 {
            client.mood = Mood::Join;
        }
    }

    /// Nothing goes wrong any more; whoever is left comes to rest.
    fn calm_down(&mut self) {
        self.is_rough = false;
        for client in &mut self.clients {
            client.silent_until_ms = 0;
            client.has_news = true;
            if client.is_classic {
                client.mood = Mood::Join;
            }
        }
        for _ in 0..120 {
            self.pass(2_500);
            self.resolve();
            for _ in 0..4 {
                for index in 0..self.clients.len() {
                    self.act(index);
                }
                self.arrive();
            }
            self.check();
        }
        assert_eq!(self.waiting(), 0, "requests that are never answered");
    }

    fn check_settled(&self) {
        let ids: BTreeSet<Text> = self.clients.iter().map(|client| client.id.clone()).collect();
        let all_classic = self.clients.iter().all(|client| client.is_classic);
        let members: BTreeSet<Text> = match self.coordinator.group(&self.group) {
            None => BTreeSet::new(),
            Some(Group::Classic(group)) => {
                assert!(all_classic, "{group:?}");
                let wanted = if ids.is_empty() { ClassicState::Empty } else { ClassicState::Stable };
                assert_eq!(group.state(), wanted, "{group:?}");
                group.members().keys().cloned().collect()
            }
            Some(Group::Consumer(group)) => {
                let may_stay = self.consumer_settings.migration != MigrationPolicy::Bidirectional;
                assert!(!all_classic || may_stay || ids.is_empty(), "a group of classic members alone: {group:?}");
                let wanted = if ids.is_empty() { ConsumerGroupState::Empty } else { ConsumerGroupState::Stable };
                assert_eq!(group.state(), wanted, "{group:?}");
                for client in &self.clients {
                    assert_eq!(group.members()[client.id.as_str()].position.epoch, client.epoch);
                    // Who subscribes to nothing bumps no epoch, and is in no target.
                    assert_eq!(client.owned, group.target_of(&client.id).cloned().unwrap_or_default());
                }
                group.members().keys().cloned().collect()
            }
        };
        assert_eq!(members, ids);
        let owned = |client: &Client| -> Vec<_> {
            let all = client.owned.iter();
            all.flat_map(|(topic, parts)| parts.iter().map(|part| (*topic, *part))).collect()
        };
        let held: BTreeSet<_> = self.clients.iter().flat_map(owned).collect();
        let is_wanted = |name: &Text| self.clients.iter().any(|client| client.wants(name));
        let all = self.topics.all().filter(|(name, _, _)| is_wanted(name));
        let all: BTreeSet<_> = all.flat_map(|(_, id, count)| (0..count).map(move |part| (id, part))).collect();
        assert_eq!(held, all, "every partition that somebody wants is owned: {:?}", self.clients);
    }

    /// Everybody commits, and everything is accepted.
    fn check_commits(&mut self) {
        let refused = self.counts.refused_commits;
        for index in 0..self.clients.len() {
            self.act_commit(index);
        }
        self.arrive();
        assert_eq!(self.counts.refused_commits, refused, "a commit of a member at rest is refused");
        self.check_offsets();
    }

    /// All leave; once their offsets have expired, nothing is left.
    fn end(&mut self) {
        while !self.clients.is_empty() {
            self.crash_or_leave(0);
            self.arrive();
            self.check();
        }
        // Sessions end, rebalances too, and then the time to keep offsets.
        for _ in 0..4 {
            self.pass(200_000);
        }
        let retention_ms = self.coordinator.settings().offsets_retention_ms;
        self.pass(u64::try_from(retention_ms).unwrap());
        self.expire();
        assert!(self.coordinator.is_empty(), "{:?}", self.coordinator);
        assert_eq!((self.coordinator.memory_bytes(), self.coordinator.next_deadline_ms()), (0, None));
        self.check_log();
        assert!(self.acknowledged.is_empty());
    }

    fn run(mut self) -> Counts {
        for _ in 0..150 {
            self.round();
        }
        self.calm_down();
        self.check_settled();
        self.check_commits();
        self.check_log();
        self.check_replay();
        self.end();
        self.counts
    }
}

#[test]
fn groups_of_both_protocols_keep_their_promises_over_many_seeds() {
    let mut sum = Counts::default();
    let all = seeds(0, SEED_COUNT);
    for seed in all.clone() {
        match std::panic::catch_unwind(|| World::new(seed).run()) {
            Ok(counts) => sum.add(counts),
            Err(panic) => {
                eprintln!("seed {seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    println!("{sum:?}");
    let Counts { upgrades, downgrades, restarts, commits, refused_commits, expired } = sum;
    let least = [upgrades, downgrades, restarts, commits, refused_commits, expired].into_iter().min();
    assert!(least.unwrap_or(0) >= (all.end - all.start) / 10, "too little happened: {sum:?}");
}
