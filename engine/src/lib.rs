//! Declares the crate's modules.
