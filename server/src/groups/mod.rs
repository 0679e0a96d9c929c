//! Groups: who shares a topic's partitions, and how far they got.
//!
//! State machines without I/O, one per partition of `__consumer_offsets`, and the service that runs them on the shard that owns that
//! partition. A coordinator is given requests and the time; it gives back answers and the records that make its changes last. Nothing
//! outside `service` waits, reads a clock or touches a log.

pub mod admin;
pub mod classic;
pub mod cluster;
pub mod consumer;
mod consumer_events;
pub mod coordinator;
pub mod effects;
pub mod group;
pub mod message;
pub mod moment;
pub mod offsets;
pub mod records;
pub mod replay;
pub mod rewrite;
pub mod service;
pub mod settings;
pub mod timers;

#[cfg(test)]
mod capacity;
#[cfg(test)]
mod simulation;
