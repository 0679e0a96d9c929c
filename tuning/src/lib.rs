//! What the host must offer: checked before a broker starts, and checked, changed and measured by `corelog tune`.
//!
//! `tunables/` has one file for each thing that stands in a broker's way; each says what is there, what is wanted, how to
//! change it and how to undo that. Nothing here runs on a shard of a broker: `corelog start` and the tools call it on the
//! first thread of the process.

pub mod change;
pub mod check;
mod control_group;
pub mod cpu_list;
pub mod data_dir;
pub mod disk;
pub mod facts;
pub mod host;
pub mod memory;
pub mod network;
pub mod page;
pub mod port;
pub mod probe;
pub mod root;
pub mod tunables;
