//! The simulation: one thread, one seed, virtual time.
//!
//! A [`Sim`] owns machines ([`Node`]s), each with a disk that loses and tears what was not synced, and a network
//! between them. It runs the very code that runs on the real kernel. Everything that happens is drawn from the seed:
//! the order of ready tasks, every delay, the fate of every write at a crash. One seed run twice leaves the same trace.
//!
//! ```ignore
//! let sim = Sim::new(seed);
//! sim.disk().crash_at_step(17);
//! let outcome = sim.run(async { /* start, write, acknowledge */ });
//! let recovered = sim.run(async { /* start again on what the crash left */ }).done();
//! ```

pub(crate) mod buffer;
mod crash;
pub(crate) mod dir;
mod disk;
mod executor;
pub(crate) mod fatal;
mod faults;
pub(crate) mod file;
pub(crate) mod linked;
mod names;
pub(crate) mod net;
mod pages;
mod pipe;
pub(crate) mod process;
pub(crate) mod rand;
mod random;
pub(crate) mod runtime;
pub(crate) mod signal;
pub(crate) mod task;
pub(crate) mod testing;
pub(crate) mod time;
mod world;

pub use crash::{Crash, Loss};
pub use executor::Outcome;
pub use faults::{Disk, Timing};
pub use runtime::run_shards;
pub use world::{Limits, Node, Sim};
