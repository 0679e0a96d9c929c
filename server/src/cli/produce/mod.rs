//! `corelog produce`: from lines to acknowledged records.

pub mod input;
pub mod partitioner;
pub mod progress;
pub mod record;
pub mod run;
pub mod sender;
