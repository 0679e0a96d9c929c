//! One run from topic to result: prepares the topic, opens the connections, starts the threads, samples costs, adds everything up.
//!
//! Called by the commands; runs on the thread of its caller, which sleeps while the workers work.

use std::rc::Rc;
use std::sync::mpsc::channel;

use anyhow::{Context, Result, bail};
use corelog_protocol::ApiKey;
use corelog_tuning::facts::{Facts, data_dir_of};

use super::consumer::{Consumer, FetchShape, Lane};
use super::faults::Faults;
use super::plan::{Share, share_out};
use super::producer::{Producer, ProducerOptions};
use super::recorder::Recorder;
use super::schedule::Schedule;
use super::shared::Shared;
use super::verdict::Ledger;
use super::watch::{Sampled, Times, Watch, interval_result, is_measured};
use super::worker::{Member, Outcome, Worker};
use crate::clock::{Clock, SECOND_NS};
use crate::cluster::control::{self, Control};
use crate::cluster::topics;
use crate::cluster::topology::Topology;
use crate::measure::interval::Interval;
use crate::measure::latency::{Percentiles, curve};
use crate::measure::process::{Host, Usage};
use crate::report::result::{Cost, FORMAT, Integrity, IntervalResult, RunResult, Throughput};
use crate::wire::outbound::{Author, RequestShape};
use crate::wire::template::{RecordShape, Template};
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

/// Runs a workload against a broker. `progress` is called with each interval that is past.
///
/// # Errors
/// What keeps the run from taking place. What goes wrong while it takes place is in the result.
pub fn run(target: &Target, workload: &Workload, progress: &mut dyn FnMut(&IntervalResult)) -> Result<RunResult> {
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
        let filled = run_prepared(target, &filling, &mut control, &topology, &mut |_| {})?;
        if !filled.integrity.is_clean() || Some(filled.produced.records) < filling.records {
            bail!("what is to be read was not written whole: {:?}", filled.integrity);
        }
    }
    let outcome = run_prepared(target, workload, &mut control, &topology, progress);
    if target.delete {
        topics::delete(&mut control, &names)?;
    }
    outcome
}

fn topic_names(topic: &str, count: usize) -> Vec<String> {
    if count == 1 { vec![topic.to_owned()] } else { (0..count).map(|index| format!("{topic}-{index}")).collect() }
}

fn run_prepared(
    target: &Target,
    workload: &Workload,
    control: &mut Control,
    topology: &Topology,
    progress: &mut dyn FnMut(&IntervalResult),
) -> Result<RunResult> {
    let clock = Clock::start();
    let producers = if workload.produces() { share_out(topology, workload.connections, false)? } else { Vec::new() };
    let mut crews: Vec<Vec<Recruit>> = (0..workload.threads).map(|_| Vec::new()).collect();
    let producer_count = producers.len();
    let run_stamp = (clock.now_ns() >> 20) as u32 & 0xffff;
    for (index, share) in producers.into_iter().enumerate() {
        let idempotent = if workload.idempotent { Some(topics::producer_id(control)?) } else { None };
        let author = Author { stamp: run_stamp << 16 | index as u32, idempotent };
        let stream = control::open(&share.address)?;
        stream.set_nonblocking(true)?;
        seat(&mut crews, index, Recruit::Producer { share, author, index, stream });
    }
    if workload.consumes() {
        for (index, share) in share_out(topology, workload.consumers, true)?.into_iter().enumerate() {
            let lanes = lanes(workload, topology, &share)?;
            let stream = control::open(&share.address)?;
            stream.set_nonblocking(true)?;
            // Seated from the other end, so that a producer and its consumer tend to be on different threads.
            seat(
                &mut crews,
                workload.threads - 1 - index % workload.threads,
                Recruit::Consumer { share, lanes, stream },
            );
        }
    }
    let fetch_version = if workload.consumes() { control.version(ApiKey::Fetch, i16::MAX)? } else { 0 };
    let versions = (produce_version(control, topology)?, fetch_version);
    let times = Times::of(workload, clock.now_ns() + LEAD_NS);
    let shared = Shared::new(clock, times, workload.records, producer_count);
    let (sender, receiver) = channel();
    let (sampled, outcomes) = std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for (index, crew) in crews.into_iter().enumerate() {
            let recorder = Recorder::new(times.start_ns, times.interval_ns, sender.clone());
            let core = target.cores.get(index % target.cores.len().max(1)).copied();
            let shared = &shared;
            threads.push(scope.spawn(move || work(shared, workload, versions, recorder, crew, core)));
        }
        drop(sender);
        let watch = Watch { clock, times, threads: threads.len(), pids: &target.pids };
        let sampled = watch.collect(&receiver, progress);
        if sampled.is_err() {
            shared.abort();
        }
        let outcomes: Vec<_> = threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        (sampled, outcomes)
    });
    let mut ended = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(outcome) => ended.push(outcome?),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    Ok(summarize(target, workload, times, &sampled?, ended))
}

