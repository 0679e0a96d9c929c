//! One run from topic to result: prepares the topic, opens the connections, starts the threads, samples costs, adds everything up.
//!
//! Called by the commands; runs on the thread of its caller, which sleeps while the workers work.

use std::sync::mpsc::channel;

use anyhow::{Context, Result, bail};
use corelog_tuning::facts::{Facts, data_dir_of};

use super::crew::{Material, recruit, work};
use super::faults::Faults;
use super::idle::Idle;
use super::observer::{Deaf, Observer};
use super::recorder::Recorder;
use super::shared::Shared;
use super::verdict::Ledger;
use super::watch::{Sampled, Times, Watch, interval_result, is_measured};
use super::worker::{Member, Outcome};
use crate::clock::{Clock, SECOND_NS};
use crate::cluster::control::Control;
use crate::cluster::topics;
use crate::cluster::topology::Topology;
use crate::measure::interval::Interval;
use crate::measure::latency::{Percentiles, curve};
use crate::measure::process::{Host, Usage};
use crate::report::result::{Cost, FORMAT, Integrity, RunResult, Throughput};
use crate::workload::{Mode, Workload};

/// From the last preparation to the first request.
const LEAD_NS: u64 = 100_000_000;

/// What belongs to one machine and broker rather than to the load.
#[derive(Clone, Debug)]
pub struct Target {
    /// `HOST:PORT`, several with commas.
    pub bootstrap: String,
    /// Name of the topic, or what the names of several begin with.
    pub topic: String,
    /// Make the topics that do not exist.
    pub create: bool,
    /// Settings of topics that are made.
    pub topic_configs: Vec<(String, String)>,
    /// Remove the topics in the end.
    pub delete: bool,
    /// Processes of the broker.
    pub pids: Vec<u32>,
    /// Cores of the threads, in turn; empty: wherever the kernel likes.
    pub cores: Vec<usize>,
}

/// Runs a workload against a broker. `observer` hears of each interval that is past.
///
/// # Errors
/// What keeps the run from taking place. What goes wrong while it takes place is in the result.
pub fn run(target: &Target, workload: &Workload, observer: &mut dyn Observer) -> Result<RunResult> {
    workload.check()?;
    let mut control = Control::connect_any(&target.bootstrap)?;
    let names = topic_names(&target.topic, workload.topics);
    if target.create {
        let partitions = i32::try_from(workload.partitions).context("too many partitions")?;
        topics::create(&mut control, &names, partitions, workload.replication_factor, &target.topic_configs)?;
    }
    let topology = Topology::ask(&mut control, &names)?;
    let filling = workload.filling();
    if workload.produces() || filling.is_some() {
        topics::prime(&topology)?;
    }
    if let Some(filling) = filling {
        let filled = run_prepared(target, &filling, &mut control, &topology, &mut Deaf)?;
        if !filled.integrity.is_clean() || Some(filled.produced.records) < filling.records {
            bail!("what is to be read was not written whole: {:?}", filled.integrity);
        }
    }
    let outcome = run_prepared(target, workload, &mut control, &topology, observer);
    if target.delete {
        topics::delete(&mut control, &names)?;
    }
    outcome
}

/// Removes the topics of a run that left them.
///
/// # Errors
/// A broker that does not answer, or does not remove them.
pub fn remove(target: &Target, workload: &Workload) -> Result<()> {
    topics::delete(&mut Control::connect_any(&target.bootstrap)?, &topic_names(&target.topic, workload.topics))
}

fn topic_names(topic: &str, count: usize) -> Vec<String> {
    if count == 1 { vec![topic.to_owned()] } else { (0..count).map(|index| format!("{topic}-{index}")).collect() }
}

