//! A gate for people, as Markdown: fit for a pull request or the summary of a job.

use std::fmt::Write as _;

use super::judge::{Finding, Line, Pairing};
use super::result::{GateResult, Outcome};
use super::sample::Side;
use crate::compare::metric::by_name;
use crate::measure::statistics::{Estimate, median};

/// The whole text.
pub fn markdown(result: &GateResult) -> String {
    let mut out = format!("# Performance gate: {}\n\n", title(result.outcome));
    let host = &result.host;
    let _ = writeln!(
        out,
        "{} cores, {}, Linux {}, {}. {}",
        host.cores,
        host.processor,
        host.kernel,
        result.date,
        way(result)
    );
    if !result.lines.is_empty() {
        out.push_str("\n| workload | metric | baseline | candidate | ratio (95 %) | bound | |\n|---|---|---:|---:|---:|---:|---|\n");
    }
    for line in &result.lines {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} {} | {} |",
            line.workload,
            line.metric,
            value(line, line.baseline),
            value(line, line.candidate),
            line.ratio.map_or_else(|| "-".to_owned(), ratio),
            if line.is_more_better { "-" } else { "+" },
            line.bound,
            finding(line)
        );
    }
    out.push('\n');
    for workload in &result.plan.workloads {
        let _ = writeln!(out, "- {}: {}", workload.name, turns(result, &workload.name));
    }
    for sample in result.samples.iter().filter(|sample| sample.unsound.is_some()) {
        let words = sample.unsound.as_deref().unwrap_or_default();
        let _ = writeln!(
            out,
            "- **records went wrong**: {}, {:?}, round {}: {words}",
            sample.workload,
            sample.side,
            sample.round + 1
        );
    }
    for warning in &result.warnings {
        let _ = writeln!(out, "- warning: {warning}");
    }
    out
}

fn title(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Recorded => "recorded, nothing to compare with",
        Outcome::Passed => "passed",
        Outcome::Regressed => "REGRESSION",
        Outcome::Unmeasured => "could not be measured",
    }
}

fn way(result: &GateResult) -> &'static str {
    match result.pairing {
        Some(Pairing::Interleaved) => {
            "Both sides in turns, each turn with a new process and fresh data; ratios are taken round by round, with the interval that \
             holds the median 95 times in 100."
        }
        Some(Pairing::Stored) => {
            "The baseline was measured before; ratios are of medians of numbers set against the calibration loop beside each turn, with \
             the interval that holds the ratio 95 times in 100."
        }
        None => "The candidate alone.",
    }
}

/// How many turns a workload took, and how fast the machine was beside them.
fn turns(result: &GateResult, workload: &str) -> String {
    let loop_ms = |side: Side| {
        let times: Vec<f64> = result
            .samples
            .iter()
            .filter(|sample| sample.workload == workload && sample.side == side)
            .map(|sample| sample.calibration.wall_seconds * 1e3)
            .collect();
        median(&times).map(|time_ms| (times.len(), time_ms))
    };
    let sides = [("baseline", Side::Baseline), ("candidate", Side::Candidate)];
    let parts = sides.into_iter().filter_map(|(name, side)| {
        let (count, time_ms) = loop_ms(side)?;
        Some(format!("{count} turns of the {name}, the calibration loop took {time_ms:.1} ms beside them"))
    });
    parts.collect::<Vec<_>>().join("; ")
}

fn value(line: &Line, estimate: Option<Estimate>) -> String {
    let digits = by_name(&line.metric).map_or(2, |metric| metric.digits);
    estimate.map_or_else(|| "-".to_owned(), |found| format!("{:.digits$}", found.value))
}

fn ratio(found: Estimate) -> String {
    format!("{:.3} ({:.3} to {:.3})", found.value, found.low, found.high)
}

/// What a line says, in words.
pub fn finding(line: &Line) -> String {
    match line.finding {
        Finding::Better => "better".to_owned(),
        Finding::Within => "ok".to_owned(),
        Finding::Near => "ok: close to the bound, but not shown to be beyond it".to_owned(),
        Finding::Unclear => "**unclear**: the interval is wider than the bound, the machine is too noisy".to_owned(),
        Finding::Regression => "**regression**".to_owned(),
        Finding::Absent => format!("not judged: {}", line.absent.as_deref().unwrap_or("no numbers")),
    }
}
