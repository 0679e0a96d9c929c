//! Instruction counts against a baseline: what was counted, what was counted when somebody last accepted it, and whether that may pass.
//!
//! `corelog-counts` is the only caller.

pub mod baseline;
pub mod comparison;
pub mod entry;
pub mod summary;
