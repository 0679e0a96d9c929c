//! A candidate against a baseline, with one answer: worse beyond the bound, not worse, or nobody can say.
//!
//! Called by the command; runs on its thread. It starts and stops systems as a comparison does, in turns, and takes more turns while the
//! answer is not clear. What it measured can be the stored baseline of a later gate.

pub mod bound;
pub mod judge;
pub mod junit;
pub mod plan;
pub mod result;
pub mod sample;
pub mod session;
pub mod summary;
