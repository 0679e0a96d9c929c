//! The connections of a run before its threads have them, and the life of one thread.
//!
//! Recruited by the thread that steers; `work` is what each worker's thread runs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use corelog_protocol::ApiKey;

use super::consumer::{Consumer, FetchShape, Lane};
use super::key_table::KeyTable;
use super::plan::{Share, Sharing, share_out};
use super::producer::{Producer, ProducerOptions};
use super::recorder::Recorder;
use super::schedule::Schedule;
use super::shared::Shared;
use super::worker::{Member, Outcome, Worker};
use crate::clock::{Clock, SECOND_NS};
use crate::cluster::control::{self, Control};
use crate::cluster::topics;
use crate::cluster::topology::Topology;
use crate::wire::batches::Batches;
use crate::wire::composer::{Composer, Ready};
use crate::wire::outbound::RequestShape;
use crate::wire::part::Author;
use crate::wire::payload::Payload;
use crate::wire::template::{RecordShape, Template};
use crate::workload::{Mode, Workload};

/// A connection before its thread runs.
pub enum Recruit {
    /// Will send.
    Producer {
        /// Its partitions.
        share: Share,
        /// The keys that go there, where keys choose the partition.
        keys: Option<Arc<KeyTable>>,
        /// What its records are stamped with.
        author: Author,
        /// Its number among all producers.
        index: usize,
        /// Its share of the rate.
        weight: f64,
        /// Its socket.
        stream: TcpStream,
    },
    /// Will fetch.
    Consumer {
        /// Its partitions.
        share: Share,
        /// Where it begins and ends in each.
        lanes: Vec<Lane>,
        /// The group that it reads for.
        group: usize,
        /// Its socket.
        stream: TcpStream,
    },
}

/// All connections, thread by thread.
pub struct Crews {
    /// Those of each thread.
    pub threads: Vec<Vec<Recruit>>,
    /// How many of them produce.
    pub producers: usize,
    /// The versions of Produce and Fetch.
    pub versions: (i16, i16),
}

/// Opens all connections and seats them.
///
/// # Errors
/// A connection that does not come about, fewer connections than leaders, keys that miss a leader's partitions.
pub fn recruit(workload: &Workload, control: &mut Control, topology: &Topology, clock: Clock) -> Result<Crews> {
    let mut threads: Vec<Vec<Recruit>> = (0..workload.threads).map(|_| Vec::new()).collect();
    let mut producers = 0;
    if workload.produces() {
        for recruit in recruit_producers(workload, control, topology, clock)? {
            seat(&mut threads, producers, recruit);
            producers += 1;
        }
    }
    let mut consumers = 0;
    for group in 0..if workload.consumes() { workload.groups } else { 0 } {
        for share in share_out(topology, workload.consumers, Sharing::Alone)? {
            let lanes = lanes(workload, topology, &share)?;
            let stream = open(&share)?;
            // Seated from the other end, so that a producer and its consumer tend to be on different threads.
            let thread = workload.threads - 1 - consumers % workload.threads;
            seat(&mut threads, thread, Recruit::Consumer { share, lanes, group, stream });
            consumers += 1;
        }
    }
    let fetch_version = if workload.consumes() { control.version(ApiKey::Fetch, i16::MAX)? } else { 0 };
    Ok(Crews { threads, producers, versions: (produce_version(control, topology)?, fetch_version) })
}

