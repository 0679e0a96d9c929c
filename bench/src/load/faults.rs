//! What went wrong during a run, counted by its words.

use std::collections::BTreeMap;

/// Different words that are kept; further ones are counted together.
const WORDS_MAX: usize = 50;

/// Faults and how often each was met.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    counts: BTreeMap<String, u64>,
}

impl Faults {
    /// Counts one.
    pub fn note(&mut self, words: impl Into<String>) {
        self.note_many(words, 1);
    }

    /// Counts several of a kind.
    pub fn note_many(&mut self, words: impl Into<String>, count: u64) {
        let mut words = words.into();
        if self.counts.len() >= WORDS_MAX && !self.counts.contains_key(&words) {
            "others".clone_into(&mut words);
        }
        *self.counts.entry(words).or_default() += count;
    }

    /// Adds another thread's.
    pub fn add(&mut self, other: Faults) {
        for (words, count) in other.counts {
            self.note_many(words, count);
        }
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The words with their counts.
    pub fn into_counts(self) -> BTreeMap<String, u64> {
        self.counts
    }
}
