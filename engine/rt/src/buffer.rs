//! Memory that the device reads and writes without a copy.
//!
//! Owns the aligned buffer. A shard fills one, hands it to a file and gets it back; once frozen, its slices may travel
//! to any thread, and the memory returns to a bounded pool of the shard that made it. It never grows.

use crate::backend;
use bytes::Bytes;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// Alignment of addresses, positions and lengths of direct I/O, in bytes.
pub const ALIGNMENT: usize = 4096;

/// From here on capacities are rounded to a few sizes, so that memory fits its next use. In bytes.
const SIZED_BYTES_MIN: usize = 64 << 10;

/// Aligned memory with one owner, always initialised.
pub struct DirectBuffer {
    memory: backend::buffer::Memory,
    bytes: usize,
}

impl DirectBuffer {
    /// `bytes` zeroes, at least one. The capacity is rounded up to [`ALIGNMENT`], that of a large buffer by up to a quarter.
    pub fn new(bytes: usize) -> DirectBuffer {
        let mut buffer = DirectBuffer::unzeroed(bytes);
        buffer.fill(0);
        buffer
    }

    /// `bytes` of memory that holds anything this process wrote before: for callers that overwrite all of it.
    pub fn unzeroed(bytes: usize) -> DirectBuffer {
        assert!(bytes > 0, "a buffer holds something");
        let memory = backend::buffer::Memory::take(capacity_for(bytes));
        DirectBuffer { memory, bytes }
    }

    /// Bytes in use.
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Whether it was truncated to nothing.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Bytes it can hold.
    pub fn capacity(&self) -> usize {
        self.memory.as_slice().len()
    }

    /// Shortens it to `bytes`; does nothing if it is not longer.
    pub fn truncate(&mut self, bytes: usize) {
        self.bytes = self.bytes.min(bytes);
    }

    /// Lengthens it to its capacity again; what comes back into view is whatever lay there.
    pub fn restore(&mut self) {
        self.bytes = self.capacity();
    }

    /// Shares it. The memory goes home to its shard when the last slice is dropped, on whatever thread.
    pub fn freeze(self) -> Bytes {
        if self.bytes == 0 { Bytes::new() } else { Bytes::from_owner(self) }
    }

    pub(crate) fn into_parts(self) -> (backend::buffer::Memory, usize) {
        (self.memory, self.bytes)
    }

    pub(crate) fn from_parts(memory: backend::buffer::Memory, bytes: usize) -> DirectBuffer {
        DirectBuffer { memory, bytes }
    }
}

/// Small capacities are multiples of the alignment, large ones the next of four sizes in every doubling.
fn capacity_for(bytes: usize) -> usize {
    let step = if bytes > SIZED_BYTES_MIN { bytes.next_power_of_two() / 8 } else { ALIGNMENT };
    bytes.next_multiple_of(step.max(ALIGNMENT))
}

impl Deref for DirectBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.memory.as_slice().get(..self.bytes).expect("the length never exceeds the capacity")
    }
}

impl DerefMut for DirectBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.memory.as_mut_slice().get_mut(..self.bytes).expect("the length never exceeds the capacity")
    }
}

impl AsRef<[u8]> for DirectBuffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for DirectBuffer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DirectBuffer").field("len", &self.len()).field("capacity", &self.capacity()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacities_are_aligned_and_large_ones_few() {
        let capacities = [1, 4096, 4097, 65_536, 65_537, 131_072, 131_073, (1 << 20) - 1, 1 << 20, (1 << 20) + 1];
        let expected = [4096, 4096, 8192, 65_536, 81_920, 131_072, 163_840, 1 << 20, 1 << 20, (1 << 20) + (1 << 18)];
        assert_eq!(capacities.map(capacity_for), expected);
        for bytes in (1..3_000_000).step_by(977) {
            let capacity = capacity_for(bytes);
            assert!(capacity >= bytes && capacity.is_multiple_of(ALIGNMENT), "{bytes}: {capacity}");
            assert!(capacity < bytes.next_multiple_of(ALIGNMENT) / 4 * 5 + ALIGNMENT, "{bytes}: {capacity}");
            assert_eq!(capacity_for(capacity), capacity);
        }
    }
}
