//! Knows what a log may hold after a crash: the state after some prefix of everything that was done, at least of what was
//! acknowledged as durable.

use crate::fixture::{Said, key};
use bytes::Bytes;
use corelog_engine::batch::Batches;
use corelog_engine::ids::{CommitSequence, LeaderEpoch, Offset, PartitionKey};
use corelog_engine::log::{AppendRefused, BatchMeta, EntryProgress, LogObserver, ShardLog};
use corelog_rt::rand;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// One partition as it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionModel {
    pub start: i64,
    pub end: i64,
    /// Base, last, bytes.
    pub batches: Vec<(i64, i64, Bytes)>,
}

pub type State = BTreeMap<PartitionKey, PartitionModel>;

/// One thing done to the log.
#[derive(Clone, Debug)]
pub enum Operation {
    Append(PartitionKey, i64, i64, Bytes),
    LogStart(PartitionKey, i64),
    Truncate(PartitionKey, i64),
    Delete(PartitionKey),
}

/// What was done since the state was last known, and how much of it must be there.
#[derive(Debug, Default)]
pub struct Oracle {
    pub known: State,
    pub current: State,
    pub done: Vec<(Operation, CommitSequence)>,
    pub durable: CommitSequence,
    pub acknowledged: u64,
    /// Segments that the settling pass wrote in all lives.
    pub settled_segments: u64,
}

pub fn apply(state: &mut State, operation: &Operation) {
    match operation {
        Operation::Append(key, base, last, bytes) => {
            let partition = state.entry(*key).or_default();
            partition.end = last + 1;
            partition.batches.push((*base, *last, bytes.clone()));
        }
        Operation::LogStart(key, offset) => {
            let partition = state.entry(*key).or_default();
            partition.start = partition.start.max(*offset);
            partition.end = partition.end.max(*offset);
            partition.batches.retain(|(_, last, _)| last >= offset);
        }
        Operation::Truncate(key, to) => {
            let Some(partition) = state.get_mut(key) else { return };
            if *to < partition.end {
                partition.end = *to;
                partition.start = partition.start.min(*to);
                partition.batches.retain(|(base, ..)| base < to);
            }
        }
        Operation::Delete(key) => {
            state.remove(key);
        }
    }
}

impl Oracle {
    pub fn did(&mut self, operation: Operation, sequence: CommitSequence) {
        apply(&mut self.current, &operation);
        self.done.push((operation, sequence));
    }

    /// Everything up to `sequence` was acknowledged as durable.
    pub fn durable(&mut self, sequence: CommitSequence) {
        self.durable = self.durable.max(sequence);
    }

    /// Checks what a restart found. Afterwards that is the truth.
    pub fn recovered(&mut self, found: State) -> Result<(), String> {
        let mut state = self.known.clone();
        let must = self.done.iter().take_while(|(_, sequence)| *sequence <= self.durable).count();
        self.acknowledged += must as u64;
        for (operation, _) in self.done.iter().take(must) {
            apply(&mut state, operation);
        }
        let mut matches = same(&state, &found);
        for (operation, _) in self.done.iter().skip(must) {
            if matches {
                break;
            }
            apply(&mut state, operation);
            matches = same(&state, &found);
        }
        if !matches {
            return Err(difference(self, &found, must));
        }
        self.known = found.clone();
        self.current = found;
        self.done.clear();
        self.durable = CommitSequence(0);
        Ok(())
    }
}

fn same(state: &State, found: &State) -> bool {
    state == found
}

fn difference(oracle: &Oracle, found: &State, must: usize) -> String {
    let mut least = oracle.known.clone();
    oracle.done.iter().take(must).for_each(|(operation, _)| apply(&mut least, operation));
    let shape = |state: &State| -> Vec<String> {
        let of = |(key, partition): (&PartitionKey, &PartitionModel)| {
            format!("{key}: {}..{} in {} batches", partition.start, partition.end, partition.batches.len())
        };
        state.iter().map(of).collect()
    };
    format!(
        "no prefix matches: known {:?}, acknowledged {:?}, all {:?}, found {:?}",
        shape(&oracle.known),
        shape(&least),
        shape(&oracle.current),
        shape(found)
    )
}

/// Reads the whole log.
pub async fn read_state(log: &ShardLog) -> Result<State, String> {
    let mut state = State::new();
    for key in log.partition_keys() {
        let (start, end) = log.partition_range(key).expect("the log named it");
        let mut model = PartitionModel { start: start.0, end: end.0, batches: Vec::new() };
        let mut next = start;
        while next < end {
            let records = log.read(key, next, end, 20_000, true).await.map_err(|error| format!("{key}: {error}"))?;
            if records.slices.is_empty() {
                break;
            }
            let all: Vec<u8> = records.slices.iter().flat_map(|slice| slice.iter().copied()).collect();
            for step in Batches::new(&all) {
                let (header, bytes) = step.map_err(|error| error.to_string())?;
                model.batches.push((header.base_offset.0, header.last_offset().0, Bytes::copy_from_slice(bytes)));
            }
            next = records.next_offset;
        }
        state.insert(key, model);
    }
    Ok(state)
}

