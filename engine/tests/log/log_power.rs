//! Loss of power and kills at every step of I/O, over many seeds: nothing acknowledged is lost, nothing appears that was not sent, and builds
//! with a defect are caught.

use crate::fixture::{Collector, open_unless_full, small_options};
use crate::oracle::{Oracle, Owner, act, check_said, read_state};
use corelog_engine::log::{Defects, LogOptions};
use corelog_rt::file::WriteMode;
use corelog_rt::rand;
use corelog_rt::sim::{Loss, Outcome, Sim};
use corelog_rt::task;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// `CORELOG_SEEDS` makes it longer.
fn seeds(default: u64) -> u64 {
    std::env::var("CORELOG_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn options() -> LogOptions {
    let mut options = small_options();
    options.segment_bytes = 128 << 10;
    options.commit_bytes_max = 16 << 10;
    options.queued_bytes_max = 64 << 10;
    options.read_block_bytes = 8 << 10;
    options
}

/// One life of the log: recovers, checks, works on. The result is what the check found wrong.
async fn live(options: LogOptions, oracle: Rc<RefCell<Oracle>>, actions: u64, clean: bool) -> Result<(), String> {
    let mut collector = Collector::default();
    let Some(log) = open_unless_full(options, &mut collector).await? else { return Ok(()) };
    let found = read_state(&log).await?;
    check_said(&collector.said, &found)?;
    oracle.borrow_mut().recovered(found)?;
    let owner = Rc::new(Owner { oracle: Rc::clone(&oracle), written: RefCell::default(), durable: RefCell::default() });
    log.set_observer(owner);
    log.start();
    let mut settled_before = 0;
    for _ in 0..actions {
        let settled = log.sample().settle_segments;
        oracle.borrow_mut().settled_segments += settled - settled_before;
        settled_before = settled;
        let sequence = act(&log, &oracle, 12_000).await;
        match rand::below(8) {
            0 => {
                log.durable(sequence).await.expect("it is open");
                oracle.borrow_mut().durable(sequence);
            }
            1 => task::yield_now().await,
            2 => {
                let (log, oracle) = (log.clone(), Rc::clone(&oracle));
                task::spawn(async move {
                    if log.durable(sequence).await.is_ok() {
                        oracle.borrow_mut().durable(sequence);
                    }
                });
            }
            3 => {
                let state = read_state(&log).await?;
                drop(state);
            }
            _ => {}
        }
    }
    if clean {
        log.close().await;
        let mut oracle = oracle.borrow_mut();
        let last = oracle.done.last().map_or(oracle.durable, |(_, sequence)| *sequence);
        oracle.durable(last);
    }
    Ok(())
}

/// Runs one seed: several lives, each ended by a crash at a random step (or at `step` for the second), then a last look.
fn run_seed(seed: u64, defects: Defects, step: Option<u64>) -> Result<u64, String> {
    let oracle = Rc::new(RefCell::new(Oracle::default()));
    let lengths = Lengths { actions: 60 + seed % 50, steps: 60, step };
    run_lives(seed, LogOptions { defects, ..options() }, lengths, &oracle)?;
    let acknowledged = oracle.borrow().acknowledged;
    Ok(acknowledged)
}

/// How long the lives of a seed are.
#[derive(Clone, Copy)]
struct Lengths {
    actions: u64,
    /// Crashes come before this many steps of I/O,
    steps: u64,
    /// or at this one in the second life.
    step: Option<u64>,
}

fn run_lives(seed: u64, mut options: LogOptions, lengths: Lengths, oracle: &Rc<RefCell<Oracle>>) -> Result<(), String> {
    let Lengths { actions, steps, step } = lengths;
    let sim = Sim::new(seed);
    options.write_mode = if seed.is_multiple_of(2) { WriteMode::Cached } else { WriteMode::Through };
    options.prewrite = seed % 4 < 2;
    if seed.is_multiple_of(3) {
        options.syncs_in_flight_max = 1;
    }
    sim.disk().set_loss(if seed.is_multiple_of(5) { Loss::All } else { Loss::Random });
    for life in 0..4u64 {
        let crash_at = step.filter(|_| life == 1).unwrap_or(3 + seed.wrapping_mul(life + 7) % steps);
        match (seed + life) % 4 {
            0 if step.is_none() => sim.disk().kill_at_step(crash_at),
            1 if life > 1 => {}
            _ => sim.disk().crash_at_step(crash_at),
        }
        let outcome = sim.run(live(options.clone(), Rc::clone(oracle), actions, (seed + life) % 4 == 1));
        sim.disk().cancel_crash();
        if let Outcome::Done(checked) = outcome {
            checked.map_err(|error| format!("seed {seed}, life {life}: {error}"))?;
        } else if !outcome.is_crash() {
            return Err(format!("seed {seed}, life {life}: {outcome:?}"));
        }
    }
    let last = sim.run(live(options, Rc::clone(oracle), 0, false)).done();
    last.map_err(|error| format!("seed {seed}, last look: {error}"))
}

#[test]
fn nothing_acknowledged_is_lost_over_many_seeds() {
    let mut acknowledged = 0;
    for seed in 0..seeds(2000) {
        acknowledged += run_seed(seed, Defects::default(), None).unwrap();
    }
    assert!(acknowledged > 1000, "only {acknowledged} operations were acknowledged: the test proves little");
}

#[test]
fn nothing_acknowledged_is_lost_at_any_step() {
    for seed in 0..seeds(2000) / 100 {
        for step in 0..120 {
            run_seed(seed * 1000 + 7, Defects::default(), Some(step))
                .unwrap_or_else(|error| panic!("step {step}: {error}"));
        }
    }
}

/// Long lives of a log that settles as soon as anything is wasted: nearly every crash comes while segments are being copied.
#[test]
fn nothing_is_lost_or_comes_back_while_segments_settle() {
    let oracle_of = |seed: u64| {
        let mut options = options();
        options.settle.interval = Duration::from_millis(1 + seed % 5);
        options.settle.waste_share_min = 0.02;
        options.settle.rest_max = Duration::from_millis(seed % 20);
        let oracle = Rc::new(RefCell::new(Oracle::default()));
        let lengths = Lengths { actions: 500 + seed % 200, steps: 900, step: None };
        run_lives(seed, options, lengths, &oracle).unwrap();
        let oracle = oracle.borrow();
        (oracle.acknowledged, oracle.settled_segments)
    };
    let (mut acknowledged, mut settled) = (0, 0);
    for seed in 0..seeds(2000) / 20 {
        let found = oracle_of(seed);
        acknowledged += found.0;
        settled += found.1;
    }
    println!("{acknowledged} operations, {settled} segments settled");
    assert!(acknowledged > 1000 && settled > 100, "{acknowledged} operations, {settled} settled segments");
}

#[test]
fn one_seed_leaves_one_trace() {
    let trace = |seed| {
        let sim = Sim::new(seed);
        let oracle = Rc::new(RefCell::new(Oracle::default()));
        sim.disk().crash_at_step(60);
        let _ = sim.run(live(options(), Rc::clone(&oracle), 200, false));
        sim.run(live(options(), oracle, 50, true)).done().unwrap();
        sim.trace_hash()
    };
    assert_eq!(trace(5), trace(5));
    assert_ne!(trace(5), trace(6));
}

/// The first seed that notices the defect.
fn caught(defects: Defects) -> Option<String> {
    (0..seeds(2000) * 4).find_map(|seed| {
        let outcome = std::panic::catch_unwind(|| run_seed(seed, defects, None));
        match outcome {
            Ok(checked) => checked.err(),
            Err(_) => Some(format!("seed {seed}: an assertion of the log failed")),
        }
    })
}

#[test]
fn acknowledging_before_the_sync_is_caught() {
    let error = caught(Defects { durable_before_sync: true, ..Defects::default() });
    println!("{}", error.expect("a log that acknowledges before its sync loses data"));
}

#[test]
fn recovery_without_batch_checksums_is_caught() {
    let error = caught(Defects { unchecked_batches: true, ..Defects::default() });
    println!("{}", error.expect("a log that believes torn batches shows them"));
}
