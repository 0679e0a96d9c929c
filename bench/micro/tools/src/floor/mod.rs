//! The floor: a bare loop that receives from a socket, copies once, and writes and syncs each MiB directly.
//!
//! `corelog-floor` is the only caller. Whatever a broker spends beyond this loop, it spends on being a broker.

pub mod entry;
pub mod receiver;
pub mod sender;
pub mod target;
