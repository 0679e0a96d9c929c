//! The numbers that systems are compared by.

use crate::report::result::RunResult;

/// One number of a result.
#[derive(Clone, Copy)]
pub struct Metric {
    /// Its name, with its unit.
    pub name: &'static str,
    /// More is better.
    pub is_more_better: bool,
    /// Digits behind the point.
    pub digits: usize,
    read: fn(&RunResult) -> Option<f64>,
}

impl Metric {
    /// Reads it; none where the run has no such number.
    pub fn of(&self, result: &RunResult) -> Option<f64> {
        (self.read)(result).filter(|value| value.is_finite())
    }
}

const fn more(name: &'static str, digits: usize, read: fn(&RunResult) -> Option<f64>) -> Metric {
    Metric { name, is_more_better: true, digits, read }
}

const fn less(name: &'static str, digits: usize, read: fn(&RunResult) -> Option<f64>) -> Metric {
    Metric { name, is_more_better: false, digits, read }
}

fn if_any(count: u64, value: f64) -> Option<f64> {
    (count > 0).then_some(value)
}

/// All of them, in the order of reports.
pub const METRICS: [Metric; 16] = [
    more("produced MB/s", 1, |run| if_any(run.produced.records, run.produced.megabytes_per_second)),
    more("produced records/s", 0, |run| if_any(run.produced.records, run.produced.records_per_second)),
    more("consumed MB/s", 1, |run| if_any(run.consumed.records, run.consumed.megabytes_per_second)),
    less("broker CPU s per GB", 3, |run| run.broker.map(|broker| broker.cpu_seconds_per_gigabyte)),
    less("broker CPU us per batch", 2, |run| run.broker.map(|broker| broker.cpu_us_per_batch)),
    less("broker CPU s per million records", 3, |run| run.broker.map(|broker| broker.cpu_seconds_per_million_records)),
    less("acknowledged p50 ms", 3, |run| if_any(run.acknowledgement.count, run.acknowledgement.p50_us / 1e3)),
    less("acknowledged p99 ms", 3, |run| if_any(run.acknowledgement.count, run.acknowledgement.p99_us / 1e3)),
    less("acknowledged p99.9 ms", 3, |run| if_any(run.acknowledgement.count, run.acknowledgement.p999_us / 1e3)),
    less("end to end p50 ms", 3, |run| end_to_end(run).map(|latency| latency.p50_us / 1e3)),
    less("end to end p99 ms", 3, |run| end_to_end(run).map(|latency| latency.p99_us / 1e3)),
    less("end to end p99.9 ms", 3, |run| end_to_end(run).map(|latency| latency.p999_us / 1e3)),
    less("context switches/s", 0, |run| {
        let usage = run.broker?.usage;
        Some((usage.voluntary_switches + usage.involuntary_switches) as f64 / run.measured_seconds)
    }),
    less("device bytes written per byte", 3, |run| {
        run.broker.filter(|_| run.produced.bytes > 0).map(|broker| broker.write_amplification)
    }),
    less("peak memory MB", 0, |run| run.broker.map(|broker| broker.usage.resident_bytes_max as f64 / 1e6)),
    less("generator cores", 2, |run| Some(run.generator.cores)),
];

fn end_to_end(run: &RunResult) -> Option<crate::measure::latency::Percentiles> {
    (run.workload.produces() && run.end_to_end.count > 0).then_some(run.end_to_end)
}
