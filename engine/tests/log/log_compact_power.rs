//! Loss of power and kills at every step of I/O while partitions are compacted: the newest record of each key that was acknowledged is there, and no
//! record that was gone comes back.

use crate::compaction::{Compacted, Keyed, append_random, read_records};
use crate::fixture::{Collector, key, open_unless_full, small_options};
use corelog_engine::ids::{CommitSequence, Offset};
use corelog_engine::log::{LogOptions, ShardLog};
use corelog_rt::file::WriteMode;
use corelog_rt::sim::{Loss, Sim};
use corelog_rt::{rand, time};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// Two that are compacted, and one beside them that loses its oldest records.
const PARTITIONS: u32 = 3;
const PLAIN: u32 = 2;

#[derive(Debug, Default)]
struct Model {
    partitions: [RefCell<Keyed>; PARTITIONS as usize],
    /// Ends that were acknowledged as durable.
    durable: RefCell<[i64; PARTITIONS as usize]>,
    passes: RefCell<u64>,
    removed: RefCell<u64>,
}

fn options(seed: u64) -> LogOptions {
    let mut options = small_options();
    options.segment_bytes = 128 << 10;
    options.commit_bytes_max = 16 << 10;
    options.queued_bytes_max = 64 << 10;
    options.read_block_bytes = 8 << 10;
    options.write_mode = if seed.is_multiple_of(2) { WriteMode::Cached } else { WriteMode::Through };
    options.settle.interval = Duration::from_millis(1 + seed % 5);
    options.settle.waste_share_min = if seed.is_multiple_of(3) { 0.33 } else { 0.02 };
    options.settle.rest_max = Duration::from_millis(seed % 2);
    options.compaction.interval = Duration::from_millis(1 + seed % 7);
    options.compaction.map_bytes_max = if seed.is_multiple_of(4) { 6 << 10 } else { 1 << 20 };
    options
}

async fn check(log: &ShardLog, model: &Model) -> Result<(), String> {
    for partition in 0..PARTITIONS {
        let durable = model.durable.borrow()[partition as usize];
        let Some((start, end)) = log.partition_range(key(partition)) else {
            if durable > 0 {
                return Err(format!("partition {partition} is gone"));
            }
            *model.partitions[partition as usize].borrow_mut() = Keyed::default();
            continue;
        };
        if end.0 < durable {
            return Err(format!("partition {partition} ends at {end}, {durable} was acknowledged"));
        }
        let (found, _) = read_records(log, key(partition), start, end).await?;
        let mut keyed = model.partitions[partition as usize].borrow_mut();
        keyed.check(start.0, end.0, &found).map_err(|error| format!("partition {partition}: {error}"))?;
        if partition == PLAIN && !keyed.gone.is_empty() {
            return Err(format!("records of a partition that is not compacted are gone: {:?}", keyed.gone));
        }
    }
    Ok(())
}

/// One life of the log: recovers, checks, works on. Now and then it looks at everything while it works.
async fn live(options: LogOptions, model: Rc<Model>, actions: u64) -> Result<(), String> {
    let mut collector = Collector::default();
    let Some(log) = open_unless_full(options, &mut collector).await? else { return Ok(()) };
    check(&log, &model).await?;
    let observer = Compacted::new([0, 1], 5);
    observer.found(&log);
    for partition in 0..PARTITIONS {
        let end = log.partition_range(key(partition)).map_or(0, |(_, end)| end.0);
        model.durable.borrow_mut()[partition as usize] = end;
    }
    log.set_observer(Rc::<Compacted>::clone(&observer));
    log.start();
    let mut counted = log.sample().compaction;
    for _ in 0..actions {
        let partition = rand::below(u64::from(PARTITIONS)) as u32;
        let keyed = &model.partitions[partition as usize];
        let mut sequence = append_random(&log, key(partition), keyed, 25).await;
        if rand::below(8) == 0 {
            let end = keyed.borrow().sent.len() as i64;
            let back = if partition == PLAIN { 60 } else { 600 };
            sequence = log.log_start(key(partition), Offset((end - back).max(0))).map_err(|error| error.to_string())?;
        }
        match rand::below(12) {
            0 => make_durable(&log, &model, sequence).await,
            1 => time::sleep(Duration::from_millis(1 + rand::below(30))).await,
            2 if rand::below(6) == 0 => {
                make_durable(&log, &model, sequence).await;
                check(&log, &model).await?;
            }
            _ => {}
        }
        let now = log.sample().compaction;
        *model.passes.borrow_mut() += now.passes - counted.passes;
        *model.removed.borrow_mut() += now.records_removed - counted.records_removed;
        counted = now;
    }
    make_durable(&log, &model, log.log_start(key(0), Offset(0)).map_err(|error| error.to_string())?).await;
    if rand::below(2) == 0 {
        log.close().await;
    }
    Ok(())
}

async fn make_durable(log: &ShardLog, model: &Model, sequence: CommitSequence) {
    let ends: Vec<i64> = model.partitions.iter().map(|keyed| keyed.borrow().sent.len() as i64).collect();
    log.durable(sequence).await.expect("it is open");
    for (durable, end) in model.durable.borrow_mut().iter_mut().zip(ends) {
        *durable = end;
    }
}

fn run_seed(seed: u64, model: &Rc<Model>) -> Result<(), String> {
    let sim = Sim::new(seed);
    let options = options(seed);
    sim.disk().set_loss(if seed.is_multiple_of(5) { Loss::All } else { Loss::Random });
    for life in 0..5u64 {
        let crash_at = 20 + seed.wrapping_mul(life * 31 + 7) % 1500;
        match (seed + life) % 4 {
            0 => sim.disk().kill_at_step(crash_at),
            1 if life > 1 => {}
            _ => sim.disk().crash_at_step(crash_at),
        }
        let outcome = sim.run(live(options.clone(), Rc::clone(model), 300 + seed % 300));
        sim.disk().cancel_crash();
        if outcome.is_crash() {
            continue;
        }
        outcome.done().map_err(|error| format!("seed {seed}, life {life}: {error}"))?;
    }
    let last = sim.run(live(options, Rc::clone(model), 0)).done();
    last.map_err(|error| format!("seed {seed}, last look: {error}"))
}

#[test]
fn nothing_newest_is_lost_and_nothing_gone_comes_back() {
    let seeds = std::env::var("CORELOG_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2000u64) / 20;
    let (mut passes, mut removed) = (0, 0);
    for seed in 0..seeds {
        let model = Rc::new(Model::default());
        run_seed(seed, &model).unwrap();
        passes += *model.passes.borrow();
        removed += *model.removed.borrow();
    }
    println!("{passes} passes over partitions, {removed} records removed");
    assert!(passes > 100 && removed > 1000, "{passes} passes, {removed} records removed");
}
