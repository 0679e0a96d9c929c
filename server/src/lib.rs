//! The Corelog broker: connections, handlers, settings and the command line.

pub mod limits;
pub mod net;
