//! Memory of a shard for answers of fetches: taken before anything is read, given back when the answer is in the socket.
//!
//! One per shard. The less is left, the less one answer may hold, and half of it is kept for answers of the smallest size, so
//! that a hundred consumers that do not read theirs take nothing from one that does. When even that is gone, the one that has
//! not read for longest is ended.

use corelog_engine::log::BytesInUse;
use corelog_rt::sync::{Permit, Semaphore};
use corelog_rt::time;

use crate::limits::{FETCH_BYTES_GRANTED_MIN, FETCH_MEMORY_DIVISOR, FETCH_MEMORY_PATIENCE, SLOW_READER_AGE_MIN};
use crate::net::registry::Registry;

/// Memory of a shard for answers of fetches.
#[derive(Debug)]
pub struct FetchMemory {
    bytes: Semaphore,
    /// What only answers of the smallest size may take.
    reserve_bytes: u64,
    bytes_max: u64,
}

impl FetchMemory {
    /// A budget of `bytes`.
    pub fn new(bytes: u64) -> FetchMemory {
        let bytes_max = bytes.max(FETCH_BYTES_GRANTED_MIN as u64);
        FetchMemory { bytes: Semaphore::new(bytes_max), reserve_bytes: bytes / 2, bytes_max }
    }

    /// Bytes in use, and the most there may be.
    pub fn in_use(&self) -> BytesInUse {
        BytesInUse { used: self.bytes_max.saturating_sub(self.bytes.available()), limit: self.bytes_max }
    }

    /// Takes up to `wanted` bytes, waiting where none are left.
    pub async fn take(&self, wanted: usize, registry: &Registry) -> Permit {
        let granted = self.grant(wanted);
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

    fn grant(&self, wanted: usize) -> u64 {
        let free = self.bytes.available().saturating_sub(self.reserve_bytes);
        let part = usize::try_from(free / FETCH_MEMORY_DIVISOR).unwrap_or(usize::MAX);
        wanted.min(part.max(FETCH_BYTES_GRANTED_MIN)).max(1) as u64
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_large_answers_leave_room_for_small_ones() {
        let memory = FetchMemory::new(32 << 20);
        let mut held = Vec::new();
        for _ in 0..100 {
            held.push(memory.bytes.try_acquire(memory.grant(50 << 20)).expect("half is kept for small answers"));
        }
        assert!(memory.bytes.available() >= 8 << 20, "{} bytes left", memory.bytes.available());
        drop(held);
        assert_eq!(memory.grant(50 << 20), 4 << 20);
    }
}