fn recruit_producers(
    workload: &Workload,
    control: &mut Control,
    topology: &Topology,
    clock: Clock,
) -> Result<Vec<Recruit>> {
    let sharing = if workload.keys.is_some() { Sharing::Whole } else { Sharing::Split };
    let shares = share_out(topology, workload.connections, sharing)?;
    let mut tables: BTreeMap<(usize, Vec<i32>), Arc<KeyTable>> = BTreeMap::new();
    let mut recruits = Vec::with_capacity(shares.len());
    let run_stamp = (clock.now_ns() >> 20) as u32 & 0xffff;
    for (index, share) in shares.iter().enumerate() {
        let (mut weight, mut keys) = (1.0 / shares.len() as f64, None);
        if let Some(distribution) = workload.keys {
            let place = (share.topic, share.partitions.clone());
            let peers = shares.iter().filter(|other| (other.topic, &other.partitions) == (place.0, &place.1)).count();
            let partitions = topology.topics.get(share.topic).map_or(0, |topic| topic.leaders.len());
            let table = tables.entry(place).or_insert_with(|| {
                let key_bytes = workload.key_length().unwrap_or(0);
                Arc::new(KeyTable::new(distribution, key_bytes, &share.partitions, partitions))
            });
            if table.share() == 0.0 {
                bail!(
                    "none of the keys {distribution} goes to a partition that {} leads: take more keys",
                    share.address
                );
            }
            weight = table.share() / (peers * topology.topics.len()) as f64;
            keys = Some(Arc::clone(table));
        }
        let idempotent = if workload.idempotent { Some(topics::producer_id(control)?) } else { None };
        let author = Author { stamp: run_stamp << 16 | index as u32, idempotent };
        let stream = open(share)?;
        recruits.push(Recruit::Producer { share: share.clone(), keys, author, index, weight, stream });
    }
    Ok(recruits)
}

fn open(share: &Share) -> Result<TcpStream> {
    let stream = control::open(&share.address)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

fn seat(threads: &mut [Vec<Recruit>], index: usize, recruit: Recruit) {
    let count = threads.len();
    threads.get_mut(index % count).expect("there is at least one thread").push(recruit);
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

/// What all threads make their batches from. Made before the run's time begins to count.
pub struct Material {
    payload: Arc<Payload>,
    ready: Option<Arc<Ready>>,
}

impl Material {
    /// Draws, reads and compresses what the workload needs.
    ///
    /// # Errors
    /// A payload file that cannot be read.
    pub fn new(workload: &Workload) -> Result<Material> {
        let payload = Arc::new(Payload::new(workload)?);
        let ready = workload.is_compressed_before().then(|| Arc::new(Ready::new(workload, Arc::clone(&payload))));
        Ok(Material { payload, ready })
    }

    /// The batches of one thread.
    fn batches(&self, workload: &Workload) -> Batches {
        if let Some(ready) = &self.ready {
            return Batches::Ready(Arc::clone(ready));
        }
        match workload.template_bytes() {
            Some(value_bytes) => {
                let shape = RecordShape { value_bytes, key_bytes: workload.key_bytes };
                let mut cursor = 0;
                Batches::Template(Template::new(shape, workload.records_max(), |part| {
                    for piece in part.chunks_mut(1 << 20) {
                        let filler = self.payload.filler(piece.len(), &mut cursor);
                        piece.copy_from_slice(filler);
                    }
                }))
            }
            None => Batches::Composed(RefCell::new(Composer::new(workload, Arc::clone(&self.payload)))),
        }
    }
}

/// The life of one thread.
///
/// # Errors
/// A core that does not exist, a name that no request can carry, a kernel without `epoll`.
pub fn work(
    shared: &Shared,
    workload: &Workload,
    material: &Material,
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
    let options = ProducerOptions::new(workload, material.batches(workload));
    let is_followed = workload.mode == Mode::EndToEnd;
    let mut members = Vec::with_capacity(crew.len());
    for recruit in crew {
        members.push(match recruit {
            Recruit::Producer { share, keys, author, index, weight, stream } => {
                let (name, id) = (&share.topic_name, share.topic_id);
                let shape = RequestShape::new(produce_version, "corelog-bench", name, id, workload.acks.code())?;
                let schedule = workload.rate.map(|rate| {
                    let offset_ns = (index as f64 * SECOND_NS as f64 / rate) as u64;
                    Schedule::new(shared.start_ns + offset_ns, rate * weight)
                });
                let partitions = &share.partitions;
                let producer = Producer::new(stream, shape, produce_version, author, partitions, keys, schedule);
                (share.topic, Member::Producer(Box::new(producer)))
            }
            Recruit::Consumer { share, lanes, group, stream } => {
                let shape = FetchShape::new(workload, fetch_version, &share.topic_name, share.topic_id);
                (share.topic, Member::Consumer(Box::new(Consumer::new(stream, shape, lanes, group, is_followed))))
            }
        });
    }
    Ok(Worker::new(shared, &options, recorder, members)?.run()?)
}
