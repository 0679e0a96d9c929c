//! Declares the crate's modules.

pub mod peer;
