//! Consumer groups as a whole: patterns, single requests, migration, and a simulation against a model.

mod migration;
mod patterns;
mod requests;
mod simulation;
mod world;
