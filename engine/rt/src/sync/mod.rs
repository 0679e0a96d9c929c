//! Waiting between tasks.
//!
//! [`Notify`], [`oneshot`], [`Semaphore`] and [`Turns`] work inside one shard, without atomics; [`cross`] hands one value from
//! shard to shard. None of them may be held across shards except `cross`.

mod notify;
pub mod oneshot;
mod semaphore;
mod turns;

pub use futures_channel::oneshot as cross;
pub use notify::{Notified, Notify};
pub use semaphore::{Permit, Semaphore};
pub use turns::{Turn, Turns};
