//! `corelog start`: settings, checks of the host, the banner, and the way into the shards.

pub mod banner;
pub mod preflight;
pub mod refusal;
pub mod run;
