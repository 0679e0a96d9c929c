//! Medians, and how far they can be trusted. Pure, and the same for the same numbers: the resampling draws from a fixed seed.

use serde::{Deserialize, Serialize};

use super::random::Random;

/// Resamples of a bootstrap.
const RESAMPLES: usize = 10_000;
/// What the resampling draws from.
const SEED: u64 = 1;
/// Share of them outside the interval, both sides together.
const OUTSIDE: f64 = 0.05;

/// An estimate with its interval, which holds the true value 95 times in 100 if the sample is fair.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The median.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Size of the sample.
    pub count: usize,
}

/// The median; none of nothing. Values that are no numbers are left out.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *sorted.get(sorted.len() / 2 - 1)?;
    Some(f64::midpoint(lower, upper))
}

/// The median with its bootstrap interval (percentile method); none of nothing.
pub fn estimate(values: &[f64]) -> Option<Estimate> {
    let value = median(values)?;
    let mut random = Random::new(SEED);
    let mut resample = vec![0.0; values.len()];
    let mut medians = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        for slot in &mut resample {
            *slot = *values.get(random.below(values.len())).expect("drawn below the length");
        }
        medians.extend(median(&resample));
    }
    let (low, high) = interval(&mut medians, value);
    Some(Estimate { value, low, high, count: values.len() })
}

/// The median of the ratios of values that were measured side by side, with its interval. Pairs without a ratio are left out.
pub fn estimate_ratio(numerators: &[f64], denominators: &[f64]) -> Option<Estimate> {
    let pairs = numerators.iter().zip(denominators).filter(|(_, denominator)| **denominator > 0.0);
    let ratios = pairs.map(|(numerator, denominator)| numerator / denominator);
    let ratios: Vec<f64> = ratios.filter(|ratio| !ratio.is_nan()).collect();
    estimate(&ratios)
}

/// The ratio of two medians of values that were not measured side by side, with its interval: both samples are drawn anew, each for
/// itself. None where either is empty or the divisor is not above zero.
pub fn estimate_ratio_of_medians(numerators: &[f64], denominators: &[f64]) -> Option<Estimate> {
    let divisor = median(denominators).filter(|divisor| *divisor > 0.0)?;
    let value = median(numerators)? / divisor;
    let mut random = Random::new(SEED);
    let mut draw = |values: &[f64]| {
        let resample: Vec<f64> =
            values.iter().filter_map(|_| values.get(random.below(values.len())).copied()).collect();
        median(&resample)
    };
    let mut ratios = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let pair = draw(numerators).zip(draw(denominators)).filter(|(_, divisor)| *divisor > 0.0);
        ratios.extend(pair.map(|(numerator, divisor)| numerator / divisor));
    }
    let (low, high) = interval(&mut ratios, value);
    Some(Estimate { value, low, high, count: numerators.len().min(denominators.len()) })
}

/// The ends of the interval of what a bootstrap found.
fn interval(found: &mut [f64], value: f64) -> (f64, f64) {
    found.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| found.get((share * (found.len() - 1) as f64).round() as usize).copied().unwrap_or(value);
    (at(OUTSIDE / 2.0), at(1.0 - OUTSIDE / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_even_and_nothing() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[f64::NAN, 7.0]), Some(7.0));
        assert_eq!(median(&[]), None);
        assert_eq!(estimate(&[]), None);
    }

    #[test]
    fn an_interval_holds_the_median_and_narrows_with_the_sample() {
        let sample = |count: usize| -> Vec<f64> {
            let mut random = Random::new(42);
            (0..count).map(|_| 100.0 + random.below(1000) as f64 / 100.0).collect()
        };
        let (few, many) = (estimate(&sample(7)).unwrap(), estimate(&sample(400)).unwrap());
        for estimate in [few, many] {
            assert!(estimate.low <= estimate.value && estimate.value <= estimate.high);
        }
        assert!((many.value - 105.0).abs() < 1.0, "{many:?}");
        assert!(many.high - many.low < (few.high - few.low) / 2.0, "{few:?} {many:?}");
        assert_eq!(estimate(&[5.0]), Some(Estimate { value: 5.0, low: 5.0, high: 5.0, count: 1 }));
    }

    #[test]
    fn the_interval_covers_the_truth_as_often_as_it_says() {
        let mut random = Random::new(7);
        let covered = (0..40)
            .filter(|_| {
                // The sum of four draws is nearly normal around 2000.
                let draw = |random: &mut Random| (0..4).map(|_| random.below(1001) as f64).sum::<f64>();
                let values: Vec<f64> = (0..15).map(|_| draw(&mut random)).collect();
                let estimate = estimate(&values).unwrap();
                estimate.low <= 2000.0 && 2000.0 <= estimate.high
            })
            .count();
        assert!(covered >= 34, "{covered} of 40");
    }

    #[test]
    fn ratios_are_taken_pair_by_pair() {
        let ratio = estimate_ratio(&[10.0, 20.0, 30.0, 1.0], &[5.0, 10.0, 15.0, 0.0]).unwrap();
        assert_eq!((ratio.value, ratio.low, ratio.high, ratio.count), (2.0, 2.0, 2.0, 3));
        assert_eq!(estimate_ratio(&[10.0, f64::NAN], &[5.0, 5.0]).unwrap().count, 1);
    }

    #[test]
    fn a_ratio_of_medians_needs_no_pairs() {
        let ratio = estimate_ratio_of_medians(&[21.0, 19.0, 20.0], &[10.0, 10.0, 9.0, 11.0, 10.0]).unwrap();
        assert!((ratio.value - 2.0).abs() < 1e-9 && ratio.low < 2.0 && ratio.high > 2.0, "{ratio:?}");
        assert!(ratio.low >= 19.0 / 11.0 && ratio.high <= 21.0 / 9.0, "{ratio:?}");
        assert_eq!(estimate_ratio_of_medians(&[1.0], &[0.0]), None);
        assert_eq!(estimate_ratio_of_medians(&[], &[1.0]), None);
    }
}
