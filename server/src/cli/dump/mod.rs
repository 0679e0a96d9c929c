//! `corelog log dump`: what a data directory holds, every checksum verified.

pub mod describe;
pub mod run;
