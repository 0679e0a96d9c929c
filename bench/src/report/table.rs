//! A result for people: one table, and the line of progress while it runs.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};

use super::result::{Cost, IntervalResult, RunResult, Throughput};
use crate::measure::latency::Percentiles;
use crate::workload::Compression;

/// The whole result.
pub fn render(result: &RunResult) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    if result.workload.produces() {
        row("produced", throughput(&result.produced, result.workload.compression));
        row("acknowledged after", latency(&result.acknowledgement));
    }
    if result.workload.consumes() {
        row("consumed", throughput(&result.consumed, result.workload.compression));
        // Of records that lay there before, the age says nothing about the broker.
        if result.workload.produces() {
            row("end to end", latency(&result.end_to_end));
        }
    }
    if let Some(broker) = &result.broker {
        row("broker", cost(broker));
        row("", switches(broker, result.measured_seconds));
        row("", memory_and_device(broker));
    }
    row("generator", cost(&result.generator));
    if result.workload.rate.is_some() {
        row("generator late by", latency(&result.lateness));
    }
    if let Some(maximum) = &result.maximum {
        row("maximum", maximum_words(maximum, &result.produced));
    }
    row("machine", machine(result));
    row("records", integrity(result));
    if let Some(column) = table.column_mut(0) {
        column.set_cell_alignment(CellAlignment::Left);
    }
    // The table stands a column off the edge.
    let lines: Vec<String> =
        table.lines().map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned()).collect();
    let mut text = lines.join("\n");
    for (words, count) in &result.integrity.faults {
        let _ = write!(text, "\n  {count} x {words}");
    }
    text
}

/// One line of an interval: in each direction records and megabytes a second, and latencies. Short, so that a terminal shows all of it.
pub fn progress(interval: &IntervalResult) -> String {
    let mut line = format!("{:6.1} s", interval.ends_seconds);
    let flows =
        [("in", &interval.produced, &interval.acknowledgement), ("out", &interval.consumed, &interval.end_to_end)];
    for (name, flow, percentiles) in flows {
        if flow.records > 0 {
            let _ = write!(
                line,
                "  {name} {}/s {:.1} MB/s p50 {} p99 {}",
                grouped(flow.records_per_second),
                flow.megabytes_per_second,
                time(percentiles.p50_us),
                time(percentiles.p99_us)
            );
        }
    }
    if !interval.is_measured {
        line.push_str("  (not measured)");
    }
    line
}

fn throughput(flow: &Throughput, compression: Compression) -> String {
    let shrunk = if compression == Compression::None || flow.bytes == 0 {
        String::new()
    } else {
        format!(" (sent as {:.1} % of that)", 100.0 * flow.batch_bytes as f64 / flow.bytes as f64)
    };
    format!(
        "{:.1} MB/s{shrunk}, {} records/s, {} requests, {} batches",
        flow.megabytes_per_second,
        grouped(flow.records_per_second),
        grouped(flow.requests as f64),
        grouped(flow.batches as f64)
    )
}

fn latency(percentiles: &Percentiles) -> String {
    let parts = [
        ("p50", percentiles.p50_us),
        ("p90", percentiles.p90_us),
        ("p99", percentiles.p99_us),
        ("p99.9", percentiles.p999_us),
        ("p99.99", percentiles.p9999_us),
        ("max", percentiles.max_us),
    ];
    parts.map(|(name, value_us)| format!("{name} {}", time(value_us))).join(", ")
}

fn cost(cost: &Cost) -> String {
    format!(
        "{:.2} cores ({:.2} s user, {:.2} s system), {:.3} CPU s/GB, {:.3} CPU s/million records, {:.1} CPU us/batch",
        cost.cores,
        cost.usage.user_seconds,
        cost.usage.system_seconds,
        cost.cpu_seconds_per_gigabyte,
        cost.cpu_seconds_per_million_records,
        cost.cpu_us_per_batch
    )
}

fn switches(cost: &Cost, seconds: f64) -> String {
    let rate = |count: u64| grouped(count as f64 / seconds.max(1e-9));
    format!(
        "{} voluntary and {} involuntary context switches a second, {} threads",
        rate(cost.usage.voluntary_switches),
        rate(cost.usage.involuntary_switches),
        cost.usage.threads
    )
}

fn memory_and_device(cost: &Cost) -> String {
    format!(
        "{:.0} MB resident (at most {:.0} MB since its start), {:.1} MB written to the device ({:.3} a byte taken in), {:.1} MB read",
        cost.usage.resident_bytes as f64 / 1e6,
        cost.usage.resident_bytes_max as f64 / 1e6,
        cost.usage.device_write_bytes as f64 / 1e6,
        cost.write_amplification,
        cost.usage.device_read_bytes as f64 / 1e6
    )
}

fn maximum_words(maximum: &Throughput, produced: &Throughput) -> String {
    format!(
        "{:.1} MB/s, {} records/s of this generator against a broker that keeps nothing; the run was {:.0} % of that",
        maximum.megabytes_per_second,
        grouped(maximum.records_per_second),
        100.0 * produced.records_per_second / maximum.records_per_second.max(1e-9)
    )
}

fn machine(result: &RunResult) -> String {
    let total = result.machine.total_seconds.max(1e-9);
    let known = result.generator.usage.cpu_seconds() + result.broker.map_or(0.0, |broker| broker.usage.cpu_seconds());
    let others = (result.machine.busy_seconds - known).max(0.0);
    let label = if result.broker.is_some() { "others" } else { "all but the generator" };
    format!(
        "{:.0} % busy, of which {label} {:.0} %; {:.1} % stolen",
        100.0 * result.machine.busy_seconds / total,
        100.0 * others / total,
        result.machine.stolen_percent()
    )
}

fn integrity(result: &RunResult) -> String {
    let found = &result.integrity;
    if found.is_clean() {
        return if result.workload.consumes() { "all there, once, in order" } else { "all acknowledged" }.to_owned();
    }
    let faults: u64 = found.faults.values().sum();
    format!(
        "{} lost, {} duplicated, {} reordered, {} invented, {faults} other faults",
        found.lost, found.duplicated, found.reordered, found.invented
    )
}

/// Microseconds in the unit that reads best.
pub fn time(value_us: f64) -> String {
    match value_us {
        ..1e3 => format!("{value_us:.0} us"),
        ..1e4 => format!("{:.2} ms", value_us / 1e3),
        ..1e6 => format!("{:.1} ms", value_us / 1e3),
        _ => format!("{:.2} s", value_us / 1e6),
    }
}

/// A whole number with its thousands apart.
pub fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.max(0.0));
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(["0", "999", "1 000", "1 234 567"], [0.0, 999.2, 1000.0, 1_234_567.0].map(grouped));
        assert_eq!([time(12.3), time(1234.0), time(98_765.0), time(2.5e6)], ["12 us", "1.23 ms", "98.8 ms", "2.50 s"]);
    }
}
