//! The three ways of making batches: patched from one that was built once, built record by record, or compressed before the run.

use std::cell::RefCell;
use std::sync::Arc;

use super::composer::{Composer, Ready};
use super::part::{Author, Part};
use super::template::Template;

/// Batches of one thread.
pub enum Batches {
    /// Records of one size, not compressed: as cheap as the socket's own copy.
    Template(Template),
    /// Anything else.
    Composed(RefCell<Composer>),
    /// Compressed before the run.
    Ready(Arc<Ready>),
}

impl Batches {
    /// Records of the next batch: at least 1, at most `most`, which is above 0. `drawn`: how many the connection drew before.
    pub fn count(&self, drawn: u64, most: usize) -> usize {
        match self {
            Batches::Template(template) => template.records_max().min(most),
            Batches::Composed(composer) => composer.borrow().count(drawn, most),
            Batches::Ready(ready) => ready.count(drawn),
        }
    }

    /// Records of the next request, where they are dealt out to up to `batches_max` batches: at most `most`, which is above 0.
    pub fn count_dealt(&self, drawn: u64, most: usize, batches_max: usize) -> usize {
        match self {
            Batches::Template(template) => most.min(template.records_max() * batches_max),
            // All together fit a batch, so every share of them does.
            Batches::Composed(_) | Batches::Ready(_) => self.count(drawn, most),
        }
    }

    /// How far the connection's draws are after a batch of `count` records.
    pub fn advance(&self, drawn: u64, count: usize) -> u64 {
        match self {
            Batches::Ready(_) => drawn + 1,
            Batches::Template(_) | Batches::Composed(_) => drawn + count as u64,
        }
    }

    /// Hands the batch of a part, which is none of a template, to `take`.
    pub fn make(&self, author: Author, part: &mut Part, scratch: &mut Vec<u8>, take: impl FnOnce(&[u8])) {
        match self {
            Batches::Template(_) => unreachable!("a template's batches are patched where they lie"),
            Batches::Composed(composer) => take(composer.borrow_mut().compose(author, part)),
            Batches::Ready(ready) => {
                scratch.clear();
                ready.append(author, part, scratch);
                take(scratch);
            }
        }
    }
}
