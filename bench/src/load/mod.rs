//! The load itself: threads with their connections, schedules, and the check of every record.
//!
//! `run` steers; one `worker` per thread owns its connections and shares nothing but a few counters. Nothing here prints.

pub mod checker;
pub mod consumer;
pub mod crew;
pub mod faults;
pub mod idle;
pub mod key_table;
pub mod observer;
pub mod plan;
pub mod producer;
pub mod ramp;
pub mod recorder;
pub mod run;
pub mod schedule;
pub mod shared;
pub mod verdict;
pub mod watch;
pub mod worker;
