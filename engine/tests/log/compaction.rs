//! A keyed load for compaction, and what may be left of it: the newest record of every key, in its place, and nothing that was gone before.

use crate::fixture::key;
use corelog_engine::batch::{BatchBuilder, BatchHeader, Batches, Codec, Compression, Records, record_bytes};
use corelog_engine::ids::{CommitSequence, LeaderEpoch, Offset, PartitionKey};
use corelog_engine::log::{AppendRefused, BatchMeta, Compaction, EntryProgress, LogObserver, ShardLog};
use corelog_rt::{rand, time};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

const CODECS: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

/// A record: its key, and its value unless it is a tombstone.
pub type Content = (Vec<u8>, Option<Vec<u8>>);

/// What was sent to one partition, and what was seen of it.
#[derive(Debug, Default)]
pub struct Keyed {
    pub start: i64,
    /// By offset.
    pub sent: Vec<Content>,
    /// Offsets of records that were missing once, so must stay so.
    pub gone: BTreeSet<i64>,
}

impl Keyed {
    /// Checks what a reader found from the start to `end`, where the log ends now. Afterwards that is the truth.
    pub fn check(&mut self, start: i64, end: i64, found: &BTreeMap<i64, Content>) -> Result<(), String> {
        let newest = self.newest(start, end);
        for (offset, content) in found {
            if self.sent.get(*offset as usize) != Some(content) {
                return Err(format!("offset {offset} holds what was not sent there"));
            }
            if self.gone.contains(offset) {
                return Err(format!("the record at {offset} came back"));
            }
        }
        for (key, offset) in &newest {
            let is_tombstone = self.sent[*offset as usize].1.is_none();
            let is_there = found.contains_key(offset);
            let older = found.iter().filter(|(_, (other, _))| other == key).count() - usize::from(is_there);
            if !is_there && (!is_tombstone || older > 0) {
                return Err(format!(
                    "the newest record of {key:?}, at {offset}, is lost; {older} older ones are there"
                ));
            }
        }
        self.sent.truncate(end as usize);
        self.gone = (start..end).filter(|offset| !found.contains_key(offset)).collect();
        self.start = start;
        Ok(())
    }

    /// The newest offset of each key in a range.
    pub fn newest(&self, start: i64, end: i64) -> BTreeMap<Vec<u8>, i64> {
        let range = (start..end).filter_map(|offset| Some((self.sent.get(offset as usize)?.0.clone(), offset)));
        range.collect()
    }
}

/// Says which partitions are compacted, up to what is durable.
#[derive(Debug)]
pub struct Compacted {
    pub rules: Cell<Compaction>,
    pub partitions: BTreeSet<PartitionKey>,
    pub ends: RefCell<BTreeMap<PartitionKey, Offset>>,
    pub producers_last: RefCell<Vec<Offset>>,
}

impl Compacted {
    pub fn new(partitions: impl IntoIterator<Item = u32>, tombstone_ms: i64) -> Rc<Compacted> {
        let rules = Compaction {
            until: Offset(0),
            dirty_ppm_min: 0,
            lag_ms_min: 0,
            lag_ms_max: i64::MAX,
            batch_bytes_max: 1 << 20,
            tombstone_ms,
            roll_ms: 20,
        };
        Rc::new(Compacted {
            rules: Cell::new(rules),
            partitions: partitions.into_iter().map(key).collect(),
            ends: RefCell::default(),
            producers_last: RefCell::default(),
        })
    }

    /// What a recovered log holds is durable.
    pub fn found(&self, log: &ShardLog) {
        for key in log.partition_keys() {
            let (_, end) = log.partition_range(key).expect("the log named it");
            self.ends.borrow_mut().insert(key, end);
        }
    }
}

impl LogObserver for Compacted {
    fn written(&self, _progress: &[EntryProgress]) {}

    fn durable(&self, progress: &[EntryProgress]) {
        let mut ends = self.ends.borrow_mut();
        for step in progress {
            ends.insert(step.key, step.last_offset.plus(1));
        }
    }

    fn checkpoint(&self, _out: &mut dyn FnMut(PartitionKey, &[u8])) {}

    fn compacted(&self, out: &mut dyn FnMut(PartitionKey, Compaction)) {
        for key in &self.partitions {
            let until = self.ends.borrow().get(key).copied().unwrap_or_default();
            out(*key, Compaction { until, ..self.rules.get() });
        }
    }

