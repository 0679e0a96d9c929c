//! Kafka's codecs for the records of a batch, byte-compatible with what Java clients and librdkafka read and write.
//!
//! Used only where the broker must look inside a batch, and by tools. Every decompression has a cap on its output: compressed input is
//! hostile, and inflates a thousandfold.

mod capped;
mod choice;
mod gzip;
mod lz4;
mod snappy;
mod zstandard;

pub use choice::{Compression, compress, decompress};

#[cfg(test)]
mod tests;
