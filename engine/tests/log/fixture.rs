//! Builds batches, opens logs, collects what recovery says.

use bytes::Bytes;
use corelog_engine::batch::{BatchHeader, Batches};
use corelog_engine::ids::{CommitSequence, LeaderEpoch, LogId, Offset, PartitionKey, TopicNumber};
#[cfg(sim)]
use corelog_engine::log::OpenError;
use corelog_engine::log::{
    AppendRefused, BatchMeta, CheckpointedPartition, LogOptions, ReadRecords, RecoverySink, ShardLog,
};
use corelog_rt::file::WriteMode;
use corelog_rt::time;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Small segments, so that a test rolls quickly; durable by a sync of its own, which has more ways to go wrong.
pub fn small_options() -> LogOptions {
    let mut options = LogOptions::new(LogId(3));
    options.segment_bytes = 1 << 20;
    options.commit_bytes_max = 64 << 10;
    options.tail_cache_bytes = 256 << 10;
    options.block_cache_bytes = 256 << 10;
    options.read_block_bytes = 16 << 10;
    options.queued_bytes_max = 512 << 10;
    options.prewrite = false;
    options.write_mode = WriteMode::Cached;
    options
}

pub fn key(partition: u32) -> PartitionKey {
    PartitionKey { topic: TopicNumber(9), partition }
}

/// A batch of `records` whose body is `payload` bytes made from its offset: the log never looks into it.
pub fn batch(base: i64, records: i32, payload: usize, timestamp_ms: i64) -> Vec<u8> {
    let mut body = Vec::with_capacity(40 + payload);
    body.extend_from_slice(&0i16.to_be_bytes());
    body.extend_from_slice(&(records - 1).to_be_bytes());
    body.extend_from_slice(&timestamp_ms.to_be_bytes());
    body.extend_from_slice(&timestamp_ms.to_be_bytes());
    body.extend_from_slice(&(-1i64).to_be_bytes());
    body.extend_from_slice(&(-1i16).to_be_bytes());
    body.extend_from_slice(&(-1i32).to_be_bytes());
    body.extend_from_slice(&records.to_be_bytes());
    let seed = base as u8;
    body.extend((0..payload).map(|index| seed.wrapping_mul(31).wrapping_add(index as u8)));
    let crc = corelog_engine::log::commit::batch_checksum(&body);
    let mut batch = Vec::with_capacity(21 + body.len());
    batch.extend_from_slice(&base.to_be_bytes());
    batch.extend_from_slice(&(9 + body.len() as i32).to_be_bytes());
    batch.extend_from_slice(&1i32.to_be_bytes());
    batch.push(2);
    batch.extend_from_slice(&crc.to_be_bytes());
    batch.extend_from_slice(&body);
    batch
}

pub fn meta(base: i64, records: i32, timestamp_ms: i64) -> BatchMeta {
    BatchMeta {
        base_offset: Offset(base),
        last_offset: Offset(base + i64::from(records) - 1),
        max_timestamp_ms: timestamp_ms,
        leader_epoch: LeaderEpoch(1),
    }
}

/// Appends once.
pub fn try_append(
    log: &ShardLog,
    key: PartitionKey,
    base: i64,
    records: i32,
    payload: usize,
) -> Result<CommitSequence, AppendRefused> {
    let timestamp_ms = 1_000_000 + base;
    let bytes = batch(base, records, payload, timestamp_ms);
    log.append(key, bytes.len(), |space| {
        space.copy_from_slice(&bytes);
        Ok(meta(base, records, timestamp_ms))
    })
}

/// Appends, waiting for admission where it must.
pub async fn append(log: &ShardLog, key: PartitionKey, base: i64, records: i32, payload: usize) -> CommitSequence {
    loop {
        match try_append(log, key, base, records, payload) {
            Ok(sequence) => return sequence,
            Err(AppendRefused::Busy) => log.admission().await,
            Err(refused) => panic!("{key} {base}: {refused}"),
        }
    }
}