/// A connection before its thread runs.
enum Recruit {
    Producer { share: Share, author: Author, index: usize, stream: std::net::TcpStream },
    Consumer { share: Share, lanes: Vec<Lane>, stream: std::net::TcpStream },
}

fn seat(crews: &mut [Vec<Recruit>], index: usize, recruit: Recruit) {
    let count = crews.len();
    crews.get_mut(index % count).expect("there is at least one thread").push(recruit);
}

fn produce_version(control: &Control, topology: &Topology) -> Result<i16> {
    let has_ids = topology.topics.iter().all(|topic| !topic.id.is_zero());
    control.version(ApiKey::Produce, if has_ids { 13 } else { topics::PRODUCE_NAMED_MAX })
}

/// Where a consumer begins and ends: at the end of what is there if producers are about to begin, otherwise from first to last.
fn lanes(workload: &Workload, topology: &Topology, share: &Share) -> Result<Vec<Lane>> {
    let topic = topology.topics.get(share.topic).context("the share is of one of the topics")?;
    let latest = topics::offsets(topology, topic, topics::LATEST)?;
    let is_followed = workload.mode == Mode::EndToEnd;
    let earliest = if is_followed { Vec::new() } else { topics::offsets(topology, topic, topics::EARLIEST)? };
    let at = |offsets: &[i64], partition: i32| offsets.get(partition as usize).copied().unwrap_or(0);
    let lane = |partition: &i32| {
        let latest = at(&latest, *partition);
        if is_followed {
            Lane::new(*partition, latest, None)
        } else {
            Lane::new(*partition, at(&earliest, *partition), Some(latest))
        }
    };
    Ok(share.partitions.iter().map(lane).collect())
}

/// The life of one thread.
fn work(
    shared: &Shared,
    workload: &Workload,
    (produce_version, fetch_version): (i16, i16),
    recorder: Recorder,
    crew: Vec<Recruit>,
    core: Option<usize>,
) -> Result<Outcome> {
    if let Some(core) = core {
        let mut cores = rustix::thread::CpuSet::new();
        cores.set(core);
        rustix::thread::sched_setaffinity(None, &cores).with_context(|| format!("cannot run on core {core}"))?;
    }
    let record = RecordShape { value_bytes: workload.record_bytes, key_bytes: workload.key_bytes };
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let template = Template::new(record, workload.records_max(), |part| fill_random(&mut state, part));
    let options = ProducerOptions::new(workload, Rc::new(template));
    let is_followed = workload.mode == Mode::EndToEnd;
    let mut members = Vec::with_capacity(crew.len());
    for recruit in crew {
        members.push(match recruit {
            Recruit::Producer { share, author, index, stream } => {
                let shape = RequestShape::new(
                    produce_version,
                    "corelog-bench",
                    &share.topic_name,
                    share.topic_id,
                    workload.acks.code(),
                )?;
                let schedule = workload.rate.map(|rate| {
                    let each = rate / workload.connections as f64;
                    let offset_ns = (index as f64 * SECOND_NS as f64 / rate) as u64;
                    Schedule::new(shared.start_ns + offset_ns, each)
                });
                let producer = Producer::new(stream, shape, produce_version, author, &share.partitions, schedule);
                (share.topic, Member::Producer(Box::new(producer)))
            }
            Recruit::Consumer { share, lanes, stream } => {
                let shape = FetchShape::new(workload, fetch_version, &share.topic_name, share.topic_id);
                (share.topic, Member::Consumer(Box::new(Consumer::new(stream, shape, lanes, is_followed))))
            }
        });
    }
    Ok(Worker::new(shared, &options, recorder, members)?.run()?)
}

/// Bytes that do not compress.
fn fill_random(state: &mut u64, part: &mut [u8]) {
    for chunk in part.chunks_mut(8) {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        chunk.iter_mut().zip(state.to_le_bytes()).for_each(|(to, from)| *to = from);
    }
}

fn summarize(
    target: &Target,
    workload: &Workload,
    times: Times,
    sampled: &Sampled,
    outcomes: Vec<Outcome>,
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
    for outcome in outcomes {
        faults.add(outcome.faults);
        for (topic, member) in outcome.members {
            match member {
                Member::Producer(producer) => producer.sent().for_each(|sent| ledger.send(topic, sent)),
                Member::Consumer(consumer) => {
                    for lane in consumer.into_lanes() {
                        let partition = lane.partition;
                        for (producer, stream) in lane.into_streams() {
                            ledger.arrive(topic, partition, producer, stream);
                        }
                    }
                }
            }
        }
    }
    let findings = ledger.findings(workload.mode == Mode::EndToEnd);
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
        machine: sampled.machine,
        intervals: sampled.intervals.values().map(|interval| interval_result(&times, interval)).collect(),
    }
}
