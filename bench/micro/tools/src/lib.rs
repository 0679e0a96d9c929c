//! What stands beside the micro benchmarks: the judgement over instruction counts, and the bare loop that the broker's cost is measured against.
//!
//! Knows nothing of the broker; `corelog-counts` and `corelog-floor` are the only callers.

pub mod counts;
pub mod floor;
