//! What is shown and stored of a run: the result as JSON, the table for people.

pub mod result;
pub mod table;
