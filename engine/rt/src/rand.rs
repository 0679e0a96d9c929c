//! Randomness.
//!
//! Any shard draws from it. The operating system's generator behind it is fit for secrets; in simulation every number
//! comes from the seed, so nothing may draw randomness any other way.

use crate::backend;

/// A uniformly distributed number.
pub fn u64() -> u64 {
    let mut bytes = [0; 8];
    backend::rand::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Fills `bytes` with uniformly distributed numbers.
pub fn fill(bytes: &mut [u8]) {
    backend::rand::fill(bytes);
}

/// A number in `0..bound`, with a bias of less than `bound / 2^64`. `bound` must not be zero.
pub fn below(bound: u64) -> u64 {
    assert!(bound > 0, "there is no number below zero");
    ((u128::from(u64()) * u128::from(bound)) >> 64) as u64
}
