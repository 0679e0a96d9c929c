//! The command line of the one binary: `start` and the tools.
//!
//! The only part of the project that writes to standard output. `start` builds the shards; every tool is a client
//! with one shard of its own that speaks to a broker over the wire, and `log` reads a directory without a broker.

pub mod arguments;
pub mod client;
pub mod consume;
pub mod entry;
pub mod failure;
pub mod group;
pub mod log;
pub mod logging;
pub mod moment;
pub mod output;
pub mod produce;
pub mod shard;
pub mod start;
pub mod text;
pub mod topic;
pub mod tune;
