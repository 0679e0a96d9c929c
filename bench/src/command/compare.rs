//! `corelog-bench compare`: systems side by side, as a plan file says.

use std::fs;
use std::io::{Write, stderr, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use super::entry::Verdict;
use crate::clock::{Clock, SECOND_NS, day_of};
use crate::compare::page;
use crate::compare::plan::Plan;
use crate::compare::summary::{Words, markdown, summarize};
use crate::compare::turns::{Turn, take};
use crate::measure::process::Host;
use crate::report::table;

/// The plan, and where results go.
#[derive(Args)]
pub struct CompareArguments {
    /// The plan, a YAML file
    plan: PathBuf,
    /// Folder of the results; a folder of this day and host is made in it
    #[arg(long, default_value = "bench/results")]
    results: PathBuf,
    /// What the name of that folder ends with
    #[arg(long)]
    label: Option<String>,
    /// Folder for the systems' data
    #[arg(long)]
    scratch: Option<PathBuf>,
    /// Port of the systems, where the plan names none; a system may take the next one too
    #[arg(long, default_value_t = 21900)]
    port: u16,
    /// Rounds in place of the plan's
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds of each measurement in place of the plan's
    #[arg(long)]
    duration: Option<f64>,
    /// Seconds of each warm-up in place of the plan's
    #[arg(long)]
    warm_up: Option<f64>,
    /// Percent of the cores that the host of a virtual machine may take during a turn, in place of the plan's
    #[arg(long)]
    stolen_percent_max: Option<f64>,
    /// Only workloads whose names hold this
    #[arg(long)]
    only: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &CompareArguments) -> Result<Verdict> {
    let mut plan = read_plan(arguments)?;
    let host = Host::here();
    let date = day_of(Clock::start().now_ns() / SECOND_NS);
    let scratch = arguments.scratch.clone().unwrap_or_else(std::env::temp_dir);
    let scratch = scratch.join(format!("corelog-compare-{}", std::process::id()));
    let mut turns = Vec::new();
    let taken = take(&plan, &scratch, arguments.port, &mut turns, &mut |before, after| {
        let line = after.map_or_else(|| format!("-- {before}"), told);
        let _ = writeln!(stderr(), "{line}");
    });
    match &taken {
        Ok(()) => fs::remove_dir_all(&scratch).unwrap_or_default(),
        // What a failed turn left stays for whoever looks for the reason, and the workloads before it are told of.
        Err(_) => keep_whole(&mut plan, &mut turns),
    }
    if !turns.is_empty() {
        write_results(arguments, &plan, &host, &date, &turns)?;
    }
    taken?;
    let is_sound = turns.iter().all(|turn| turn.result.integrity.is_clean());
    Ok(if is_sound { Verdict::Sound } else { Verdict::Unsound })
}

/// Keeps the workloads of which every turn was taken.
fn keep_whole(plan: &mut Plan, turns: &mut Vec<Turn>) {
    let whole = plan.rounds * plan.systems.len();
    plan.workloads.retain(|named| turns.iter().filter(|turn| turn.workload == named.name).count() == whole);
    turns.retain(|turn| plan.workloads.iter().any(|named| named.name == turn.workload));
}

/// Writes the folder of results, and says what came of them.
fn write_results(arguments: &CompareArguments, plan: &Plan, host: &Host, date: &str, turns: &[Turn]) -> Result<()> {
    let lines = summarize(plan, turns);
    let words = Words::of(plan, host, date, turns);
    let text = markdown(plan, &words, turns, &lines);
    let label = arguments.label.as_ref().map_or_else(String::new, |label| format!("-{label}"));
    let folder = arguments.results.join(format!("{date}-{}{label}", host.name));
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    write(&folder, "plan.json", &(serde_json::to_string_pretty(plan)? + "\n"))?;
    write(&folder, "runs.json", &(serde_json::to_string(turns)? + "\n"))?;
    write(&folder, "summary.json", &(serde_json::to_string_pretty(&lines)? + "\n"))?;
    write(&folder, "summary.md", &text)?;
    write(&folder, "summary.html", &page::render(plan, &words, turns, &lines))?;
    writeln!(stdout(), "{text}\nin {}", folder.display())?;
    Ok(())
}

fn told(turn: &Turn) -> String {
    table::render(&turn.result)
}

fn read_plan(arguments: &CompareArguments) -> Result<Plan> {
    let path = arguments.plan.display();
    let text = fs::read_to_string(&arguments.plan).with_context(|| format!("cannot read {path}"))?;
    let mut plan: Plan = serde_saphyr::from_str(&text).with_context(|| format!("{path} is no plan"))?;
    plan.rounds = arguments.rounds.unwrap_or(plan.rounds);
    plan.stolen_percent_max = arguments.stolen_percent_max.or(plan.stolen_percent_max);
    if let Some(only) = &arguments.only {
        plan.workloads.retain(|named| named.name.contains(only));
    }
    for named in &mut plan.workloads {
        let Some(options) = named.workload.as_object_mut() else { continue };
        for (name, value) in [("duration", arguments.duration), ("warm-up", arguments.warm_up)] {
            if let Some(value) = value {
                options.insert(name.to_owned(), value.into());
            }
        }
    }
    Ok(plan)
}

fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}
