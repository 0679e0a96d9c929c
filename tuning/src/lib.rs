//! What the host must offer, checked before a broker starts; one file per thing.
//!
//! Each check says what is there, what is wanted, whether that will do, and how to change it. Nothing here runs on a
//! shard: `corelog start` calls it on the first thread of the process, before any shard exists.

pub mod check;
pub mod data_dir;
pub mod direct_io;
pub mod free_space;
pub mod io_uring;
pub mod kernel_file;
pub mod locked_memory;
pub mod memory;
pub mod open_files;
pub mod port;