/// What a read gave, batch by batch.
pub fn batches(records: &ReadRecords) -> Vec<(BatchHeader, Bytes)> {
    let all: Vec<u8> = records.slices.iter().flat_map(|slice| slice.iter().copied()).collect();
    assert_eq!(all.len(), records.bytes);
    Batches::new(&all)
        .map(|step| {
            let (header, bytes) = step.expect("whole batches");
            (header, Bytes::copy_from_slice(bytes))
        })
        .collect()
}

/// Reads everything from `from` on, in pieces of `bytes_max`, and checks each batch against what [`append`] wrote. Gives back the bases.
pub async fn read_all(
    log: &ShardLog,
    key: PartitionKey,
    from: i64,
    until: i64,
    bytes_max: usize,
    payload: usize,
) -> Vec<i64> {
    let mut bases = Vec::new();
    let mut next = Offset(from);
    loop {
        let records = log.read(key, next, Offset(until), bytes_max, true).await.expect("reads");
        if records.slices.is_empty() {
            return bases;
        }
        assert!(records.next_offset > next);
        for (header, bytes) in batches(&records) {
            let base = header.base_offset.0;
            let expected = batch(base, header.last_offset_delta + 1, payload, 1_000_000 + base);
            assert_eq!(bytes.as_ref(), expected.as_slice(), "{key} {base}");
            bases.push(base);
        }
        next = records.next_offset;
    }
}

/// Opens the log of a life that is to end with a loss of power; none where the disk is too full for it.
#[cfg(sim)]
pub async fn open_unless_full(options: LogOptions, collector: &mut Collector) -> Result<Option<ShardLog>, String> {
    match ShardLog::open(PathBuf::from("/sim/log"), options, collector).await {
        Ok(log) => Ok(Some(log)),
        Err(OpenError::Io { error, .. }) if error.kind() == std::io::ErrorKind::StorageFull => Ok(None),
        Err(error) => Err(format!("does not open: {error}")),
    }
}

/// Segments in use.
pub fn segment_count(log: &ShardLog) -> u64 {
    let found = log.sample();
    found.segments_current + found.segments_sealed
}

/// Waits for what the log does by itself, however long the machine takes for it.
///
/// # Panics
/// If it has not come to pass after two minutes.
pub async fn until(what: &str, mut is_reached: impl AsyncFnMut() -> bool) {
    let began = time::now();
    while !is_reached().await {
        assert!(began.elapsed() < Duration::from_mins(2), "waited in vain for this: {what}");
        time::sleep(Duration::from_millis(10)).await;
    }
}

/// One thing that recovery said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Checkpoint(PartitionKey, i64, i64, Vec<u8>),
    Batch(PartitionKey, i64, i64),
    LogStart(PartitionKey, i64),
    Truncate(PartitionKey, i64),
    Delete(PartitionKey),
}

#[derive(Debug, Default)]
pub struct Collector {
    pub said: Vec<Said>,
}

impl RecoverySink for Collector {
    fn checkpoint(&mut self, partition: &CheckpointedPartition, state: &[u8]) {
        let said = Said::Checkpoint(partition.key, partition.log_start.0, partition.end.0, state.to_vec());
        self.said.push(said);
    }

    fn batch(&mut self, key: PartitionKey, header: &BatchHeader) {
        self.said.push(Said::Batch(key, header.base_offset.0, header.last_offset().0));
    }

    fn log_start(&mut self, key: PartitionKey, offset: Offset) {
        self.said.push(Said::LogStart(key, offset.0));
    }

    fn truncate(&mut self, key: PartitionKey, to: Offset, _leader_epoch: LeaderEpoch) {
        self.said.push(Said::Truncate(key, to.0));
    }

    fn delete(&mut self, key: PartitionKey) {
        self.said.push(Said::Delete(key));
    }
}

/// Opens and starts the log in `directory`.
pub async fn open(directory: &Path, options: &LogOptions) -> (ShardLog, Vec<Said>) {
    let mut collector = Collector::default();
    let log = ShardLog::open(PathBuf::from(directory), options.clone(), &mut collector).await.expect("opens");
    log.start();
    (log, collector.said)
}
