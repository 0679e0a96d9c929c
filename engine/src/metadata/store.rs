//! Owns the metadata log: partition 0 of topic number 0, in log 0.
//!
//! On shard 0 alone, called by the controller. Replays at start, appends and waits until it is durable, and moves the log's start up
//! behind a snapshot. What a crash leaves: batches up to the last durable one; a snapshot without its last part is as if never begun.

use std::cell::Cell;

use bytes::BytesMut;
use corelog_rt::time;

use super::batches::{self, BatchesError};
use super::error::MetadataError;
use super::image::{ApplyError, MetadataImage};
use super::record::MetadataRecord;
use super::snapshot::{self, Replay};
use crate::batch::BatchError;
use crate::ids::{CommitSequence, LeaderEpoch, Offset, PartitionKey, TopicNumber};
use crate::limits::{METADATA_READ_BYTES, METADATA_SNAPSHOT_BYTES_MIN};
use crate::log::{AppendRefused, BatchMeta, ReadError, ShardLog};
use thiserror::Error;

/// Where the metadata log lies.
pub const METADATA_KEY: PartitionKey = PartitionKey { topic: TopicNumber::METADATA, partition: 0 };

/// Why the metadata log cannot be replayed.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// The log does not give it.
    #[error("the metadata log cannot be read: {0}")]
    Read(#[from] ReadError),
    /// It is damaged.
    #[error(transparent)]
    Batches(#[from] BatchesError),
    /// It contradicts itself.
    #[error("the metadata log is damaged: {0}")]
    Contradiction(#[from] ApplyError),
}

/// Why an append ended without being durable.
#[derive(Debug)]
enum AppendFailed {
    Busy,
    Refused(MetadataError),
}

/// The metadata log.
#[derive(Debug)]
pub struct MetadataStore {
    log: ShardLog,
    end: Cell<Offset>,
    /// Bytes since the last snapshot began.
    bytes_since_snapshot: Cell<u64>,
    /// Bytes of the last snapshot: the next one waits for as many again.
    snapshot_bytes: Cell<u64>,
}

impl MetadataStore {
    /// Replays what `log` holds.
    pub async fn open(log: ShardLog) -> Result<(MetadataStore, MetadataImage), ReplayError> {
        let (start, end) = log.partition_range(METADATA_KEY).unwrap_or_default();
        let mut replay = Replay::default();
        let (mut next, mut bytes_since_snapshot, mut snapshot_bytes) = (start, 0, 0);
        while next < end {
            let found = log.read(METADATA_KEY, next, end, METADATA_READ_BYTES, true).await?;
            let bytes = joined(&found.slices, found.bytes);
            for batch in batches::read(&bytes, next)? {
                if replay.batch(&batch.records)? {
                    (snapshot_bytes, bytes_since_snapshot) = (bytes_since_snapshot + batch.bytes, 0);
                } else {
                    bytes_since_snapshot += batch.bytes;
                }
            }
            if found.next_offset <= next {
                break;
            }
            next = found.next_offset;
        }
        let store = MetadataStore {
            log,
            end: Cell::new(end),
            bytes_since_snapshot: Cell::new(bytes_since_snapshot),
            snapshot_bytes: Cell::new(snapshot_bytes),
        };
        Ok((store, replay.finish()))
    }

    /// Makes records durable, as one batch. On an error nothing is there.
    pub async fn append(&self, records: &[MetadataRecord]) -> Result<(), MetadataError> {
        let sequence = self.append_batch(records).await?;
        self.wait(Some(sequence)).await
    }

    /// Where the log ends.
    pub fn end(&self) -> Offset {
        self.end.get()
    }

    /// Whether enough was appended since the last snapshot for a further one to pay.
    pub fn snapshot_is_due(&self) -> bool {
        let bound = METADATA_SNAPSHOT_BYTES_MIN.max(self.snapshot_bytes.get().saturating_mul(2));
        self.bytes_since_snapshot.get() >= bound
    }

    /// Writes the whole image, then lets go of what came before it.
    pub async fn snapshot(&self, image: &MetadataImage) -> Result<(), MetadataError> {
        let start = self.end.get();
        let before = self.bytes_since_snapshot.get();
        let mut last = None;
        for part in snapshot::parts(image) {
            last = Some(self.append_batch(&part).await?);
        }
        self.wait(last).await?;
        self.snapshot_bytes.set(self.bytes_since_snapshot.get().saturating_sub(before));
        self.bytes_since_snapshot.set(0);
        let moved = loop {
            match self.log.log_start(METADATA_KEY, start) {
                Err(AppendRefused::Busy) => self.log.admission().await,
                other => break other,
            }
        };
        self.wait(Some(moved.map_err(refusal)?)).await
    }

    async fn wait(&self, last: Option<CommitSequence>) -> Result<(), MetadataError> {
        match last {
            Some(sequence) => self.log.durable(sequence).await.map_err(|_| MetadataError::Stopping),
            None => Ok(()),
        }
    }

    /// Puts one batch into the log. The controller takes turns, so nobody else moves the end.
    async fn append_batch(&self, records: &[MetadataRecord]) -> Result<CommitSequence, MetadataError> {
        let base = self.end.get();
        let now_ms = time::unix_ms();
        let batch = batches::batch(records, base, now_ms).map_err(|error| match error {
            BatchError::Invalid(_) => MetadataError::CommandTooLarge,
            error => unreachable!("a batch that is being built has no bytes to be wrong: {error}"),
        })?;
        let last_offset = base.plus(records.len() as i64 - 1);
        loop {
            let appended = self.log.append(METADATA_KEY, batch.len(), |space| {
                space.copy_from_slice(&batch);
                let leader_epoch = LeaderEpoch(0);
                Ok::<_, AppendFailed>(BatchMeta {
                    base_offset: base,
                    last_offset,
                    max_timestamp_ms: now_ms,
                    leader_epoch,
                })
            });
            match appended {
                Ok(sequence) => {
                    self.end.set(last_offset.plus(1));
                    self.bytes_since_snapshot.set(self.bytes_since_snapshot.get() + batch.len() as u64);
                    return Ok(sequence);
                }
                Err(AppendFailed::Busy) => self.log.admission().await,
                Err(AppendFailed::Refused(error)) => return Err(error),
            }
        }
    }
}

impl From<AppendRefused> for AppendFailed {
    fn from(refused: AppendRefused) -> AppendFailed {
        match refused {
            AppendRefused::Busy => AppendFailed::Busy,
            other => AppendFailed::Refused(refusal(other)),
        }
    }
}

fn refusal(refused: AppendRefused) -> MetadataError {
    match refused {
        AppendRefused::DiskFull => MetadataError::LogFull,
        AppendRefused::TooLarge { .. } => MetadataError::CommandTooLarge,
        AppendRefused::Closed | AppendRefused::Busy => MetadataError::Stopping,
    }
}

fn joined(slices: &[bytes::Bytes], bytes: usize) -> bytes::Bytes {
    if let [only] = slices {
        return only.clone();
    }
    let mut whole = BytesMut::with_capacity(bytes);
    for slice in slices {
        whole.extend_from_slice(slice);
    }
    whole.freeze()
}
