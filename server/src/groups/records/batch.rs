//! Owns how group records lie in Kafka's record batches.
//!
//! Pure functions, called by the service when it appends and when it loads.

use bytes::Bytes;
use corelog_engine::batch::{BatchBuilder, BatchError, Batches, Compression, Records, record_bytes};
use corelog_engine::limits::DECOMPRESSED_BYTES_MAX;
use thiserror::Error;

use super::codec::RecordError;
use super::record::GroupRecord;

/// Why a part of `__consumer_offsets` cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BatchReadError {
    /// A batch is damaged.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A record is damaged, or a newer version wrote it.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// One batch that holds all `records`, which must not be none.
///
/// # Errors
/// [`BatchReadError`] if a record cannot be written, or all together are too large for a batch.
pub fn batch_of(records: &[GroupRecord], compression: Compression, now_ms: i64) -> Result<Vec<u8>, BatchReadError> {
    let mut builder = BatchBuilder::new().compression(compression);
    for record in records {
        let encoded = record.encode()?;
        builder.push(now_ms, Some(&encoded.key), encoded.value.as_deref(), &[])?;
    }
    Ok(builder.build()?)
}

/// Calls `each` for the records of whole batches, in their order; control batches and records of unknown kinds are passed over.
///
/// # Errors
/// [`BatchReadError`]; the records before it were given.
pub fn records_of(bytes: &[u8], mut each: impl FnMut(GroupRecord)) -> Result<(), BatchReadError> {
    for batch in Batches::new(bytes) {
        let (header, batch) = batch?;
        if header.attributes.is_control() {
            continue;
        }
        // Keys and values share this copy; what a coordinator keeps of them it detaches.
        let records = Bytes::from(record_bytes(&header, batch, DECOMPRESSED_BYTES_MAX)?.into_owned());
        for record in Records::new(&header, &records) {
            let record = record?;
            let Some(key) = record.key.map(|key| records.slice_ref(key)) else { return Err(RecordError::Short.into()) };
            let value = record.value.map(|value| records.slice_ref(value));
            if let Some(record) = GroupRecord::decode(&key, value.as_ref())? {
                each(record);
            }
        }
    }
    Ok(())
}
