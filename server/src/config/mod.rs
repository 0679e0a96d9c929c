//! Settings of the process: where they come from, which wins, what they mean.
//!
//! Runs once, before any shard exists; called by `cli::start` alone. It never touches the data directory and
//! never decides a default that Kafka decides: those are in the engine's registry of config names.

pub mod endpoint;
pub mod error;
pub mod layers;
pub mod names;
pub mod properties;
pub mod settings;
