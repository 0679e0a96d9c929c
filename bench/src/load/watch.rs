//! Watches a run from outside its threads: gathers their intervals, and samples what processes spend at both ends of the measurement.
//!
//! Runs on the thread that steers; sleeps until an interval comes or a sample is due.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::observer::Observer;
use crate::clock::{Clock, SECOND_NS};
use crate::measure::counter::{InstructionCount, InstructionCounter};
use crate::measure::interval::Interval;
use crate::measure::process::{MachineUsage, Usage};
use crate::report::result::IntervalResult;
use crate::workload::{Mode, Workload};

/// When a run begins, measures and ends, in ns.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// The load begins.
    pub start_ns: u64,
    /// The measurement begins.
    pub measure_ns: u64,
    /// Both end.
    pub stop_ns: u64,
    /// Length of an interval.
    pub interval_ns: u64,
}

impl Times {
    /// The times of a run that begins at `start_ns`.
    pub fn of(workload: &Workload, start_ns: u64) -> Times {
        let nanoseconds = |seconds: f64| (seconds * SECOND_NS as f64) as u64;
        let warm_up = if workload.mode == Mode::Consume { 0.0 } else { workload.warm_up };
        let shortest = if warm_up > 0.0 { warm_up.min(workload.duration) } else { workload.duration };
        let interval_ns = nanoseconds(shortest.min(1.0)).max(1);
        let whole = |seconds: f64| nanoseconds(seconds).div_ceil(interval_ns) * interval_ns;
        let measure_ns = start_ns + whole(warm_up);
        Times { start_ns, measure_ns, stop_ns: measure_ns + whole(workload.duration), interval_ns }
    }
}

/// What the steering thread saw.
pub struct Sampled {
    /// The sum over threads of each interval.
    pub intervals: BTreeMap<usize, Interval>,
    /// Spent by this process.
    pub generator: Usage,
    /// Spent by the broker's.
    pub broker: Option<Usage>,
    /// Instructions of the broker's, in user mode.
    pub instructions: Option<InstructionCount>,
    /// Spent by all.
    pub machine: MachineUsage,
    /// From the first to the last sample.
    pub seconds: f64,
}

struct Sample {
    time_ns: u64,
    generator: Usage,
    broker: Option<Usage>,
    instructions: Option<InstructionCount>,
    machine: MachineUsage,
}

/// Watches a run.
pub struct Watch<'a> {
    /// The run's clock.
    pub clock: Clock,
    /// The run's times.
    pub times: Times,
    /// Threads that will hand over intervals.
    pub threads: usize,
    /// The broker's processes.
    pub pids: &'a [u32],
}

impl Watch<'_> {
    /// Gathers the intervals of all threads until they end, and samples costs at both ends of the measurement.
    pub fn collect(&self, receiver: &Receiver<Interval>, observer: &mut dyn Observer) -> Result<Sampled> {
        let mut intervals: BTreeMap<usize, (usize, Interval)> = BTreeMap::new();
        let (mut first, mut last) = (None, None);
        let mut counter = (!self.pids.is_empty()).then(|| InstructionCounter::open(self.pids));
        loop {
            let now_ns = self.clock.now_ns();
            if first.is_none() && now_ns >= self.times.measure_ns {
                first = Some(self.sample(counter.as_mut())?);
            }
            if last.is_none() && now_ns >= self.times.stop_ns {
                last = Some(self.sample(counter.as_mut())?);
            }
            let next_ns = match (&first, &last) {
                (None, _) => self.times.measure_ns,
                (_, None) => self.times.stop_ns,
                _ => now_ns + SECOND_NS,
            };
            let interval = match receiver.recv_timeout(Duration::from_nanos(next_ns.saturating_sub(now_ns))) {
                Ok(interval) => interval,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let index = interval.index;
            let (count, sum) = intervals.entry(index).or_insert_with(|| (0, Interval::new(index)));
            sum.add(&interval);
            *count += 1;
            if *count == self.threads {
                observer.interval(&self.result(sum));
            }
        }
        let Some(first) = first else { bail!("the run ended before it was measured") };
        let last = match last {
            Some(last) => last,
            None => self.sample(counter.as_mut())?,
        };
        let intervals = intervals.into_iter().map(|(index, (_, interval))| (index, interval)).collect();
        observer.intervals(&self.times, &intervals);
        Ok(Sampled {
            intervals,
            generator: last.generator.since(&first.generator),
            broker: last.broker.zip(first.broker).map(|(last, first)| last.since(&first)),
            instructions: last.instructions.zip(first.instructions).map(|(last, first)| last.since(&first)),
            machine: last.machine.since(&first.machine),
            seconds: (last.time_ns - first.time_ns) as f64 / SECOND_NS as f64,
        })
    }

    fn sample(&self, counter: Option<&mut InstructionCounter>) -> Result<Sample> {
        let broker = if self.pids.is_empty() {
            None
        } else {
            Some(Usage::of(self.pids).with_context(|| format!("no process {:?} to look at", self.pids))?)
        };
        Ok(Sample {
            time_ns: self.clock.now_ns(),
            generator: Usage::of(&[std::process::id()])?,
            broker,
            instructions: counter.map(InstructionCounter::read),
            machine: MachineUsage::now()?,
        })
    }

    fn result(&self, interval: &Interval) -> IntervalResult {
        interval_result(&self.times, interval)
    }
}

/// An interval as it is stored.
pub fn interval_result(times: &Times, interval: &Interval) -> IntervalResult {
    let seconds = times.interval_ns as f64 / SECOND_NS as f64;
    IntervalResult::of(interval, seconds, is_measured(times, interval.index))
}

/// Whether an interval belongs to the measurement.
pub fn is_measured(times: &Times, index: usize) -> bool {
    let start_ns = times.start_ns + index as u64 * times.interval_ns;
    (times.measure_ns..times.stop_ns).contains(&start_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measurement_is_a_whole_number_of_intervals() {
        let workload = Workload { warm_up: 1.5, duration: 2.2, ..Workload::default() };
        let times = Times::of(&workload, 10 * SECOND_NS);
        assert_eq!((times.interval_ns, times.measure_ns, times.stop_ns), (SECOND_NS, 12 * SECOND_NS, 15 * SECOND_NS));
        let measured: Vec<usize> = (0..6).filter(|index| is_measured(&times, *index)).collect();
        assert_eq!(measured, [2, 3, 4]);
        let short = Times::of(&Workload { warm_up: 0.0, duration: 0.25, ..workload }, 0);
        assert_eq!((short.interval_ns, short.measure_ns, short.stop_ns), (SECOND_NS / 4, 0, SECOND_NS / 4));
    }
}
