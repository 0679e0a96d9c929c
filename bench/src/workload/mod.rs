//! What a run does: every choice that belongs to the load and none that belongs to one machine or broker.
//!
//! Read from the command line and from workload files alike; written into every result, so that a result says how to repeat it.

pub mod compression;
pub mod file;
pub mod key;
pub mod options;
pub mod size;

pub use compression::Compression;
pub use key::KeyDistribution;
pub use options::{Acks, Mode, PayloadSplit, Spread, Workload, WorkloadError};
pub use size::RecordSize;
