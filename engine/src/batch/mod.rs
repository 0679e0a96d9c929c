//! Kafka record batches (magic 2): header view, validation, checksums, records, compression.
//!
//! Pure code without I/O or clock; every shard runs it on bytes that it owns or borrows. Whoever appends (`partition`), recovers (`log`),
//! or builds batches (metadata, tools, tests) calls it. It never trusts a length, a count or an offset that it reads, and never panics on one.

pub mod error;
pub mod header;

pub use error::BatchError;
pub use header::{Attributes, BatchHeader, Batches, Codec, TimestampType};
