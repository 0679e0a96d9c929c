//! The Corelog broker: connections, handlers, settings and the command line.

pub mod broker;
pub mod cli;
pub mod config;
pub mod groups;
pub mod handlers;
pub mod limits;
pub mod log_levels;
pub mod metrics;
pub mod net;
pub mod telemetry;
