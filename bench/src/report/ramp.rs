//! A ramp for people: a line for each step, and a page that plots latency against throughput.

use std::fmt::Write as _;

use corelog_tuning::page::plot::{Line, Plot, Scale};
use corelog_tuning::page::style::{STYLE, escaped};

use super::result::RunResult;
use super::table;
use crate::load::ramp::RampResult;
use crate::measure::latency::Percentiles;
use crate::workload::Mode;

/// The latency that a ramp goes by.
fn latency(run: &RunResult) -> Percentiles {
    if run.workload.mode == Mode::EndToEnd { run.end_to_end } else { run.acknowledgement }
}

/// One line of a step.
pub fn step(rate: f64, run: &RunResult, is_sustained: bool) -> String {
    let latency = latency(run);
    let cost = run.broker.map_or_else(String::new, |broker| format!(", broker {:.2} cores", broker.cores));
    format!(
        "{} records/s asked, {} acknowledged, {:.1} MB/s, p50 {}, p99 {}, p99.9 {}{cost}: {}",
        table::grouped(rate),
        table::grouped(run.produced.records_per_second),
        run.produced.megabytes_per_second,
        table::time(latency.p50_us),
        table::time(latency.p99_us),
        table::time(latency.p999_us),
        if is_sustained { "sustained" } else { "not sustained" }
    )
}

/// What came of it, in one line.
pub fn verdict(result: &RampResult) -> String {
    let limit = format!("with p99 up to {}", table::time(result.plan.p99_ms_max * 1e3));
    match result.sustained_rate {
        Some(rate) => {
            let kept = result.steps.iter().find(|step| step.workload.rate == Some(rate));
            let megabytes = kept.map_or(0.0, |step| step.produced.megabytes_per_second);
            format!("sustained {} records/s, {megabytes:.1} MB/s, {limit}", table::grouped(rate))
        }
        None => format!("not even {} records/s were sustained {limit}", table::grouped(result.plan.rate)),
    }
}

/// The page.
pub fn render(result: &RampResult) -> String {
    let mut out = String::from("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
    let Some(first) = result.steps.first() else { return out };
    let mut steps: Vec<&RunResult> = result.steps.iter().collect();
    steps.sort_by(|a, b| a.workload.rate.unwrap_or(0.0).total_cmp(&b.workload.rate.unwrap_or(0.0)));
    let _ = write!(
        out,
        "<title>corelog-bench</title><style>{STYLE}</style></head><body>\n<h1>{} partitions, {} byte records, rising rate</h1>\n\
         <p>{} cores, {}, Linux {}. Broker at {}.</p>\n<p>{}</p>\n{}\n",
        first.workload.partitions * first.workload.topics,
        first.workload.record_bytes,
        first.host.cores,
        escaped(&first.host.processor),
        escaped(&first.host.kernel),
        escaped(&first.bootstrap),
        escaped(&verdict(result)),
        steps_table(&steps, result.sustained_rate),
    );
    // What was asked for beyond the limit may bring less than was asked for before.
    steps.sort_by(|a, b| a.produced.megabytes_per_second.total_cmp(&b.produced.megabytes_per_second));
    let against = |name: &'static str, read: fn(&RunResult) -> f64| Line {
        name,
        points: steps.iter().map(|run| (run.produced.megabytes_per_second, read(run))).collect(),
    };
    let latencies = vec![
        against("p99.9", |run| latency(run).p999_us / 1e3),
        against("p99", |run| latency(run).p99_us / 1e3),
        against("p50", |run| latency(run).p50_us / 1e3),
    ];
    let mut section = |title: &str, lines: Vec<Line>, y_scale: Scale| {
        let plot = Plot { lines, x_name: "MB/s acknowledged", x_ticks: None, y_scale };
        let _ = write!(out, "<h2>{title}</h2>\n{}\n", plot.render());
    };
    section("Latency against throughput, ms", latencies, Scale::Logarithmic);
    let mut cores = vec![against("generator", |run| run.generator.cores)];
    if first.broker.is_some() {
        cores.push(against("broker", |run| run.broker.map_or(0.0, |broker| broker.cores)));
    }
    section("Cores against throughput", cores, Scale::Linear);
    let workload = serde_json::to_string_pretty(&first.workload).unwrap_or_default();
    let _ = write!(out, "<h2>Workload of the first step</h2><pre>{}</pre>\n</body></html>\n", escaped(&workload));
    out
}

/// A row for each step, by rising rate.
fn steps_table(steps: &[&RunResult], sustained_rate: Option<f64>) -> String {
    let mut out = String::from(
        "<table><tr><th>records/s asked</th><th>acknowledged</th><th>MB/s</th><th>p50</th><th>p99</th><th>p99.9</th><th>broker cores</th>\
         <th></th></tr>\n",
    );
    for run in steps {
        let (rate, latency) = (run.workload.rate.unwrap_or(0.0), latency(run));
        let is_sustained = sustained_rate.is_some_and(|sustained| rate <= sustained);
        let cells = [
            table::grouped(rate),
            table::grouped(run.produced.records_per_second),
            format!("{:.1}", run.produced.megabytes_per_second),
            table::time(latency.p50_us),
            table::time(latency.p99_us),
            table::time(latency.p999_us),
            run.broker.map_or_else(|| "-".to_owned(), |broker| format!("{:.2}", broker.cores)),
        ];
        let (class, words) = if is_sustained { ("good", "sustained") } else { ("poor", "not sustained") };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "<tr><td>{}</td><td class=\"{class}\">{words}</td></tr>", cells.join("</td><td>"));
    }
    out + "</table>"
}
