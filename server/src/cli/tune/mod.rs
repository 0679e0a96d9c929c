//! `corelog tune`: looks at the host, changes it, takes that back, measures its disk.
//!
//! Runs on the first thread of the process; the crate `corelog-tuning` does the work, this only speaks for it.

pub mod apply;
pub mod arguments;
pub mod check;
pub mod probe;
pub mod report;
pub mod run;
