//! Owns what one shard knows of telemetry, as one value.
//!
//! On every shard, for the connections there; the handlers take it apart.

use super::clients::Clients;
use super::subscriptions::Subscriptions;

/// What one shard knows of telemetry.
#[derive(Debug)]
pub struct Telemetry {
    /// What is asked for.
    pub subscriptions: Subscriptions,
    /// Who was asked, and what they pushed.
    pub clients: Clients,
}
