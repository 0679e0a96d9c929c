//! `corelog-bench run`: one workload against one broker.

use std::fs;
use std::io::{Write, stderr, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use super::entry::Verdict;
use crate::clock::Clock;
use crate::load::run::{Target, run as run_load};
use crate::report::{html, table};
use crate::workload::Workload;

/// The broker, the topic, and where results go.
#[derive(Args)]
pub struct RunArguments {
    #[command(flatten)]
    workload: Workload,
    /// The broker's HOST:PORT, several with commas
    #[arg(long, default_value = "127.0.0.1:9092")]
    bootstrap: String,
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
    #[arg(long = "pid", value_delimiter = ',')]
    pids: Vec<u32>,
    /// Cores of the generator's threads, in turn
    #[arg(long, value_delimiter = ',')]
    cores: Vec<usize>,
    /// Write the result to a file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write a page with plots to a file
    #[arg(long)]
    html: Option<PathBuf>,
    /// No line for each second
    #[arg(long)]
    quiet: bool,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs the command.
pub fn run(arguments: &RunArguments) -> Result<Verdict> {
    let fresh = format!("bench-{:x}", Clock::start().now_ns());
    let target = Target {
        bootstrap: arguments.bootstrap.clone(),
        topic: arguments.topic.clone().unwrap_or(fresh),
        create: arguments.create || arguments.topic.is_none(),
        topic_configs: arguments.topic_configs.clone(),
        delete: arguments.topic.is_none() && !arguments.keep,
        pids: arguments.pids.clone(),
        cores: arguments.cores.clone(),
    };
    let result = run_load(&target, &arguments.workload, &mut |interval| {
        if !arguments.quiet {
            let _ = writeln!(stderr(), "{}", table::progress(interval));
        }
    })?;
    writeln!(stdout(), "{}", table::render(&result))?;
    if let Some(path) = &arguments.json {
        write_file(path, &(serde_json::to_string_pretty(&result)? + "\n"))?;
    }
    if let Some(path) = &arguments.html {
        write_file(path, &html::render(&result))?;
    }
    Ok(if result.integrity.is_clean() { Verdict::Sound } else { Verdict::Unsound })
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
