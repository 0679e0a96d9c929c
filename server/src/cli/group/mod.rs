//! `corelog group`: consumer groups, their lag and their offsets.

pub mod arguments;
pub mod delete;
pub mod describe;
pub mod list;
pub mod reset;
pub mod run;
pub mod table;
pub mod target;
