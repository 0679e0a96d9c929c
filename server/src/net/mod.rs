//! Sockets of the broker: listeners, connections, frames in, answers out in order.

pub mod answers;
pub mod close;
pub mod connection;
pub mod input;
pub mod listener;
pub mod quota;
pub mod registry;
pub mod request;
#[cfg(test)]
mod tests;
