//! The result of one run, as it is stored. Field names are part of the tool's interface: baselines and scripts read them.

use std::collections::BTreeMap;

use corelog_tuning::facts::Facts;
use serde::{Deserialize, Serialize};

use crate::load::checker::Findings;
use crate::measure::counter::InstructionCount;
use crate::measure::interval::{Flow, Interval};
use crate::measure::latency::Percentiles;
use crate::measure::process::{Host, MachineUsage, Usage};
use crate::workload::Workload;

/// Version of this layout.
pub const FORMAT: u32 = 1;

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunResult {
    /// [`FORMAT`].
    pub format: u32,
    /// Version of the tool.
    pub tool_version: String,
    /// When the load began, in ms since 1970.
    pub started_ms: u64,
    /// Where it ran.
    pub host: Host,
    /// What the tuner finds on that host, and what its probe found of the broker's disk; none in results of older tools.
    #[serde(default)]
    pub tuning: Option<Facts>,
    /// The broker's address.
    pub bootstrap: String,
    /// What was asked for.
    pub workload: Workload,
    /// Length of the measurement.
    pub measured_seconds: f64,
    /// Acknowledged in the measurement.
    pub produced: Throughput,
    /// Received in the measurement.
    pub consumed: Throughput,
    /// From due or sent to acknowledged.
    pub acknowledgement: Percentiles,
    /// From due or sent to received.
    pub end_to_end: Percentiles,
    /// The acknowledgement's percentile curve: quantile (0 to 1) and microseconds.
    #[serde(default)]
    pub acknowledgement_curve: Vec<(f64, f64)>,
    /// The end-to-end latency's percentile curve.
    #[serde(default)]
    pub end_to_end_curve: Vec<(f64, f64)>,
    /// How late the generator was.
    pub lateness: Percentiles,
    /// The check of every record, over the whole run.
    pub integrity: Integrity,
    /// What the generator spent in the measurement.
    pub generator: Cost,
    /// What the broker's processes spent in the measurement.
    pub broker: Option<Cost>,
    /// Instructions of the broker's processes in user mode, in the measurement; none where no process was named.
    #[serde(default)]
    pub instructions: Option<InstructionCount>,
    /// What the generator does on these cores against a broker that keeps nothing, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<Throughput>,
    /// What the machine spent in the measurement.
    pub machine: MachineUsage,
    /// Second by second, warm-up included.
    pub intervals: Vec<IntervalResult>,
}

/// Records in one direction.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Throughput {
    /// Records.
    pub records: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
    /// Bytes of batches, as they were sent; 0 in results of older tools.
    #[serde(default)]
    pub batch_bytes: u64,
    /// Requests.
    pub requests: u64,
    /// Batches.
    pub batches: u64,
    /// Records a second.
    pub records_per_second: f64,
    /// Megabytes (10^6 bytes) of keys and values a second.
    pub megabytes_per_second: f64,
}

impl Throughput {
    /// A flow over a time.
    pub fn of(flow: Flow, seconds: f64) -> Throughput {
        let Flow { records, bytes, batch_bytes, requests, batches } = flow;
        let rate = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let (records_per_second, megabytes_per_second) = (rate(records), rate(bytes) / 1e6);
        Throughput { records, bytes, batch_bytes, requests, batches, records_per_second, megabytes_per_second }
    }
}

/// What processes spent.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Cost {
    /// Raw totals.
    pub usage: Usage,
    /// Cores that were busy, on average.
    pub cores: f64,
    /// CPU seconds for each gigabyte (10^9 bytes) of keys and values, in or out.
    pub cpu_seconds_per_gigabyte: f64,
    /// CPU seconds for each million records, in or out.
    pub cpu_seconds_per_million_records: f64,
    /// CPU microseconds for each batch, in or out.
    pub cpu_us_per_batch: f64,
    /// Bytes written to devices for each byte of keys and values taken in.
    pub write_amplification: f64,
}

impl Cost {
    /// Sets usage against what was moved.
    pub fn of(usage: Usage, seconds: f64, produced: Flow, consumed: Flow) -> Cost {
        let ratio = |a: f64, b: f64| if b > 0.0 { a / b } else { 0.0 };
        let cpu = usage.cpu_seconds();
        Cost {
            usage,
            cores: ratio(cpu, seconds),
            cpu_seconds_per_gigabyte: ratio(cpu, (produced.bytes + consumed.bytes) as f64 / 1e9),
            cpu_seconds_per_million_records: ratio(cpu, (produced.records + consumed.records) as f64 / 1e6),
            cpu_us_per_batch: ratio(cpu * 1e6, (produced.batches + consumed.batches) as f64),
            write_amplification: ratio(usage.device_write_bytes as f64, produced.bytes as f64),
        }
    }
}

/// The check of every record.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Integrity {
    /// Acknowledged and never arrived.
    pub lost: u64,
    /// Arrived more than once.
    pub duplicated: u64,
    /// Arrived behind a later one.
    pub reordered: u64,
    /// Arrived though nobody sent them.
    pub invented: u64,
    /// Everything else that went wrong, by its words.
    pub faults: BTreeMap<String, u64>,
}

impl Integrity {
    /// Findings and faults of a run.
    pub fn of(findings: Findings, faults: BTreeMap<String, u64>) -> Integrity {
        let Findings { lost, duplicated, reordered, invented } = findings;
        Integrity { lost, duplicated, reordered, invented, faults }
    }

    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.lost + self.duplicated + self.reordered + self.invented == 0 && self.faults.is_empty()
    }
}

/// One interval.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct IntervalResult {
    /// Seconds from the start of the load to its end.
    pub ends_seconds: f64,
    /// Whether it belongs to the measurement.
    pub is_measured: bool,
    /// Acknowledged.
    pub produced: Throughput,
    /// Received.
    pub consumed: Throughput,
    /// From due or sent to acknowledged.
    pub acknowledgement: Percentiles,
    /// From due or sent to received.
    pub end_to_end: Percentiles,
}

impl IntervalResult {
    /// An interval of so many seconds.
    pub fn of(interval: &Interval, seconds: f64, is_measured: bool) -> IntervalResult {
        IntervalResult {
            ends_seconds: (interval.index + 1) as f64 * seconds,
            is_measured,
            produced: Throughput::of(interval.produced, seconds),
            consumed: Throughput::of(interval.consumed, seconds),
            acknowledgement: Percentiles::of(&interval.acknowledgement),
            end_to_end: Percentiles::of(&interval.end_to_end),
        }
    }
}
