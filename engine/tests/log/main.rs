//! The shard log from outside, on whichever backend the seam has.

mod fixture;
mod log_append;
mod log_control;
#[cfg(sim)]
mod log_disk;
mod log_dump;
#[cfg(sim)]
mod log_power;
#[cfg(sim)]
mod log_stale;
#[cfg(sim)]
mod oracle;
