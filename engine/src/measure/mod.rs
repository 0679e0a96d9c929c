//! Counting without sharing: counters and histograms of one shard, and what of them may leave it.
//!
//! A counter is a plain cell of the shard that counts: no atomics, no allocation, nothing that another core writes. Whoever wants to see
//! them asks the shard for a sample, which is a value of its own, and adds up the samples of all shards.

mod counter;
mod histogram;

pub use counter::Counter;
pub use histogram::{Histogram, HistogramSample, Scale};
