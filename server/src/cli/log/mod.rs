//! `corelog log`: what a data directory holds, without a broker or with one.

pub mod describe;
pub mod directory;
pub mod dump;
mod live;
pub mod segments;
pub mod verify;
