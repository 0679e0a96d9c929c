//! Micro benchmarks: the hot functions of the broker one by one, timed with criterion and counted in instructions with gungraun.
//!
//! Both benches run the cases of [`cases`], each of which is defined once. The instruction counts are held against `instructions.json` by the
//! tools beside them. Runs outside the broker and asserts freely.

pub mod batches;
pub mod case;
pub mod cases;
pub mod checksum;
pub mod commit;
pub mod fetch;
pub mod index;
pub mod messages;
pub mod validation;
pub mod world;
