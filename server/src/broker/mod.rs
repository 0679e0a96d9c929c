//! What one shard of the broker holds: the engine's shard, what clients are told; and the life of a broker from start to
//! stop.

pub mod endpoints;
mod options;
mod run;
mod state;

pub use run::{Ready, run};
pub use state::{Broker, Parts};

#[cfg(test)]
pub(crate) mod tests;
