//! The wish of the operator that the process end.
//!
//! Any task of any shard waits for it. It is remembered: who asks later sees it at once. A second SIGTERM or SIGINT
//! ends the process without a farewell.

use crate::backend;

/// Returns once SIGTERM or SIGINT arrived.
pub async fn termination() {
    backend::signal::termination().await;
}
