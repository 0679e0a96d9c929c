//! What was measured: latencies, intervals, and what processes and the machine spent meanwhile.

pub mod calibration;
pub mod counter;
pub mod interval;
pub mod latency;
pub mod process;
pub mod random;
pub mod statistics;
