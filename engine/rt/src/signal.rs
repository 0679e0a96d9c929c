//! The wish of the operator that the process end.
//!
//! Any task of any shard waits for it. It is remembered: who asks later sees it at once. A second SIGTERM or SIGINT
//! ends the process without a farewell.

use crate::backend;

/// Ready once SIGTERM or SIGINT arrived. From the first call on, before anything is awaited, a signal is remembered
/// instead of ending the process.
pub fn termination() -> impl Future<Output = ()> {
    backend::signal::termination()
}
