//! Memory of direct buffers: never reused, and full of a pattern where nobody asked for zeroes.

/// What memory holds that is not asked to be zero.
const STALE: u8 = 0xa5;

pub(crate) struct Memory {
    bytes: Box<[u8]>,
}

impl Memory {
    pub(crate) fn take(capacity: usize) -> Memory {
        Memory { bytes: vec![STALE; capacity].into_boxed_slice() }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}
