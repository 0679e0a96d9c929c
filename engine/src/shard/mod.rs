//! Everything that one core owns, and the way from core to core.

mod router;

pub use router::{Inbox, Router, Stopping, connect};
