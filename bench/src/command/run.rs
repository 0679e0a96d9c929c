//! `corelog-bench run`: one workload against one broker.

use std::fs;
use std::io::{Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::entry::Verdict;
use super::screen::Screen;
use super::start::StartArguments;
use crate::clock::Clock;
use crate::compare::system::Running;
use crate::load::ramp::{RampPlan, ramp};
use crate::load::run::{Target, run as run_load};
use crate::report::{html, ramp as ramp_report, table};
use crate::sink::maximum;
use crate::workload::{Workload, file};

/// How long a start command may still run, once the broker answers, if it means to return.
const START_PATIENCE: Duration = Duration::from_secs(1);

/// The broker, the topic, and where results go.
#[derive(Args)]
pub struct RunArguments {
    #[command(flatten)]
    options: Workload,
    /// A workload file in the format of `OpenMessaging` Benchmark; options given here win over it
    #[arg(long, value_name = "FILE")]
    workload: Option<PathBuf>,
    /// Raise the rate from RATE on, step by step, until the broker no longer keeps up, and close in on the highest that it sustains
    #[arg(long, value_name = "RATE", conflicts_with_all = ["rate", "hdr"])]
    ramp: Option<f64>,
    /// What each rate of --ramp is multiplied with to have the next
    #[arg(long, default_value_t = 1.3, requires = "ramp")]
    ramp_factor: f64,
    /// The highest 99th percentile that --ramp calls sustained, in ms
    #[arg(long, default_value_t = 100.0, requires = "ramp")]
    ramp_p99_ms: f64,
    /// The broker's HOST:PORT, several with commas
    #[arg(long, default_value = "127.0.0.1:9092", conflicts_with = "start")]
    bootstrap: String,
    #[command(flatten)]
    start: StartArguments,
    /// An existing topic; without it a new one is made, and removed in the end
    #[arg(long)]
    topic: Option<String>,
    /// Make the topic if it does not exist
    #[arg(long)]
    create: bool,
    /// Leave a new topic behind
    #[arg(long)]
    keep: bool,
    /// A setting of topics that are made, as NAME=VALUE
    #[arg(long = "topic-config", value_parser = name_and_value)]
    topic_configs: Vec<(String, String)>,
    /// Processes of the broker on this machine, to report their cost
    #[arg(long = "pid", value_delimiter = ',', conflicts_with = "start")]
    pids: Vec<u32>,
    /// Cores of the generator's threads, in turn
    #[arg(long, value_delimiter = ',')]
    cores: Vec<usize>,
    /// After the run, load a broker that keeps nothing in the same way, but as fast as it goes, to see what the generator can do
    #[arg(long, conflicts_with = "ramp")]
    show_maximum: bool,
    /// Write the result to a file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a page with plots to a file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write an interval log, which the tools of `HdrHistogram` read, to a file
    #[arg(long, value_name = "FILE")]
    hdr: Option<PathBuf>,
    /// Nothing while it runs
    #[arg(long)]
    quiet: bool,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs the command. `given` are the options that the command line named.
pub fn run(arguments: &RunArguments, given: &[String]) -> Result<Verdict> {
    let workload = workload(arguments, given)?;
    let mut target = target(arguments);
    allow_many_files()?;
    let Some(system) = arguments.start.system() else { return load(arguments, &target, &workload) };
    workload.check()?;
    let port = arguments.start.port;
    let mut running = Running::start(&system, &arguments.start.directory(), port)?;
    running.look_again(START_PATIENCE)?;
    target.bootstrap.clone_from(&running.address);
    target.pids.clone_from(&running.pids);
    if target.pids.is_empty() {
        writeln!(stderr(), "--start ended, so its cost is not known: --pid-command tells whose it is")?;
    }
    let verdict = load(arguments, &target, &workload);
    let stopped = running.stop(port);
    let verdict = verdict?;
    stopped?;
    Ok(verdict)
}

fn target(arguments: &RunArguments) -> Target {
    let fresh = format!("bench-{:x}", Clock::start().now_ns());
    Target {
        bootstrap: arguments.bootstrap.clone(),
        topic: arguments.topic.clone().unwrap_or(fresh),
        create: arguments.create || arguments.topic.is_none(),
        topic_configs: arguments.topic_configs.clone(),
        delete: arguments.topic.is_none() && !arguments.keep,
        pids: arguments.pids.clone(),
        cores: arguments.cores.clone(),
    }
}

fn load(arguments: &RunArguments, target: &Target, workload: &Workload) -> Result<Verdict> {
    if arguments.show_maximum {
        maximum::check(workload)?;
    }
    if let Some(rate) = arguments.ramp {
        let plan = RampPlan { rate, factor: arguments.ramp_factor, p99_ms_max: arguments.ramp_p99_ms };
        return run_ramp(arguments, target, workload, plan);
    }
    let mut screen = Screen::new(arguments.quiet, arguments.hdr.is_some());
    let result = run_load(target, workload, &mut screen);
    screen.clear();
    let mut result = result?;
    if arguments.show_maximum {
        result.maximum = Some(maximum::measure(&result, &target.cores)?);
    }
    writeln!(stdout(), "{}", table::render(&result))?;
    if let Some(path) = &arguments.json {
        write_file(path, (serde_json::to_string_pretty(&result)? + "\n").as_bytes())?;
    }
    if let Some(path) = &arguments.html {
        write_file(path, html::render(&result).as_bytes())?;
    }
    if let Some((path, log)) = arguments.hdr.as_ref().zip(screen.log) {
        write_file(path, &log?)?;
    }
    Ok(if result.integrity.is_clean() { Verdict::Sound } else { Verdict::Unsound })
}

fn workload(arguments: &RunArguments, given: &[String]) -> Result<Workload> {
    let Some(path) = &arguments.workload else { return Ok(arguments.options.clone()) };
    let file = file::read(path)?;
    for warning in &file.warnings {
        writeln!(stderr(), "{}: {warning}", path.display())?;
    }
    file.workload(&arguments.options, given).with_context(|| path.display().to_string())
}

fn run_ramp(arguments: &RunArguments, target: &Target, workload: &Workload, plan: RampPlan) -> Result<Verdict> {
    let is_possible = plan.rate > 0.0 && plan.rate.is_finite() && plan.factor > 1.0 && plan.p99_ms_max > 0.0;
    if !is_possible || !workload.produces() {
        bail!("a ramp raises the rate of producers from above 0 by a factor above 1");
    }
    let mut screen = Screen::new(true, false);
    let result = ramp(target, workload, plan, &mut screen, &mut |rate, step, is_sustained| {
        if !arguments.quiet {
            let _ = writeln!(stderr(), "{}", ramp_report::step(rate, step, is_sustained));
        }
    })?;
    if let Some(best) = result.steps.iter().find(|step| step.workload.rate == result.sustained_rate) {
        writeln!(stdout(), "{}", table::render(best))?;
    }
    writeln!(stdout(), "{}", ramp_report::verdict(&result))?;
    if let Some(path) = &arguments.json {
        write_file(path, (serde_json::to_string_pretty(&result)? + "\n").as_bytes())?;
    }
    if let Some(path) = &arguments.html {
        write_file(path, ramp_report::render(&result).as_bytes())?;
    }
    let is_sound = result.steps.iter().all(|step| step.integrity.is_clean());
    Ok(if is_sound { Verdict::Sound } else { Verdict::Unsound })
}

/// Every connection is a file: takes as many as this process may have.
fn allow_many_files() -> Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
        .context("cannot raise the limit of open files")
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
