//! Whole brokers on throw-away directories, asked over real sockets.

mod apis;
mod client;
mod fetching;
mod hostile;
mod producing;
