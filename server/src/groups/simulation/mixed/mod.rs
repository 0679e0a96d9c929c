//! Groups of members of both protocols, through a whole coordinator: they become consumer groups and classic ones again while members
//! come, go, crash, commit, and lose, delay or repeat requests, while topics change and the coordinator is rebuilt from its log, rewritten
//! or compacted.
//!
//! Held at every step: no partition has two owners, neither for the coordinator nor among the members that it counts in; what was
//! acknowledged as committed is there until something newer, an expiry or a deletion takes its place; nobody commits what another owns. Held
//! once it is quiet: everybody owns its share, everything is committed, the log holds nothing of those that are gone; and when all have left
//! and offsets have expired, nothing is left at all.

mod checks;
mod classic_client;
mod client;
mod cluster;
mod commits;
mod consumer_client;
mod network;
mod rounds;
mod world;
