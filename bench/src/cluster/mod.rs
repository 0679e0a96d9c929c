//! The little administration that a run needs, over blocking connections: topics, leaders, offsets, producer ids.
//!
//! Called before and after a run, never while it is measured. Speaks to any Kafka broker in the newest version that both know.

pub mod control;
pub mod topics;
pub mod topology;
