//! Who hears of a run while it goes on.

use std::collections::BTreeMap;

use super::watch::Times;
use crate::measure::interval::Interval;
use crate::report::result::IntervalResult;

/// Hears of a run, on the thread that steers it.
pub trait Observer {
    /// An interval is past.
    fn interval(&mut self, result: &IntervalResult);

    /// The run is over: all its intervals, by their numbers.
    fn intervals(&mut self, _times: &Times, _intervals: &BTreeMap<usize, Interval>) {}
}

impl<F: FnMut(&IntervalResult)> Observer for F {
    fn interval(&mut self, result: &IntervalResult) {
        self(result);
    }
}

/// Hears nothing.
pub struct Deaf;

impl Observer for Deaf {
    fn interval(&mut self, _: &IntervalResult) {}
}
