//! The metrics port: a small HTTP/1.1 server for `GET` alone, on shard 0.
//!
//! One request a connection; heads, connections, time are bounded. It serves who measures, not who attacks: it listens on this host unless
//! told otherwise.

pub mod head;
pub mod port;
pub mod routes;
