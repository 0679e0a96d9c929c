//! Two or more systems under the same workloads, side by side: A B, B A, A B ..., each with fresh data, each warmed up.
//!
//! Called by the command; starts and stops the systems through the commands that the plan gives, and never touches other processes.

pub mod metric;
pub mod page;
pub mod plan;
pub mod ratio_plot;
pub mod standstill;
pub mod summary;
pub mod system;
pub mod turns;
