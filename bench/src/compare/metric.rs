//! The numbers that systems are compared by.

use crate::measure::counter::InstructionCount;
use crate::report::result::RunResult;

/// What a number grows with where the machine does the same work in less time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Work done in a time: a faster machine does more.
    Rate,
    /// CPU time for a piece of work: a faster core needs less.
    Cpu,
    /// Time that passes: a faster machine needs less.
    Time,
    /// A count that does not depend on how fast the machine is.
    Count,
}

/// One number of a result.
#[derive(Clone, Copy)]
pub struct Metric {
    /// Its name, with its unit.
    pub name: &'static str,
    /// More is better.
    pub is_more_better: bool,
    /// It is the system's own, rather than what surrounded it.
    pub is_of_system: bool,
    /// Digits behind the point.
    pub digits: usize,
    /// How it depends on the machine.
    pub pace: Pace,
    read: fn(&RunResult) -> Option<f64>,
}

impl Metric {
    /// Reads it; none where the run has no such number.
    pub fn of(&self, result: &RunResult) -> Option<f64> {
        (self.read)(result).filter(|value| value.is_finite())
    }
}

type Read = fn(&RunResult) -> Option<f64>;

const fn more(name: &'static str, digits: usize, pace: Pace, read: Read) -> Metric {
    Metric { name, is_more_better: true, is_of_system: true, digits, pace, read }
}

const fn less(name: &'static str, digits: usize, pace: Pace, read: Read) -> Metric {
    Metric { name, is_more_better: false, is_of_system: true, digits, pace, read }
}

const fn beside(name: &'static str, digits: usize, read: Read) -> Metric {
    Metric { name, is_more_better: false, is_of_system: false, digits, pace: Pace::Count, read }
}

/// Moved in either direction.
fn records(run: &RunResult) -> u64 {
    run.produced.records + run.consumed.records
}

/// The cost of nothing is no number, least of all zero.
fn if_any(count: u64, value: f64) -> Option<f64> {
    (count > 0).then_some(value)
}

/// All of them, in the order of reports.
pub static METRICS: [Metric; 18] = [
    more("produced MB/s", 1, Pace::Rate, |run| if_any(run.produced.records, run.produced.megabytes_per_second)),
    more("produced records/s", 0, Pace::Rate, |run| if_any(run.produced.records, run.produced.records_per_second)),
    more("consumed MB/s", 1, Pace::Rate, |run| if_any(run.consumed.records, run.consumed.megabytes_per_second)),
    less("broker CPU s per GB", 3, Pace::Cpu, |run| {
        if_any(records(run), run.broker.map(|broker| broker.cpu_seconds_per_gigabyte)?)
    }),
    less("broker CPU us per batch", 2, Pace::Cpu, |run| {
        if_any(records(run), run.broker.map(|broker| broker.cpu_us_per_batch)?)
    }),
    less("broker CPU s per million records", 3, Pace::Cpu, |run| {
        if_any(records(run), run.broker.map(|broker| broker.cpu_seconds_per_million_records)?)
    }),
    less("broker instructions per record", 0, Pace::Count, instructions_per_record),
    less("acknowledged p50 ms", 3, Pace::Time, |run| {
        if_any(run.acknowledgement.count, run.acknowledgement.p50_us / 1e3)
    }),
    less("acknowledged p99 ms", 3, Pace::Time, |run| {
        if_any(run.acknowledgement.count, run.acknowledgement.p99_us / 1e3)
    }),
    less("acknowledged p99.9 ms", 3, Pace::Time, |run| {
        if_any(run.acknowledgement.count, run.acknowledgement.p999_us / 1e3)
    }),
    less("end to end p50 ms", 3, Pace::Time, |run| end_to_end(run).map(|latency| latency.p50_us / 1e3)),
    less("end to end p99 ms", 3, Pace::Time, |run| end_to_end(run).map(|latency| latency.p99_us / 1e3)),
    less("end to end p99.9 ms", 3, Pace::Time, |run| end_to_end(run).map(|latency| latency.p999_us / 1e3)),
    less("context switches/s", 0, Pace::Count, |run| {
        let usage = run.broker?.usage;
        Some((usage.voluntary_switches + usage.involuntary_switches) as f64 / run.measured_seconds)
    }),
    less("device bytes written per byte", 3, Pace::Count, |run| {
        run.broker.filter(|_| run.produced.bytes > 0).map(|broker| broker.write_amplification)
    }),
    less("peak memory MB", 0, Pace::Count, |run| run.broker.map(|broker| broker.usage.resident_bytes_max as f64 / 1e6)),
    beside("generator cores", 2, |run| Some(run.generator.cores)),
    beside("taken by the host %", 1, |run| Some(run.machine.stolen_percent())),
];

fn end_to_end(run: &RunResult) -> Option<crate::measure::latency::Percentiles> {
    (run.workload.produces() && run.end_to_end.count > 0).then_some(run.end_to_end)
}

/// In user mode: what the kernel does for the broker is in its CPU time.
fn instructions_per_record(run: &RunResult) -> Option<f64> {
    let Some(InstructionCount::Counted(count)) = run.instructions else { return None };
    if_any(records(run), count as f64 / records(run) as f64)
}

/// The metric of a name.
pub fn by_name(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}
