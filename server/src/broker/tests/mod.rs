//! Whole brokers on throw-away directories, asked over real sockets.

mod admin;
mod apis;
pub(crate) mod client;
mod direct;
mod fetching;
mod groups;
mod hostile;
mod producing;
