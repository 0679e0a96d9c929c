//! Kafka record batches (magic 2): header view, validation, checksums, records, compression.
//!
//! Pure code without I/O or clock; every shard runs it on bytes that it owns or borrows. Whoever appends (`partition`), recovers (`log`),
//! or builds batches (metadata, tools, tests) calls it. It never trusts a length, a count or an offset that it reads, and never panics on one.

pub mod builder;
pub mod checksum;
pub mod compression;
pub mod error;
pub mod filter;
pub mod header;
pub mod patch;
pub mod recompress;
pub mod record;
pub mod validate;

#[cfg(test)]
mod golden;

pub use builder::BatchBuilder;
pub use checksum::{copy_checked, verify_checksum};
pub use compression::Compression;
pub use error::{BatchError, CompressionFlaw, Flaw};
pub use filter::{Filtered, Left, filter, without_records};
pub use header::{Attributes, BatchHeader, Batches, Codec, TimestampType};
pub use recompress::recompress;
pub use record::{Header, Record, Records, record_bytes};
pub use validate::{Rules, only_batch};
