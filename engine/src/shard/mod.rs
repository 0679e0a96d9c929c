//! Everything that one core owns, and the way from core to core.
//!
//! An [`Engine`] is started with [`EngineSettings`]; every executor then has one [`Shard`], which owns logs (`log id % shards`), their
//! partitions, and a copy of the metadata image. Handlers look partitions up in it, run closures on other shards through it, and send
//! it commands on the metadata. Nothing of a shard is touched by another thread.

mod boot;
mod commands;
mod engine;
mod error;
mod follow;
mod identity;
mod partitions;
mod recovery;
mod router;
mod settings;
mod state;
mod ticker;

pub use engine::Engine;
pub use error::BootError;
pub use router::{Inbox, Router, Stopping, connect};
pub use settings::EngineSettings;
pub use state::Shard;

#[cfg(all(test, sim))]
mod crash_tests;
#[cfg(test)]
mod tests;
