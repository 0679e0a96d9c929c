//! The shard log from outside, on whichever backend the seam has.

mod fixture;
mod log_append;
