//! What was measured of one cell: how many, how fast, how long each took.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::plan::Cell;

/// The longest time that is told apart from longer ones, in nanoseconds.
const NANOSECONDS_MAX: u64 = 60_000_000_000;

/// Times of operations, while they are gathered.
#[derive(Debug, Clone)]
pub struct Gathered {
    times: Histogram<u64>,
    seconds: f64,
}

impl Default for Gathered {
    fn default() -> Self {
        let times = Histogram::new_with_bounds(1, NANOSECONDS_MAX, 3).expect("bounds that the histogram takes");
        Self { times, seconds: 0.0 }
    }
}

impl Gathered {
    /// Adds the time of one operation.
    pub fn add(&mut self, time: Duration) {
        self.times.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds time during which operations were gathered.
    pub fn took(&mut self, time: Duration) {
        self.seconds += time.as_secs_f64();
    }

    /// Adds another pass.
    pub fn join(&mut self, other: &Gathered) {
        self.times += &other.times;
        self.seconds += other.seconds;
    }

    /// What came of it.
    pub fn sample(&self, cell: Cell) -> Sample {
        let us = |nanoseconds: u64| nanoseconds as f64 / 1e3;
        let at = |quantile: f64| us(self.times.value_at_quantile(quantile));
        let operations = self.times.len();
        let moved = operations as f64 * cell.bytes as f64;
        Sample {
            cell,
            operations,
            megabytes_per_second: if self.seconds > 0.0 { moved / self.seconds / 1e6 } else { 0.0 },
            mean_us: self.times.mean() / 1e3,
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: us(self.times.max()),
        }
    }
}

/// What was measured of one cell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// What it is of.
    #[serde(flatten)]
    pub cell: Cell,
    /// How many were done.
    pub operations: u64,
    /// Megabytes (10^6 bytes) a second.
    pub megabytes_per_second: f64,
    /// Mean time of one, in microseconds.
    pub mean_us: f64,
    /// Half of them took at most this long.
    pub p50_us: f64,
    /// 90 % of them took at most this long.
    pub p90_us: f64,
    /// 99 % of them took at most this long.
    pub p99_us: f64,
    /// 99.9 % of them took at most this long.
    pub p999_us: f64,
    /// The longest.
    pub max_us: f64,
}
