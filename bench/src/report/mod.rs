//! What is shown and stored of a run: the result as JSON, the table and the page for people.

pub mod html;
pub mod interval_log;
pub mod ramp;
pub mod result;
pub mod table;
