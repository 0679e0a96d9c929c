//! The records of `__consumer_offsets`, in Kafka's own format: Kafka's tools read the topic, and we read what Kafka wrote.
//!
//! Pure code. A record is a key, which begins with its kind in two bytes, and a value, which begins with its version in two bytes; no value
//! means that what the key names is gone (a tombstone).

mod batch;
mod codec;
mod record;

pub use batch::{BatchReadError, batch_of, records_of};
pub use codec::{EncodedRecord, RecordError};
pub use record::GroupRecord;

#[cfg(test)]
mod tests;
