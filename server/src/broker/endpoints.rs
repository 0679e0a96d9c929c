//! What clients are told of this broker.
//!
//! Built once at start; every shard has its own copy, because the texts are shared by counting.

use corelog_protocol::Text;

/// Name, host and port that the clients of one listener are told.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The listener's name.
    pub name: Text,
    /// Host name or address.
    pub host: Text,
    /// Port.
    pub port: i32,
}
