//! Owns the counter: a number that only grows.

use std::cell::Cell;

/// A number that only grows, as long as the process lives.
#[derive(Debug, Default)]
pub struct Counter {
    count: Cell<u64>,
}

impl Counter {
    /// `more` of it.
    #[inline]
    pub fn add(&self, more: u64) {
        self.count.set(self.count.get().wrapping_add(more));
    }

    /// How many.
    pub fn get(&self) -> u64 {
        self.count.get()
    }
}
