//! The shard log from outside, on whichever backend the seam has.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected fails")]

mod compaction;
mod fixture;
mod log_append;
mod log_compact;
mod log_compact_crash;
#[cfg(sim)]
mod log_compact_power;
mod log_control;
#[cfg(sim)]
mod log_disk;
mod log_dump;
mod log_format;
#[cfg(sim)]
mod log_full;
#[cfg(sim)]
mod log_power;
mod log_prewrite;
mod log_read_ahead;
mod log_settle;
mod log_sort;
#[cfg(sim)]
mod log_stale;
#[cfg(sim)]
mod oracle;
