//! Measures the disk through the engine's own file path, and chooses how a broker uses it.

pub mod choose;
pub mod course;
pub mod measure;
pub mod others;
pub mod plan;
pub mod properties;
pub mod sample;
