//! Metrics that clients push of themselves (KIP-714): who is asked for what, and what each pushed last.
//!
//! One value per shard, used by the handlers of the connections there; a client that connects to another shard introduces itself
//! anew, as it does to another broker. State machines without I/O: every call is given the time.

pub mod clients;
pub mod figures;
pub mod otlp;
mod state;
pub mod subscriptions;

pub use clients::{Clients, Push, TelemetryError};
pub use state::Telemetry;
pub use subscriptions::{ClientAttributes, Subscriptions};

#[cfg(test)]
mod tests;
