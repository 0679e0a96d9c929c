//! The simulation: seeded, single-threaded, on virtual time.
