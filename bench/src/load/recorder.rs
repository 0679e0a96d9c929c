//! Counts what one thread does, interval by interval, and hands each interval over when it is past.

use std::sync::mpsc::Sender;

use crate::measure::interval::Interval;

/// The counts of one thread.
pub struct Recorder {
    start_ns: u64,
    interval_ns: u64,
    ends_ns: u64,
    /// The interval that runs.
    pub current: Interval,
    past: Sender<Interval>,
}

impl Recorder {
    /// Counts from `start_ns` on.
    pub fn new(start_ns: u64, interval_ns: u64, past: Sender<Interval>) -> Recorder {
        Recorder { start_ns, interval_ns, ends_ns: start_ns + interval_ns, current: Interval::new(0), past }
    }

    /// Begins a new interval if it is time. Called before anything is counted at `now_ns`.
    pub fn turn(&mut self, now_ns: u64) {
        if now_ns >= self.ends_ns {
            self.hand_over((now_ns - self.start_ns) / self.interval_ns);
        }
    }

    /// When the interval ends.
    pub fn ends_ns(&self) -> u64 {
        self.ends_ns
    }

    fn hand_over(&mut self, next: u64) {
        let past = std::mem::replace(&mut self.current, Interval::new(next as usize));
        self.ends_ns = self.start_ns + (next + 1) * self.interval_ns;
        // Nobody listens after the run was given up: then nobody needs it.
        let _ = self.past.send(past);
    }

    /// Hands over the last interval.
    pub fn finish(mut self) {
        let next = self.current.index as u64 + 1;
        self.hand_over(next);
    }
}
