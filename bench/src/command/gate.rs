//! `corelog-bench gate`: a candidate against a baseline; its exit code is the answer.

use std::fs;
use std::io::{Write, stderr, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::entry::Verdict;
use crate::clock::{Clock, SECOND_NS, day_of};
use crate::gate::bound::Bound;
use crate::gate::junit;
use crate::gate::plan::GatePlan;
use crate::gate::result::{GateResult, Outcome};
use crate::gate::session::Session;
use crate::gate::summary::markdown;
use crate::measure::process::Host;

/// The plan, the baseline, and where the answer goes.
#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 nothing is worse beyond its bound; 1 something is, or records of the candidate were lost; \
                        2 it could not be measured."
)]
pub struct GateArguments {
    /// The plan, a YAML file
    plan: PathBuf,
    /// A stored result in place of the plan's baseline: what --json wrote of a gate that passed, or of --record
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    baseline: Option<PathBuf>,
    /// Measure the candidate alone, to be the baseline of later gates
    #[arg(long, requires = "json")]
    record: bool,
    /// How much worse is too much, such as 10%, of metrics that name no bound of their own
    #[arg(long)]
    bound: Option<Bound>,
    /// Rounds that are always taken, in place of the plan's
    #[arg(long)]
    rounds: Option<usize>,
    /// Rounds that are taken at most while the answer is not clear, in place of the plan's
    #[arg(long)]
    rounds_max: Option<usize>,
    /// Only workloads whose names hold this
    #[arg(long)]
    only: Option<String>,
    /// Write the result, which can be a later gate's baseline, to a file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a report for CI servers (`JUnit` XML) to a file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the summary, which is printed too, to a file
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Folder for the systems' data
    #[arg(long)]
    scratch: Option<PathBuf>,
    /// Port of the systems, where the plan names none
    #[arg(long, default_value_t = 21900)]
    port: u16,
}

/// Runs the command. What keeps it from measuring is an answer too.
pub fn run(arguments: &GateArguments) -> Verdict {
    let failed = match measure(arguments) {
        Ok(verdict) => return verdict,
        Err(failed) => failed,
    };
    let _ = writeln!(stderr(), "corelog-bench: the gate could not be measured: {failed:#}");
    if let Some(path) = &arguments.junit {
        let written = junit::render_failure(&format!("{failed:#}")).and_then(|text| write(path, &text));
        if let Err(error) = written {
            let _ = writeln!(stderr(), "corelog-bench: {error:#}");
        }
    }
    Verdict::Unmeasured
}

fn measure(arguments: &GateArguments) -> Result<Verdict> {
    let mut plan = read_plan(arguments)?;
    let host = Host::here();
    let (stored, warnings) = match &arguments.baseline {
        Some(path) => {
            let (samples, warnings) = GateResult::read(path)?.as_baseline(&plan, &host)?;
            (Some(samples), warnings)
        }
        None => (None, Vec::new()),
    };
    if arguments.record {
        plan.baseline = None;
    } else if stored.is_none() && plan.baseline.is_none() {
        bail!("nothing to compare with: the plan has no baseline, and there is no --baseline; --record makes one");
    }
    let scratch = arguments.scratch.clone().unwrap_or_else(std::env::temp_dir);
    let scratch = scratch.join(format!("corelog-gate-{}", std::process::id()));
    let session = Session { plan: &plan, stored: stored.as_deref(), scratch: &scratch, port: arguments.port };
    let taken = session.take(&mut |line| {
        let _ = writeln!(stderr(), "{line}");
    })?;
    let pairing = session.pairing();
    // Nothing is in it: each system's own folder went when it stopped.
    fs::remove_dir(&scratch).ok();
    let date = day_of(Clock::start().now_ns() / SECOND_NS);
    let mut result = GateResult::of(plan, pairing, taken, host, date);
    result.warnings = warnings;
    let text = markdown(&result);
    write!(stdout(), "{text}")?;
    if let Some(path) = &arguments.markdown {
        write(path, &text)?;
    }
    if let Some(path) = &arguments.json {
        write(path, &(serde_json::to_string_pretty(&result)? + "\n"))?;
    }
    if let Some(path) = &arguments.junit {
        write(path, &junit::render(&result)?)?;
    }
    Ok(match result.outcome {
        Outcome::Recorded | Outcome::Passed => Verdict::Sound,
        Outcome::Regressed => Verdict::Regressed,
        Outcome::Unmeasured => Verdict::Unmeasured,
    })
}

fn read_plan(arguments: &GateArguments) -> Result<GatePlan> {
    let path = arguments.plan.display();
    let text = fs::read_to_string(&arguments.plan).with_context(|| format!("cannot read {path}"))?;
    let mut plan: GatePlan = serde_saphyr::from_str(&text).with_context(|| format!("{path} is no plan of a gate"))?;
    plan.bound = arguments.bound.unwrap_or(plan.bound);
    plan.rounds = arguments.rounds.unwrap_or(plan.rounds);
    plan.rounds_max = arguments.rounds_max.unwrap_or(plan.rounds_max).max(plan.rounds);
    if let Some(only) = &arguments.only {
        plan.workloads.retain(|named| named.name.contains(only));
    }
    plan.check().with_context(|| path.to_string())?;
    Ok(plan)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
