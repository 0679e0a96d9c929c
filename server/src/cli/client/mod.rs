//! A small Kafka client for the tools; speaks to any Kafka broker.
//!
//! Runs on the one shard of a tool. It keeps one connection per broker with one request at a time on it, so order needs
//! no care. It never prints: its errors say what happened, the commands say it to people.

pub mod cluster;
pub mod connection;
pub mod error;
pub mod groups;
pub mod offsets;
pub mod topics;