fn run_prepared(
    target: &Target,
    workload: &Workload,
    control: &mut Control,
    topology: &Topology,
    observer: &mut dyn Observer,
) -> Result<RunResult> {
    let clock = Clock::start();
    let material = Material::new(workload)?;
    let idle = Idle::open(topology, workload.idle_connections)?;
    let crews = recruit(workload, control, topology, clock)?;
    let (versions, threads) = (crews.versions, crews.threads.len());
    let times = Times::of(workload, clock.now_ns() + LEAD_NS);
    let shared = Shared::new(clock, times, workload.records, crews.producers, workload.groups);
    let (sender, receiver) = channel();
    let (sampled, outcomes) = std::thread::scope(|scope| {
        let mut workers = Vec::new();
        for (index, crew) in crews.threads.into_iter().enumerate() {
            let recorder = Recorder::new(times.start_ns, times.interval_ns, sender.clone());
            let core = target.cores.get(index % target.cores.len().max(1)).copied();
            let (shared, material) = (&shared, &material);
            workers.push(scope.spawn(move || work(shared, workload, material, versions, recorder, crew, core)));
        }
        drop(sender);
        let watch = Watch { clock, times, threads, pids: &target.pids };
        let sampled = watch.collect(&receiver, observer);
        if sampled.is_err() {
            shared.abort();
        }
        let outcomes: Vec<_> = workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        (sampled, outcomes)
    });
    let mut ended = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(outcome) => ended.push(outcome?),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    let closed = idle.closed();
    let fault = (closed > 0).then(|| ("an idle connection was closed by the broker".to_owned(), closed));
    Ok(summarize(target, workload, times, &sampled?, ended, fault))
}

fn summarize(
    target: &Target,
    workload: &Workload,
    times: Times,
    sampled: &Sampled,
    outcomes: Vec<Outcome>,
    fault: Option<(String, u64)>,
) -> RunResult {
    let mut total = Interval::new(0);
    for (index, interval) in &sampled.intervals {
        if is_measured(&times, *index) {
            total.add(interval);
        }
    }
    // What is read to its end, or produces so many records, may end before the time is over.
    let planned_seconds = (times.stop_ns - times.measure_ns) as f64 / SECOND_NS as f64;
    let may_end_early = workload.mode == Mode::Consume || workload.records.is_some();
    let seconds = if may_end_early { sampled.seconds } else { planned_seconds };
    let (mut ledger, mut faults) = (Ledger::default(), Faults::default());
    if let Some((words, count)) = fault {
        faults.note_many(words, count);
    }
    for outcome in outcomes {
        faults.add(outcome.faults);
        for (topic, member) in outcome.members {
            match member {
                Member::Producer(producer) => producer.sent().for_each(|sent| ledger.send(topic, sent)),
                Member::Consumer(consumer) => {
                    let group = consumer.group();
                    for lane in consumer.into_lanes() {
                        let partition = lane.partition;
                        for (producer, stream) in lane.into_streams() {
                            ledger.arrive(group, topic, partition, producer, stream);
                        }
                    }
                }
            }
        }
    }
    let groups_following = if workload.mode == Mode::EndToEnd { workload.groups } else { 0 };
    let findings = ledger.findings(groups_following);
    let cost = |usage: Usage| Cost::of(usage, sampled.seconds, total.produced, total.consumed);
    RunResult {
        format: FORMAT,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        started_ms: times.start_ns / 1_000_000,
        host: Host::here(),
        tuning: Some(Facts::here(target.pids.iter().find_map(|pid| data_dir_of(*pid)).as_deref())),
        bootstrap: target.bootstrap.clone(),
        workload: workload.clone(),
        measured_seconds: seconds,
        produced: Throughput::of(total.produced, seconds),
        consumed: Throughput::of(total.consumed, seconds),
        acknowledgement: Percentiles::of(&total.acknowledgement),
        end_to_end: Percentiles::of(&total.end_to_end),
        acknowledgement_curve: curve(&total.acknowledgement),
        end_to_end_curve: curve(&total.end_to_end),
        lateness: Percentiles::of(&total.lateness),
        integrity: Integrity::of(findings, faults.into_counts()),
        generator: cost(sampled.generator),
        broker: sampled.broker.map(cost),
        instructions: sampled.instructions.clone(),
        maximum: None,
        machine: sampled.machine,
        intervals: sampled.intervals.values().map(|interval| interval_result(&times, interval)).collect(),
    }
}