    fn producers_last(&self, _key: PartitionKey, out: &mut dyn FnMut(Offset)) {
        self.producers_last.borrow().iter().for_each(|offset| out(*offset));
    }

    fn space(&self, _full: bool) {}
}

/// A batch of a few random records of `keys` keys at `base`, in a random codec.
pub fn random_batch(base: i64, keys: u64, value_bytes_max: u64) -> (Vec<u8>, Vec<Content>) {
    let codec = CODECS[rand::below(5) as usize];
    let mut builder =
        BatchBuilder::new().compression(Compression { codec, level: None }).at(Offset(base), LeaderEpoch(1));
    let mut contents = Vec::new();
    for index in 0..=rand::below(6) as i64 {
        let name = format!("key {}", rand::below(keys)).into_bytes();
        let mut value = vec![0; rand::below(value_bytes_max) as usize];
        rand::fill(&mut value);
        let value = (rand::below(6) > 0).then_some(value);
        builder.push(time::unix_ms() + index, Some(&name), value.as_deref(), &[]).expect("it has room");
        contents.push((name, value));
    }
    (builder.build().expect("it has records"), contents)
}

/// Appends a batch at the partition's end.
pub fn append_batch(log: &ShardLog, key: PartitionKey, batch: &[u8]) -> Result<CommitSequence, AppendRefused> {
    let header = BatchHeader::parse(batch).expect("it was just built");
    log.append(key, batch.len(), |space| {
        space.copy_from_slice(batch);
        Ok(BatchMeta {
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            max_timestamp_ms: header.max_timestamp_ms,
            leader_epoch: header.leader_epoch,
        })
    })
}

/// Appends a random batch and remembers it.
pub async fn append_random(log: &ShardLog, key: PartitionKey, keyed: &RefCell<Keyed>, keys: u64) -> CommitSequence {
    let base = keyed.borrow().sent.len() as i64;
    let value_bytes_max = if rand::below(12) == 0 { 4000 } else { 200 };
    let (batch, contents) = random_batch(base, keys, value_bytes_max);
    loop {
        match append_batch(log, key, &batch) {
            Ok(sequence) => {
                keyed.borrow_mut().sent.extend(contents);
                return sequence;
            }
            Err(AppendRefused::Busy) => log.admission().await,
            Err(refused) => panic!("{key}: {refused}"),
        }
    }
}

/// Records by offset, and the headers of their batches.
pub type Found = (BTreeMap<i64, Content>, Vec<BatchHeader>);

/// Reads a partition from `from` to its end, in small steps, as a consumer does.
pub async fn read_records(log: &ShardLog, key: PartitionKey, from: Offset, until: Offset) -> Result<Found, String> {
    let mut found = Found::default();
    let mut next = from;
    while next < until {
        let before = next;
        next = read_step(log, key, next, until, &mut found).await?;
        if next == before {
            return Err(format!("{key}: nothing at {next}, it ends at {until}"));
        }
    }
    Ok(found)
}

/// Reads once from `from` on. Gives back where to go on, as a consumer would know it.
pub async fn read_step(
    log: &ShardLog,
    key: PartitionKey,
    from: Offset,
    until: Offset,
    found: &mut Found,
) -> Result<Offset, String> {
    let mut next = from;
    let records = log.read(key, from, until, 6_000, true).await.map_err(|error| format!("{key}: {error}"))?;
    let all: Vec<u8> = records.slices.iter().flat_map(|slice| slice.iter().copied()).collect();
    for step in Batches::new(&all) {
        let (header, batch) = step.map_err(|error| error.to_string())?;
        if header.last_offset() < next {
            return Err(format!("{key}: batch {} to {} at {next}", header.base_offset, header.last_offset()));
        }
        next = header.next_offset();
        found.1.push(header);
        let bytes = record_bytes(&header, batch, 1 << 20).map_err(|error| error.to_string())?;
        for record in Records::new(&header, &bytes) {
            let record = record.map_err(|error| error.to_string())?;
            let offset = header.base_offset.0 + i64::from(record.offset_delta);
            if offset >= from.0 {
                let content = (record.key.unwrap_or_default().to_vec(), record.value.map(<[u8]>::to_vec));
                found.0.insert(offset, content);
            }
        }
    }
    Ok(next)
}
