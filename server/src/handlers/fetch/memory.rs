//! Memory of a shard for answers of fetches: taken before anything is read, given back when the answer is in the socket.
//!
//! One per shard. The less is left, the less one answer may hold; a consumer that does not read its answer is ended before
//! others have to wait for long.

use corelog_rt::sync::{Permit, Semaphore};
use corelog_rt::time;

use crate::limits::{FETCH_BYTES_GRANTED_MIN, FETCH_MEMORY_DIVISOR, FETCH_MEMORY_PATIENCE, SLOW_READER_AGE_MIN};
use crate::net::registry::Registry;

/// Memory of a shard for answers of fetches.
#[derive(Debug)]
pub struct FetchMemory {
    bytes: Semaphore,
}

impl FetchMemory {
    /// A budget of `bytes`.
    pub fn new(bytes: u64) -> FetchMemory {
        FetchMemory { bytes: Semaphore::new(bytes.max(FETCH_BYTES_GRANTED_MIN as u64)) }
    }

    /// Takes up to `wanted` bytes, waiting where none are left.
    pub async fn take(&self, wanted: usize, registry: &Registry) -> Permit {
        let part = usize::try_from(self.bytes.available() / FETCH_MEMORY_DIVISOR).unwrap_or(usize::MAX);
        let granted = wanted.min(part.max(FETCH_BYTES_GRANTED_MIN)).max(1) as u64;
        loop {
            if let Some(permit) = self.bytes.try_acquire(granted) {
                return permit;
            }
            let least = granted.min(FETCH_BYTES_GRANTED_MIN as u64);
            if let Ok(permit) = time::timeout(FETCH_MEMORY_PATIENCE, self.bytes.acquire(least)).await {
                return permit;
            }
            registry.end_slowest_reader(SLOW_READER_AGE_MIN);
        }
    }

    /// Gives back what an answer of `bytes` does not need.
    pub fn keep(&self, permit: Permit, bytes: usize) -> Option<Permit> {
        if bytes == 0 {
            return None;
        }
        if permit.units() <= bytes as u64 {
            return Some(permit);
        }
        Some(self.bytes.try_acquire(bytes as u64).unwrap_or(permit))
    }
}
