//! A result as one HTML file that needs no other: the numbers, throughput and latency over time, and the percentile curve, as SVG.

use std::fmt::Write as _;

use super::result::{IntervalResult, RunResult};
use super::table;
use corelog_tuning::page::plot::{Line, Plot, Scale};
use corelog_tuning::page::style::{STYLE, escaped};

/// The whole page.
pub fn render(result: &RunResult) -> String {
    let mut out = String::from("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
    let _ = write!(
        out,
        "<title>corelog-bench</title><style>{STYLE}</style></head><body>\n<h1>{} partitions, {} byte records, {}</h1>\n\
         <p>{} cores, {}, Linux {}. Broker at {}.</p>\n<pre>{}</pre>\n",
        result.workload.partitions * result.workload.topics,
        result.workload.record_bytes,
        result
            .workload
            .rate
            .map_or("as fast as it goes".to_owned(), |rate| format!("{} records/s", table::grouped(rate))),
        result.host.cores,
        escaped(&result.host.processor),
        escaped(&result.host.kernel),
        escaped(&result.bootstrap),
        escaped(&table::render(result)),
    );
    let mut section = |title: &str, plot: Plot<'_>| {
        let _ = write!(out, "<h2>{title}</h2>\n{}\n", plot.render());
    };
    section("Throughput, MB/s", throughput(result));
    let sides: [Side<'_>; 2] = [
        (
            "Latency to acknowledgement",
            result.produced.records > 0,
            |interval| interval.acknowledgement,
            &result.acknowledgement_curve,
        ),
        (
            "Latency end to end",
            result.workload.produces() && result.consumed.records > 0,
            |interval| interval.end_to_end,
            &result.end_to_end_curve,
        ),
    ];
    for (title, is_there, pick, curve) in sides {
        if is_there {
            section(&format!("{title}, second by second, ms"), latency_over_time(result, pick));
            section(&format!("{title}, by percentile, ms"), percentile_curve(curve));
        }
    }
    let workload = serde_json::to_string_pretty(&result.workload).unwrap_or_default();
    let _ = write!(out, "<h2>Workload</h2><pre>{}</pre>\n{}</body></html>\n", escaped(&workload), tuning(result));
    out
}

/// Title, whether there is anything, and where its numbers are.
type Side<'a> = (&'static str, bool, Pick, &'a [(f64, f64)]);
type Pick = fn(&IntervalResult) -> crate::measure::latency::Percentiles;

/// The intervals of warm-up and measurement: in what comes after, only the last answers arrive.
fn shown(result: &RunResult) -> impl Iterator<Item = &IntervalResult> {
    let last = result.intervals.iter().rposition(|interval| interval.is_measured).map_or(0, |at| at + 1);
    result.intervals.iter().take(last)
}

fn throughput(result: &RunResult) -> Plot<'static> {
    let over_time = |read: fn(&IntervalResult) -> f64| -> Vec<(f64, f64)> {
        shown(result).map(|interval| (interval.ends_seconds, read(interval))).collect()
    };
    let mut lines = Vec::new();
    if result.workload.produces() {
        lines.push(Line { name: "in", points: over_time(|interval| interval.produced.megabytes_per_second) });
    }
    if result.workload.consumes() {
        lines.push(Line { name: "out", points: over_time(|interval| interval.consumed.megabytes_per_second) });
    }
    Plot { lines, x_name: "seconds", x_ticks: None, y_scale: Scale::Linear }
}

fn latency_over_time(result: &RunResult, pick: Pick) -> Plot<'static> {
    let line = |name: &'static str, read: fn(&crate::measure::latency::Percentiles) -> f64| Line {
        name,
        points: shown(result)
            .map(|interval| (interval, pick(interval)))
            .filter(|(_, percentiles)| percentiles.count > 0)
            .map(|(interval, percentiles)| (interval.ends_seconds, read(&percentiles) / 1e3))
            .collect(),
    };
    let lines = vec![
        line("max", |percentiles| percentiles.max_us),
        line("p99", |percentiles| percentiles.p99_us),
        line("p50", |percentiles| percentiles.p50_us),
    ];
    Plot { lines, x_name: "seconds", x_ticks: None, y_scale: Scale::Logarithmic }
}

/// The horizontal axis counts nines: each step to the right leaves out a tenth of what the one before did.
fn percentile_curve(curve: &[(f64, f64)]) -> Plot<'static> {
    let nines = |quantile: f64| -(1.0 - quantile).max(1e-6).log10();
    let points = curve.iter().map(|(quantile, value_us)| (nines(*quantile), value_us / 1e3)).collect();
    let ticks: &[(f64, &str)] =
        &[(0.0, "0"), (0.301, "50"), (1.0, "90"), (2.0, "99"), (3.0, "99.9"), (4.0, "99.99"), (5.0, "99.999")];
    Plot {
        lines: vec![Line { name: "latency", points }],
        x_name: "percentile",
        x_ticks: Some(ticks),
        y_scale: Scale::Logarithmic,
    }
}

/// What is known of the host and the disk.
pub fn tuning(result: &RunResult) -> String {
    let Some(facts) = &result.tuning else { return String::new() };
    let mut out =
        String::from("<h2>Host</h2><table class=\"host\"><tr><th>name</th><th>now</th><th>verdict</th></tr>\n");
    for (name, found) in &facts.checks {
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(name),
            escaped(&found.current),
            escaped(&found.verdict)
        );
    }
    let disk = facts.disk.as_ref().and_then(|disk| serde_json::to_string_pretty(disk).ok());
    let _ = writeln!(out, "</table><pre>{}</pre>", escaped(disk.as_deref().unwrap_or("the disk was not measured")));
    out
}
