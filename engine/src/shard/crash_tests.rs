//! Power loss and kills at every I/O step of an engine's life, in simulation: what was answered is there afterwards, and nothing that
//! nobody asked for.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use corelog_rt::file::WriteMode;
use corelog_rt::sim::{Outcome, Sim, run_shards};

use super::tests::{append, create, engine_of, set, settings, values};
use super::*;
use crate::config::ConfigScope;
use crate::metadata::TopicReference;

/// What the engine answered before it died.
#[derive(Default)]
struct Answered {
    /// How many topics were created, `topic-0` first.
    created: Cell<usize>,
    /// How many of those were deleted again, `topic-0` first.
    deleted: Cell<usize>,
    /// The last value of the config.
    config: Cell<usize>,
    /// Every producer id.
    producer_ids: RefCell<Vec<i64>>,
    /// The records of partition 0 of `data`, as acknowledged with acks=all.
    records: RefCell<Vec<String>>,
}

/// Does a bit of everything, for ever.
async fn work(shard: Rc<Shard>, answered: Rc<Answered>, life: usize) {
    if shard.image().topic("data").is_none() {
        create(&shard, "data", 2).await;
    }
    loop {
        let number = answered.created.get();
        if shard.image().topic(&format!("topic-{number}")).is_none() {
            create(&shard, &format!("topic-{number}"), 3).await;
        }
        answered.created.set(number + 1);
        let value = answered.config.get() + 1;
        let changes = set(ConfigScope::Topic, "data", "retention.ms", &value.to_string());
        assert_eq!(shard.alter_configs(changes, false, false).await, [Ok(())]);
        answered.config.set(value);
        let id = shard.next_producer_id().await.expect("an id");
        assert!(!answered.producer_ids.borrow().contains(&id), "a producer id was given out twice");
        answered.producer_ids.borrow_mut().push(id);
        let record = format!("{life}-{number}");
        append(&shard, "data", 0, record.clone()).await;
        answered.records.borrow_mut().push(record);
        if number % 3 == 2 {
            let name = format!("topic-{}", answered.deleted.get());
            if shard.image().topic(&name).is_some() {
                let answers = shard.delete_topics(vec![TopicReference::Name(name)]).await;
                assert!(matches!(answers.as_slice(), [Ok(_)]), "{answers:?}");
            }
            answered.deleted.set(answered.deleted.get() + 1);
        }
    }
}

/// Everything that was answered is there.
async fn check(shard: &Rc<Shard>, answered: &Answered) {
    let (created, deleted) = (answered.created.get(), answered.deleted.get());
    for number in 0..created {
        let name = format!("topic-{number}");
        let partitions = shard.image().topic(&name).map(|topic| topic.partitions.len());
        // The one after those that are known to be deleted may be on its way.
        let expected = if number < deleted { None } else { Some(3) };
        assert!(partitions == expected || (number == deleted && partitions.is_none()), "{name}: {partitions:?}");
    }
    assert!(shard.image().topic(&format!("topic-{}", created + 1)).is_none(), "a topic that nobody asked for");
    if shard.image().topic("data").is_none() {
        assert!(answered.records.borrow().is_empty(), "the topic of acknowledged records is gone");
        return;
    }
    let configs = shard.image().configs(ConfigScope::Topic, "data").get("retention.ms").cloned();
    let value = configs.map_or(0, |value| value.parse::<usize>().expect("a number"));
    assert!((answered.config.get()..=answered.config.get() + 1).contains(&value), "config {value}");
    let found = values(shard, "data", 0).await;
    let mut rest = found.iter();
    for record in answered.records.borrow().iter() {
        assert!(rest.any(|found| found == record), "record {record} is missing or out of order in {found:?}");
    }
}

/// Runs an engine of `shards` until the simulated machine dies; says how.
fn live(sim: &Sim, shards: usize, answered: &Rc<Answered>, life: usize) -> Outcome<()> {
    let mut settings = settings("/data/engine".as_ref(), shards);
    settings.segment_bytes = Some(1 << 20);
    settings.log.prewrite = false;
    settings.log.write_mode = if life.is_multiple_of(2) { WriteMode::Through } else { WriteMode::Cached };
    let answered = Rc::clone(answered);
    let engine = Engine::new(settings);
    sim.run(run_shards(shards, move |shard| {
        let (engine, answered) = (engine.clone(), Rc::clone(&answered));
        engine_of(engine, shard, move |shard| {
            let answered = Rc::clone(&answered);
            async move {
                check(&shard, &answered).await;
                // What the check found on top of what was answered counts as answered from now on.
                settle(&shard, &answered).await;
                work(shard, answered, life).await;
            }
        })
    }))
}

async fn settle(shard: &Rc<Shard>, answered: &Answered) {
    if shard.image().topic("data").is_none() {
        return;
    }
    let found = values(shard, "data", 0).await;
    *answered.records.borrow_mut() = found;
    let configs = shard.image().configs(ConfigScope::Topic, "data").get("retention.ms").cloned();
    answered.config.set(configs.map_or(0, |value| value.parse().expect("a number")));
}

#[test]
fn nothing_answered_is_lost_wherever_the_power_goes() {
    let mut answers = 0;
    for seed in 0..60 {
        let sim = Sim::new(seed);
        let answered = Rc::new(Answered::default());
        for life in 0..4 {
            // From within the very first start to deep in the work.
            sim.disk().crash_at_step((seed * 7 + life * 13) % 97 + life * 20);
            let outcome = live(&sim, [2, 3, 1, 2][life as usize], &answered, life as usize);
            assert!(outcome.is_crash(), "seed {seed}, life {life}: {outcome:?}");
        }
        answers += answered.created.get() + answered.records.borrow().len();
    }
    assert!(answers > 200, "the power went too early to show anything: {answers} answers");
}

#[test]
fn nothing_answered_is_lost_wherever_the_process_is_killed() {
    for seed in 0..30 {
        let sim = Sim::new(seed);
        let answered = Rc::new(Answered::default());
        for life in 0..4 {
            sim.disk().kill_at_step((seed * 5 + life * 11) % 89 + life * 20);
            let outcome = live(&sim, [1, 2, 2, 3][life as usize], &answered, life as usize);
            assert!(outcome.is_crash(), "seed {seed}, life {life}: {outcome:?}");
        }
    }
}

#[test]
fn one_seed_leaves_the_same_trace_twice() {
    let trace = || {
        let sim = Sim::new(11);
        let answered = Rc::new(Answered::default());
        sim.disk().crash_at_step(150);
        assert!(live(&sim, 2, &answered, 0).is_crash());
        sim.trace_hash()
    };
    assert_eq!(trace(), trace());
}
