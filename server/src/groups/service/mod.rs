//! The shell of the coordinators: it loads them, writes what they decide, holds answers back until that is durable, and runs their timers.
//!
//! One [`GroupService`] per shard, with a [`Slot`] for each partition of `__consumer_offsets` that the shard owns. Requests come from any
//! shard through [`ask`].

mod answers;
mod background;
mod cluster;
mod load;
mod places;
mod routing;
mod slot;
mod topic;
mod write;

pub use places::GroupService;
pub use routing::{ask, partition_of, place_of};
pub use slot::Slot;
pub use topic::{OFFSETS_TOPIC, create as create_offsets_topic};
