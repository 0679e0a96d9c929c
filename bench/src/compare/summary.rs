//! What a comparison found: medians of each system, ratios of the first system to each other one with their intervals.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::metric::{METRICS, Metric, by_name};
use super::plan::Plan;
use super::standstill::{Standstill, standstills};
use super::turns::Turn;
use crate::measure::process::Host;
use crate::measure::statistics::{Estimate, estimate, estimate_ratio};

/// An interval of fewer rounds says nothing.
pub const ROUNDS_MIN: usize = 3;
/// Stands at ratios that have fewer rounds than were taken.
pub const MARK: &str = "†";

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
        let still = standstills(turns, &named.name);
        for metric in &METRICS {
            let values = |system: &str, read: &dyn Fn(&Turn) -> f64| -> Vec<f64> {
                let mut of_system: Vec<&Turn> =
                    turns.iter().filter(|turn| turn.workload == named.name && turn.system == system).collect();
                of_system.sort_by_key(|turn| turn.round);
                of_system.into_iter().map(read).collect()
            };
            let value = |turn: &Turn| metric.of(&turn.result).unwrap_or(f64::NAN);
            let moving = |turn: &Turn| {
                let is_still = still.iter().any(|it| it.turn.system == turn.system && it.turn.round == turn.round);
                if is_still { f64::NAN } else { value(turn) }
            };
            let names: Vec<&str> = plan.systems.iter().map(|system| system.name.as_str()).collect();
            let systems: Vec<_> =
                names.iter().map(|name| ((*name).to_owned(), estimate(&present(&values(name, &value))))).collect();
            if systems.iter().all(|(_, estimate)| estimate.is_none()) {
                continue;
            }
            let first = names.first().map(|name| values(name, &moving)).unwrap_or_default();
            let ratio = |name: &&str| ((*name).to_owned(), estimate_ratio(&first, &values(name, &moving)));
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

/// A summary's text, which Markdown and the page share; emphasis is left to them.
pub struct Words {
    /// What is compared, and when.
    pub title: String,
    /// Where, how often, and what the ratios are.
    pub setting: String,
    /// Why ratios have no intervals, where they have none.
    pub too_few: Option<String>,
    /// What was taken again because the host was busy.
    pub again: Option<String>,
}

impl Words {
    /// Of a comparison.
    pub fn of(plan: &Plan, host: &Host, date: &str, turns: &[Turn]) -> Words {
        let names = names(plan);
        let count = plan.rounds;
        let memory_gb = host.memory_bytes as f64 / 1e9;
        let interval =
            if count < ROUNDS_MIN { "" } else { ", with the interval that holds the median 95 times in 100" };
        let rounds = if count == 1 { "1 round".to_owned() } else { format!("{count} rounds") };
        let setting = format!(
            "{} cores, {}, {memory_gb:.0} GB, Linux {}. Medians of {rounds}, systems in turn with fresh data; ratios are\n\
             those of {} to each other system, round by round{interval}.",
            host.cores,
            host.processor,
            host.kernel,
            names.first().copied().unwrap_or_default(),
        );
        let too_few = (count < ROUNDS_MIN).then(|| {
            let are = if count == 1 { "is" } else { "are" };
            format!(
                "{rounds} {are} too few for intervals: nothing here says how far the ratios would scatter. \
                 {ROUNDS_MIN} rounds give intervals, a claim takes at least five."
            )
        });
        Words { title: format!("{} ({date})", names.join(" and ")), setting, too_few, again: again(plan, turns) }
    }
}

fn again(plan: &Plan, turns: &[Turn]) -> Option<String> {
    let percent_max = plan.stolen_percent_max?;
    let again: usize = turns.iter().map(|turn| turn.disturbed_percent.len()).sum();
    let left = turns.iter().filter(|turn| turn.result.machine.stolen_percent() > percent_max).count();
    Some(format!(
        "Turns of which the host took more than {percent_max} % were taken again: {again} attempts were discarded; {left} of {} turns exceed it.",
        turns.len()
    ))
}

/// The systems' names, in the plan's order.
pub fn names(plan: &Plan) -> Vec<&str> {
    plan.systems.iter().map(|system| system.name.as_str()).collect()
}

/// What must be known of a workload's turns before its numbers are believed, a line each.
pub fn doubts(turns: &[Turn], workload: &str) -> Vec<String> {
    let mut found: Vec<String> = standstills(turns, workload).iter().map(Standstill::words).collect();
    for turn in turns.iter().filter(|turn| turn.workload == workload && !turn.result.integrity.is_clean()) {
        let integrity = serde_json::to_string(&turn.result.integrity).unwrap_or_default();
        found.push(format!("{}, round {}, is unsound: {integrity}", turn.system, turn.round + 1));
    }
    found
}

/// What the mark at ratios means, where a workload has such ratios.
pub fn note(plan: &Plan, lines: &[Line], workload: &str) -> Option<String> {
    let ratios = lines.iter().filter(|line| line.workload == workload).flat_map(|line| &line.ratios);
    let is_marked = ratios.filter_map(|(_, ratio)| *ratio).any(|ratio| ratio.count < plan.rounds);
    is_marked.then(|| {
        format!(
            "{MARK} of fewer rounds than were taken: in the others a side had no such number, there was zero to divide by, or a side \
             moved next to nothing."
        )
    })
}

/// The summary as Markdown.
pub fn markdown(plan: &Plan, words: &Words, turns: &[Turn], lines: &[Line]) -> String {
    let mut out = format!("# {}\n\n{}\n", words.title, words.setting);
    if let Some(too_few) = &words.too_few {
        let _ = write!(out, "\n**{too_few}**\n");
    }
    if let Some(again) = &words.again {
        let _ = write!(out, "\n{again}\n");
    }
    let names = names(plan);
    for named in &plan.workloads {
        let _ = write!(out, "\n## {}\n\n{}\n\n", named.name, options(&named.workload, "`"));
        let mut head = format!("| | {} |", names.join(" | "));
        for name in names.iter().skip(1) {
            let _ = write!(head, " ratio to {name} |");
        }
        let columns = names.len() * 2;
        let _ = writeln!(out, "{head}\n|---|{}", "---:|".repeat(columns - 1));
        for line in lines.iter().filter(|line| line.workload == named.name) {
            let _ = writeln!(out, "| {} | {} |", line.metric, cells(line, plan.rounds).join(" | "));
        }
        for doubt in doubts(turns, &named.name) {
            let _ = write!(out, "\n**{doubt}**\n");
        }
        if let Some(note) = note(plan, lines, &named.name) {
            let _ = write!(out, "\n{note}\n");
        }
    }
    out
}

/// A line's medians and ratios, as they stand in a table.
pub fn cells(line: &Line, rounds: usize) -> Vec<String> {
    let digits = by_name(&line.metric).map_or(2, |metric: &Metric| metric.digits);
    let absent = || "-".to_owned();
    let medians =
        line.systems.iter().map(|(_, it)| it.map_or_else(absent, |found| format!("{:.digits$}", found.value)));
    medians.chain(line.ratios.iter().map(|(_, it)| it.map_or_else(absent, |found| ratio(found, rounds)))).collect()
}

fn ratio(found: Estimate, rounds: usize) -> String {
    let mark = if found.count < rounds { format!(" {MARK}") } else { String::new() };
    if found.count < ROUNDS_MIN {
        return format!("{:.3}{mark}", found.value);
    }
    format!("{:.3} ({:.3} to {:.3}){mark}", found.value, found.low, found.high)
}

/// A workload's options with their values, each between two `quote`.
pub fn options(workload: &serde_json::Value, quote: &str) -> String {
    let Some(options) = workload.as_object() else { return String::new() };
    options.iter().map(|(name, value)| format!("{quote}{name}: {value}{quote}")).collect::<Vec<_>>().join(", ")
}
