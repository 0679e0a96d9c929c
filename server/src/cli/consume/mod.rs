//! `corelog consume`: from a topic to standard output.

pub mod aborted;
pub mod fetcher;
pub mod format;
pub mod position;
pub mod printer;
pub mod run;
