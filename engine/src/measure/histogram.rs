//! Owns the histogram: how often a quantity fell between which bounds.
//!
//! The bounds are fixed: two for every doubling, so a quantile that is read off is at most a quarter wrong. To record a value is to find its
//! highest bit, and three additions.

use std::cell::Cell;

/// Where the bounds of a histogram lie: 2^first, 1.5 x 2^first, 2^(first+1), ... 2^last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    first: u32,
    last: u32,
}

/// How often a quantity fell between which bounds, counted by one shard.
#[derive(Debug)]
pub struct Histogram {
    scale: Scale,
    counts: Box<[Cell<u64>]>,
    sum: Cell<u64>,
}

/// A histogram as it was at one moment, or several added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistogramSample {
    scale: Scale,
    counts: Vec<u64>,
    sum: u64,
}

impl Scale {
    /// Durations in nanoseconds, from a microsecond to half a minute.
    pub const DURATION_NS: Scale = Scale { first: 10, last: 35 };
    /// Sizes in bytes, from 512 to 128 MiB.
    pub const BYTES: Scale = Scale { first: 9, last: 27 };

    /// The bounds, in ascending order; what lies above the last has a place of its own.
    pub fn bounds(self) -> impl Iterator<Item = u64> {
        let halves = (self.first..self.last).flat_map(|power| [1 << power, 3 << (power - 1)]);
        halves.chain([1 << self.last])
    }

    fn places(self) -> usize {
        (self.last - self.first) as usize * 2 + 2
    }

    /// The place of the lowest bound that is not below `value`.
    #[inline]
    fn place(self, value: u64) -> usize {
        let below = value.saturating_sub(1);
        if below < 1 << self.first {
            return 0;
        }
        let power = below.ilog2();
        let upper_half = (below >> (power - 1)) & 1;
        let place = (power - self.first) as usize * 2 + 1 + upper_half as usize;
        place.min(self.places() - 1)
    }
}

impl Histogram {
    /// An empty one.
    pub fn new(scale: Scale) -> Histogram {
        Histogram { scale, counts: vec![Cell::new(0); scale.places()].into(), sum: Cell::new(0) }
    }

    /// Counts `value` in.
    #[inline]
    pub fn record(&self, value: u64) {
        if let Some(count) = self.counts.get(self.scale.place(value)) {
            count.set(count.get().wrapping_add(1));
        }
        self.sum.set(self.sum.get().wrapping_add(value));
    }

    /// Counts a duration in, in nanoseconds.
    #[inline]
    pub fn record_duration(&self, duration: std::time::Duration) {
        // What is measured is shorter than the five centuries that fit.
        self.record(duration.as_nanos() as u64);
    }

    /// As it is now.
    pub fn sample(&self) -> HistogramSample {
        let counts = self.counts.iter().map(Cell::get).collect();
        HistogramSample { scale: self.scale, counts, sum: self.sum.get() }
    }
}

impl HistogramSample {
    /// Nothing counted.
    pub fn empty(scale: Scale) -> HistogramSample {
        HistogramSample { scale, counts: vec![0; scale.places()], sum: 0 }
    }

    /// Adds what another shard counted.
    ///
    /// # Panics
    /// If the two do not have the same bounds.
    pub fn add(&mut self, other: &HistogramSample) {
        assert_eq!(self.scale, other.scale, "histograms of one quantity have the same bounds");
        for (own, more) in self.counts.iter_mut().zip(&other.counts) {
            *own = own.wrapping_add(*more);
        }
        self.sum = self.sum.wrapping_add(other.sum);
    }

    /// Each bound with how many values are not above it.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut count = 0;
        self.scale.bounds().zip(&self.counts).map(move |(bound, more)| {
            count += more;
            (bound, count)
        })
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All values together.
    pub fn sum(&self) -> u64 {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_at_the_lowest_bound_that_is_not_below_it() {
        for scale in [Scale::DURATION_NS, Scale::BYTES] {
            let bounds: Vec<u64> = scale.bounds().collect();
            assert!(bounds.is_sorted() && bounds.len() + 1 == scale.places());
            let near = bounds.iter().flat_map(|bound| [bound - 1, *bound, bound + 1]);
            for value in near.chain([0, 1, 3, 777, 1_000_000, u64::MAX]) {
                let expected = bounds.iter().position(|bound| *bound >= value).unwrap_or(bounds.len());
                assert_eq!(scale.place(value), expected, "{value}");
            }
        }
    }

    #[test]
    fn samples_of_shards_add_up_and_count_from_below() {
        let (one, two) = (Histogram::new(Scale::BYTES), Histogram::new(Scale::BYTES));
        one.record(512);
        one.record(600);
        two.record(u64::MAX);
        let mut all = HistogramSample::empty(Scale::BYTES);
        all.add(&one.sample());
        all.add(&two.sample());
        let cumulative: Vec<(u64, u64)> = all.cumulative().collect();
        assert_eq!(cumulative[..2], [(512, 1), (768, 2)]);
        assert_eq!(cumulative.last(), Some(&(128 << 20, 2)));
        assert_eq!(all.count(), 3);
        assert_eq!(all.sum(), 1112_u64.wrapping_add(u64::MAX));
    }
}