/// What the recovery sink was told must lead to the same ranges as the log's own index.
pub fn check_said(said: &[Said], found: &State) -> Result<(), String> {
    let mut ranges: BTreeMap<PartitionKey, (i64, i64)> = BTreeMap::new();
    for one in said {
        match one {
            Said::Checkpoint(key, start, end, state) => {
                if !state.is_empty() && state.as_slice() != end.to_le_bytes() {
                    return Err(format!("{key}: checkpoint says end {end}, its owner said {state:?}"));
                }
                ranges.insert(*key, (*start, *end));
            }
            Said::Batch(key, base, last) => {
                let range = ranges.entry(*key).or_insert((0, 0));
                if *base < range.1 {
                    return Err(format!("{key}: batch at {base} told twice, end was {}", range.1));
                }
                range.1 = last + 1;
            }
            Said::LogStart(key, offset) => {
                let range = ranges.entry(*key).or_insert((0, 0));
                *range = (range.0.max(*offset), range.1.max(*offset));
            }
            Said::Truncate(key, to) => {
                if let Some(range) = ranges.get_mut(key) {
                    *range = (range.0.min(*to), range.1.min(*to));
                }
            }
            Said::Delete(key) => {
                ranges.remove(key);
            }
        }
    }
    let expected: BTreeMap<PartitionKey, (i64, i64)> =
        found.iter().map(|(key, partition)| (*key, (partition.start, partition.end))).collect();
    if ranges == expected { Ok(()) } else { Err(format!("the sink was told {ranges:?}, the log has {expected:?}")) }
}

/// Follows the log, and gives each partition's end as its state.
#[derive(Debug)]
pub struct Owner {
    pub oracle: Rc<RefCell<Oracle>>,
    pub written: RefCell<BTreeMap<PartitionKey, Offset>>,
    pub durable: RefCell<BTreeMap<PartitionKey, Offset>>,
}

impl LogObserver for Owner {
    fn written(&self, progress: &[EntryProgress]) {
        let mut written = self.written.borrow_mut();
        for step in progress {
            written.insert(step.key, step.last_offset);
        }
    }

    fn durable(&self, progress: &[EntryProgress]) {
        let mut durable = self.durable.borrow_mut();
        for step in progress {
            assert!(self.written.borrow().contains_key(&step.key), "written comes before durable");
            durable.insert(step.key, step.last_offset);
        }
    }

    fn checkpoint(&self, out: &mut dyn FnMut(PartitionKey, &[u8])) {
        for (key, partition) in &self.oracle.borrow().current {
            out(*key, &partition.end.to_le_bytes());
        }
    }

    fn space(&self, _full: bool) {}
}

const PARTITIONS: u64 = 5;

/// Does one random thing. Gives back its commit.
pub async fn act(log: &ShardLog, oracle: &Rc<RefCell<Oracle>>, append_bytes_max: u64) -> CommitSequence {
    let key = key(rand::below(PARTITIONS) as u32);
    let (operation, sequence) = loop {
        let current = oracle.borrow().current.get(&key).cloned().unwrap_or_default();
        let attempt = match rand::below(100) {
            0..=2 => {
                let offset = current.start + rand::below((current.end - current.start + 1) as u64) as i64;
                log.log_start(key, Offset(offset)).map(|sequence| (Operation::LogStart(key, offset), sequence))
            }
            3..=5 => {
                let count = current.batches.len();
                let from = count.saturating_sub(rand::below(6) as usize);
                let to = current.batches.get(from).map_or(current.end, |(base, ..)| *base);
                log.truncate(key, Offset(to), LeaderEpoch(1)).map(|sequence| (Operation::Truncate(key, to), sequence))
            }
            6 if oracle.borrow().current.contains_key(&key) => {
                log.delete_partition(key).map(|sequence| (Operation::Delete(key), sequence))
            }
            _ => append_random(log, key, current.end, append_bytes_max),
        };
        match attempt {
            Ok(done) => break done,
            Err(AppendRefused::Busy) => log.admission().await,
            Err(refused) => panic!("{key}: {refused}"),
        }
    };
    oracle.borrow_mut().did(operation, sequence);
    sequence
}

fn append_random(
    log: &ShardLog,
    key: PartitionKey,
    base: i64,
    bytes_max: u64,
) -> Result<(Operation, CommitSequence), AppendRefused> {
    let records = 1 + rand::below(4) as i32;
    let payload = rand::below(if rand::below(10) == 0 { bytes_max } else { 600 }) as usize;
    // Unlike anything sent before, so that nothing stale passes for it.
    let mut bytes = crate::fixture::batch(base, records, payload + 8, rand::below(1 << 40) as i64);
    let last = base + i64::from(records) - 1;
    let end = bytes.len();
    rand::fill(&mut bytes[end - 8..]);
    let crc = corelog_engine::log::commit::batch_checksum(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    let sequence = log.append(key, bytes.len(), |space| {
        space.copy_from_slice(&bytes);
        Ok::<_, AppendRefused>(BatchMeta {
            base_offset: Offset(base),
            last_offset: Offset(last),
            max_timestamp_ms: 1,
            leader_epoch: LeaderEpoch(1),
        })
    })?;
    Ok((Operation::Append(key, base, last, Bytes::from(bytes)), sequence))
}
