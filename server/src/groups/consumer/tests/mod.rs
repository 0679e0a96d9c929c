//! Consumer groups as a whole: patterns, single requests, migration.

pub mod migration;
mod patterns;
mod requests;
pub mod world;
