//! The seam: everything Corelog asks of the machine, and nothing above it.
//!
//! It owns tasks, clock, randomness, direct files, directories, sockets, queues between shards and the exit of
//! the process. One executor runs per shard, pinned to its core; its tasks never leave it. Two backends stand
//! behind the same interface: `glommio` over `io_uring`, and, with `--cfg sim`, a seeded single-threaded
//! simulation on virtual time (`sim`). Nothing above this crate knows which one it runs on.

#[cfg(not(sim))]
#[path = "glommio/mod.rs"]
mod backend;
#[cfg(sim)]
pub mod sim;
#[cfg(sim)]
use sim as backend;

pub mod buffer;
pub mod dir;
pub mod fatal;
pub mod file;
pub mod linked;
pub mod map;
pub mod mesh;
pub mod net;
pub mod process;
pub mod rand;
pub mod runtime;
pub mod signal;
pub mod sync;
pub mod task;
pub mod testing;
pub mod time;
