//! The command line: what can be asked, and where the answers go.

pub mod compare;
pub mod entry;
pub mod gate;
pub mod run;
pub mod screen;
pub mod sink;
pub mod start;
