//! Latency histograms and their percentiles. Nanoseconds inside, microseconds in what is shown and stored.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Values below are counted as this.
const LATENCY_NS_MIN: u64 = 1_000;
/// Values above are counted as this.
const LATENCY_NS_MAX: u64 = 3_600_000_000_000;
/// Significant digits.
const DIGITS: u8 = 3;

/// An empty histogram of latencies from 1 us to an hour, to three digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(LATENCY_NS_MIN, LATENCY_NS_MAX, DIGITS).expect("the bounds are valid")
}

/// The percentiles that every report shows, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Values.
    pub count: u64,
    /// Arithmetic mean.
    pub mean_us: f64,
    /// Half are at or below.
    pub p50_us: f64,
    /// 90 % are at or below.
    pub p90_us: f64,
    /// 99 % are at or below.
    pub p99_us: f64,
    /// 99.9 % are at or below.
    pub p999_us: f64,
    /// 99.99 % are at or below.
    pub p9999_us: f64,
    /// The largest.
    pub max_us: f64,
}

impl Percentiles {
    /// Reads them off a histogram of nanoseconds.
    pub fn of(histogram: &Histogram<u64>) -> Percentiles {
        let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1e3;
        Percentiles {
            count: histogram.len(),
            mean_us: histogram.mean() / 1e3,
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            p9999_us: at(0.9999),
            max_us: histogram.max() as f64 / 1e3,
        }
    }
}

/// Quantiles of a percentile curve between two powers of ten.
const STEPS_PER_NINE: u32 = 10;
/// Powers of ten of the curve: up to 99.9999 %.
const NINES: u32 = 6;

/// The percentile curve: quantiles from 0 to 99.9999 %, closer together towards the end, with their values in microseconds. Ends where
/// the histogram has no more values to tell quantiles apart.
pub fn curve(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    for step in 0..=NINES * STEPS_PER_NINE {
        let rest = 10_f64.powf(-f64::from(step) / f64::from(STEPS_PER_NINE));
        if rest * (histogram.len() as f64) < 1.0 {
            break;
        }
        let quantile = 1.0 - rest;
        points.push((quantile, histogram.value_at_quantile(quantile) as f64 / 1e3));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_rises_and_ends_where_values_end() {
        let mut latencies = histogram();
        assert!(curve(&latencies).is_empty());
        for value_us in 1..=1000_u64 {
            latencies.saturating_record(value_us * 1000);
        }
        let points = curve(&latencies);
        assert_eq!(points.len(), 31);
        assert!(points.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1));
    }

    #[test]
    fn percentiles_are_within_three_digits() {
        let mut latencies = histogram();
        for value_us in 1..=10_000_u64 {
            latencies.saturating_record(value_us * 1000);
        }
        let percentiles = Percentiles::of(&latencies);
        for (found, expected) in [
            (percentiles.p50_us, 5000.0),
            (percentiles.p99_us, 9900.0),
            (percentiles.p999_us, 9990.0),
            (percentiles.max_us, 10_000.0),
        ] {
            assert!((found / expected - 1.0_f64).abs() < 0.002, "{found} is not {expected}");
        }
    }
}
