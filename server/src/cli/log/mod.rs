//! `corelog log`: what a data directory holds, without a broker.

pub mod describe;
pub mod directory;
pub mod dump;
pub mod segments;
pub mod verify;
