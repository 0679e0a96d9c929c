//! Committed offsets: kept by group, topic and partition, until they expire or are deleted.
//!
//! Pure code, called by the coordinator. What a commit changes is decided here and stored when its record is replayed, so a commit that the
//! log refuses leaves nothing behind.

pub mod commit;
mod committed;
mod delete;
mod expiry;
mod fetch;
pub mod store;

pub use committed::CommittedOffset;
pub use expiry::ExpiryCondition;
pub use store::GroupOffsets;
