//! A broker that keeps nothing: what the generator reaches against it is the generator's own limit.
//!
//! Called by the command `sink`. One thread a connection; it answers what a producing run asks, and takes records without a look at them.

pub mod answers;
pub mod maximum;
pub mod server;
