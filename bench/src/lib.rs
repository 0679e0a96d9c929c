//! The benchmark tool: loads any broker that speaks Kafka's protocol, checks every record, and says what it cost.
//!
//! `corelog-bench` is the only caller. It runs outside the broker, in its own process, on plain threads with `epoll`; it knows the
//! wire protocol and nothing of the engine, so it treats every broker alike.

pub mod clock;
pub mod cluster;
pub mod command;
pub mod compare;
pub mod gate;
pub mod load;
pub mod measure;
pub mod report;
pub mod sink;
pub mod wire;
pub mod workload;
