//! Owns how metadata records lie in Kafka record batches: one record each, its value being what `codec` gives.
//!
//! Pure functions, run on shard 0. A batch is what the log takes or loses as a whole, so records that only make sense together share one.

use super::codec::{RecordError, decode, encode};
use super::record::MetadataRecord;
use crate::batch::{BatchBuilder, BatchError, BatchHeader, Batches, Records, record_bytes};
use crate::config::ConfigScope;
use crate::ids::{LeaderEpoch, Offset};
use crate::limits::METADATA_BATCH_BYTES_MAX;
use thiserror::Error;

/// Why the metadata log cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BatchesError {
    /// A batch is damaged.
    #[error("the batch at offset {offset} of the metadata log: {error}")]
    Batch {
        /// Where it was expected.
        offset: Offset,
        /// What is wrong.
        error: BatchError,
    },
    /// A record is damaged, or a newer version wrote it.
    #[error("the record at offset {offset} of the metadata log: {error}")]
    Record {
        /// Where it is.
        offset: Offset,
        /// What is wrong.
        error: RecordError,
    },
}

/// Cuts a command's records into runs of about `METADATA_BATCH_BYTES_MAX` bytes, each a batch of its own. Cuts lie only where the
/// records before and after are about different resources: a crash between two batches leaves whole topics.
pub fn cut(records: &[MetadataRecord]) -> Vec<&[MetadataRecord]> {
    let mut runs = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, record) in records.iter().enumerate() {
        if bytes >= METADATA_BATCH_BYTES_MAX && begins_resource(records.get(index - 1), record) {
            runs.extend(records.get(start..index));
            (start, bytes) = (index, 0);
        }
        bytes += encode(record).len();
    }
    runs.extend(records.get(start..).filter(|rest| !rest.is_empty()));
    runs
}

/// Bytes of records on disk, without what a batch adds.
pub fn encoded_bytes(records: &[MetadataRecord]) -> usize {
    records.iter().map(|record| encode(record).len()).sum()
}

fn begins_resource(before: Option<&MetadataRecord>, record: &MetadataRecord) -> bool {
    match (before, record) {
        (
            Some(MetadataRecord::Config { scope: ConfigScope::Topic, resource: before, .. }),
            MetadataRecord::Config { scope: ConfigScope::Topic, resource, .. },
        ) => before != resource,
        // A topic's partitions and configs follow the topic.
        (Some(MetadataRecord::Topic { .. } | MetadataRecord::Partitions { .. }), MetadataRecord::Config { .. })
        | (_, MetadataRecord::Partitions { .. } | MetadataRecord::Counters { .. }) => false,
        _ => true,
    }
}

/// One batch of records, the first of them at `base`.
pub fn batch(records: &[MetadataRecord], base: Offset, now_ms: i64) -> Result<Vec<u8>, BatchError> {
    let mut builder = BatchBuilder::new().at(base, LeaderEpoch(0));
    for record in records {
        builder.push(now_ms, None, Some(&encode(record)), &[])?;
    }
    builder.build()
}

/// A batch of the metadata log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataBatch {
    /// Its records.
    pub records: Vec<MetadataRecord>,
    /// How long it is on disk.
    pub bytes: u64,
}

/// Reads whole batches, the first of them expected at `from`.
pub fn read(bytes: &[u8], from: Offset) -> Result<Vec<MetadataBatch>, BatchesError> {
    let mut offset = from;
    let mut found = Vec::new();
    for batch in Batches::new(bytes) {
        let (header, batch) = batch.map_err(|error| BatchesError::Batch { offset, error })?;
        found.push(MetadataBatch { records: read_one(&header, batch)?, bytes: header.bytes as u64 });
        offset = header.next_offset();
    }
    Ok(found)
}

fn read_one(header: &BatchHeader, batch: &[u8]) -> Result<Vec<MetadataRecord>, BatchesError> {
    let damaged = |error| BatchesError::Batch { offset: header.base_offset, error };
    let bytes = record_bytes(header, batch, METADATA_BATCH_BYTES_MAX * 64).map_err(damaged)?;
    let mut records = Vec::new();
    for record in Records::new(header, &bytes) {
        let value = record.map_err(damaged)?.value.unwrap_or_default();
        let offset = header.base_offset.plus(records.len() as i64);
        records.push(decode(value).map_err(|error| BatchesError::Record { offset, error })?);
    }
    Ok(records)
}
