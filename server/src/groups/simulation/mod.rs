//! Seeded runs of a coordinator against members that misbehave, and models of what must hold.
//!
//! Tests alone. `classic` speaks the classic protocol only, closely; `mixed` both, with groups that go from one to the other.

mod classic;
mod dice;
mod mixed;
