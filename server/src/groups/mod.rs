//! Groups: who shares a topic's partitions, and how far they got.
//!
//! State machines without I/O, one per partition of `__consumer_offsets`, and the service that runs them on the shard that owns that
//! partition. A coordinator is given requests and the time; it gives back answers and the records that make its changes last. Nothing
//! outside `service` waits, reads a clock or touches a log.

pub mod records;
