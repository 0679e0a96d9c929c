//! The Corelog broker: connections, handlers, settings and the command line.

pub mod cli;
pub mod config;
pub mod limits;
pub mod net;
