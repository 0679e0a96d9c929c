//! `corelog topic`: administration of topics.

pub mod change;
pub mod describe;
pub mod list;
pub mod run;
