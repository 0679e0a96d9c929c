//! What a comparison found: medians of each system, ratios of the first system to each other one with their intervals.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::metric::{METRICS, Metric};
use super::plan::Plan;
use super::turns::Turn;
use crate::measure::process::Host;
use crate::measure::statistics::{Estimate, estimate, estimate_ratio};

/// One number of one workload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Name of the workload.
    pub workload: String,
    /// Name of the metric.
    pub metric: String,
    /// Whether more is better.
    pub is_more_better: bool,
    /// Each system with its median.
    pub systems: Vec<(String, Option<Estimate>)>,
    /// The first system's ratio to each other one.
    pub ratios: Vec<(String, Option<Estimate>)>,
}

/// All numbers of all workloads.
pub fn summarize(plan: &Plan, turns: &[Turn]) -> Vec<Line> {
    let mut lines = Vec::new();
    for named in &plan.workloads {
        for metric in &METRICS {
            let values = |system: &str| -> Vec<f64> {
                let mut of_system: Vec<&Turn> =
                    turns.iter().filter(|turn| turn.workload == named.name && turn.system == system).collect();
                of_system.sort_by_key(|turn| turn.round);
                of_system.iter().map(|turn| metric.of(&turn.result).unwrap_or(f64::NAN)).collect()
            };
            let names: Vec<&str> = plan.systems.iter().map(|system| system.name.as_str()).collect();
            let systems: Vec<_> =
                names.iter().map(|name| ((*name).to_owned(), estimate(&present(&values(name))))).collect();
            if systems.iter().all(|(_, estimate)| estimate.is_none()) {
                continue;
            }
            let first = names.first().map(|name| values(name)).unwrap_or_default();
            let ratio = |name: &&str| ((*name).to_owned(), estimate_ratio(&first, &values(name)));
            lines.push(Line {
                workload: named.name.clone(),
                metric: metric.name.to_owned(),
                is_more_better: metric.is_more_better,
                systems,
                ratios: names.iter().skip(1).map(ratio).collect(),
            });
        }
    }
    lines
}

fn present(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|value| !value.is_nan()).collect()
}

/// The summary as Markdown.
pub fn markdown(plan: &Plan, host: &Host, date: &str, turns: &[Turn], lines: &[Line]) -> String {
    let mut out = String::new();
    let names: Vec<&str> = plan.systems.iter().map(|system| system.name.as_str()).collect();
    let memory_gb = host.memory_bytes as f64 / 1e9;
    let _ = write!(
        out,
        "# {} ({date})\n\n{} cores, {}, {memory_gb:.0} GB, Linux {}. Medians of {} rounds, systems in turn with fresh data; ratios are\n\
         those of {} to each other system, round by round, with the interval that holds the median 95 times in 100.\n",
        names.join(" and "),
        host.cores,
        host.processor,
        host.kernel,
        plan.rounds,
        names.first().copied().unwrap_or_default(),
    );
    if let Some(percent_max) = plan.stolen_percent_max {
        let again: usize = turns.iter().map(|turn| turn.disturbed_percent.len()).sum();
        let left = turns.iter().filter(|turn| turn.result.machine.stolen_percent() > percent_max).count();
        let _ = write!(
            out,
            "\nTurns of which the host took more than {percent_max} % were taken again: {again} attempts were discarded; {left} of {} turns exceed it.\n",
            turns.len()
        );
    }
    for named in &plan.workloads {
        let _ = write!(out, "\n## {}\n\n{}\n\n", named.name, options(&named.workload));
        let mut head = format!("| | {} |", names.join(" | "));
        for name in names.iter().skip(1) {
            let _ = write!(head, " ratio to {name} |");
        }
        let columns = names.len() * 2;
        let _ = writeln!(out, "{head}\n|---|{}", "---:|".repeat(columns - 1));
        for line in lines.iter().filter(|line| line.workload == named.name) {
            let digits =
                METRICS.iter().find(|metric| metric.name == line.metric).map_or(2, |metric: &Metric| metric.digits);
            let _ = write!(out, "| {} |", line.metric);
            for (_, estimate) in &line.systems {
                let _ =
                    write!(out, " {} |", estimate.map_or("-".to_owned(), |found| format!("{:.digits$}", found.value)));
            }
            for (_, estimate) in &line.ratios {
                let _ = write!(out, " {} |", estimate.map_or("-".to_owned(), ratio));
            }
            out.push('\n');
        }
        for turn in turns.iter().filter(|turn| turn.workload == named.name && !turn.result.integrity.is_clean()) {
            let found = serde_json::to_string(&turn.result.integrity).unwrap_or_default();
            let _ = write!(out, "\n**{}, round {}, is unsound**: {found}\n", turn.system, turn.round + 1);
        }
    }
    out
}

fn ratio(found: Estimate) -> String {
    // An interval of one or two values says nothing.
    if found.count < 3 {
        return format!("{:.3}", found.value);
    }
    format!("{:.3} ({:.3} to {:.3})", found.value, found.low, found.high)
}

fn options(workload: &serde_json::Value) -> String {
    let Some(options) = workload.as_object() else { return String::new() };
    options.iter().map(|(name, value)| format!("`{name}: {value}`")).collect::<Vec<_>>().join(", ")
}
