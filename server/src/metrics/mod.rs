//! Seeing inside the broker: what is counted, how it is gathered from all shards, and the port on which it is told.
//!
//! Every shard counts in cells of its own ([`meters`]; the engine in its logs and partitions). When somebody asks, shard 0 asks every shard
//! for a [`sample`], adds them up and writes the page in the text format of Prometheus. Nothing is done between two questions.

pub mod catalog;
pub mod clients;
pub mod family;
pub mod gather;
pub mod http;
pub mod lag;
pub mod meters;
pub mod page;
pub mod partitions;
pub mod report;
pub mod sample;
pub mod segments;
#[cfg(test)]
mod tests;
