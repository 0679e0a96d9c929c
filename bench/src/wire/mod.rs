//! Bytes on the way: produce requests that are built once and patched for every send, frames cut out of what was received, the stamp
//! in every record and the batches that carry it.
//!
//! Runs on the generator's threads; called by `load`. Does no I/O but reads and writes of the socket it is handed.

pub mod batch;
pub mod batches;
pub mod composer;
pub mod compression;
pub mod inbound;
pub mod outbound;
pub mod part;
pub mod payload;
pub mod stamp;
pub mod template;
