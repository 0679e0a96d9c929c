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

/// Aligned memory with one owner, always initialised.
pub struct DirectBuffer {
    memory: backend::buffer::Memory,
    bytes: usize,
}

impl DirectBuffer {
    /// `bytes` zeroes, at least one. The capacity is rounded up to [`ALIGNMENT`].
    pub fn new(bytes: usize) -> DirectBuffer {
        let mut buffer = DirectBuffer::unzeroed(bytes);
        buffer.fill(0);
        buffer
    }

    /// `bytes` of memory that holds anything this process wrote before: for callers that overwrite all of it.
    pub fn unzeroed(bytes: usize) -> DirectBuffer {
        assert!(bytes > 0, "a buffer holds something");
        let memory = backend::buffer::Memory::take(bytes.next_multiple_of(ALIGNMENT));
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
