//! The settling pass: what makes a log that all partitions share give its space back.
//!
//! Data of many topics lie interleaved in a segment, with different retention, so a segment can be mostly dead and still not free. One task per
//! log looks at what every sealed segment wastes (the index keeps count as records arrive and die), and when the waste of a few of them adds up to
//! a whole file, copies what is live in them, sorted by partition, into settled segments and frees them.
//!
//! In order: `pass` is the task, `choice` says which segments, `plan` which spans of which partitions, `copy` reads and verifies them, `output` writes the
//! new segment and publishes it. A settled segment is an ordinary one, sealed from birth, with a number of its own kind.
//!
//! Log compaction is the same work with a filter: `dirty` says which partitions, `compact` reads their `keys` and writes them anew.
//!
//! **Crashes.** A new segment is written under a name that recovery ignores. It is durable to its last byte, and so is everything that its
//! content was chosen by, before one rename makes it a segment. From then on its spans stand for those that they were copied from, for their whole range of offsets: recovery
//! takes settled segments first, the newest first, and leaves out what they already have. A source is free when its last span is gone, as ever.
//!
//! **Readers** hold guards on the segments that they read; a source's file is used again only when they are done.
//!
//! **Never in the way.** It works in pieces of bounded bytes and operations; `pace` says how long it rests between them, by what it does to the log's commits.

mod choice;
mod compact;
mod copy;
mod dirty;
mod keys;
mod output;
mod pace;
mod pass;
mod plan;

pub use choice::Reason;
pub(super) use pace::Pace;
pub(super) use pass::settle_segments;
