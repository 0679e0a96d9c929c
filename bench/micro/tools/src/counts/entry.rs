//! Reads the command line, compares or accepts, and turns the outcome into an exit code.

use std::fs;
use std::io::{Write, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use super::baseline::{Baseline, Tools};
use super::comparison::Comparison;
use super::summary;

/// Exit code where a count grew beyond the bound, or cases are new or gone.
const EXIT_FAILED: u8 = 3;

/// Holds instruction counts against those that were accepted. `bench/micro/check` calls it.
#[derive(Parser)]
#[command(name = "corelog-counts", version)]
struct Arguments {
    /// What gungraun printed with --output-format=json
    #[arg(long)]
    counted: PathBuf,
    /// What was accepted
    #[arg(long)]
    baseline: PathBuf,
    /// Accept what was counted, instead of comparing
    #[arg(long)]
    accept: bool,
    /// The baseline was counted of another commit just now: cases that only one of them has are told and do not fail
    #[arg(long, conflicts_with = "accept")]
    between_commits: bool,
    /// By how many percent a case may grow
    #[arg(long, default_value_t = 5.0)]
    bound_percent: f64,
    /// The compiler's version
    #[arg(long)]
    rustc: String,
    /// Valgrind's version
    #[arg(long)]
    valgrind: String,
    /// The C library's version
    #[arg(long)]
    libc: String,
}

/// Runs the tool.
pub fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(EXIT_FAILED),
        Err(error) => {
            let _ = writeln!(stderr(), "corelog-counts: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<bool> {
    let Arguments { counted, baseline, accept, between_commits, bound_percent, rustc, valgrind, libc } = arguments;
    let text = fs::read_to_string(&counted).with_context(|| format!("cannot read {}", counted.display()))?;
    let counted = Baseline { tools: Tools { rustc, valgrind, libc }, instructions: summary::parse(&text)? };
    if accept {
        counted.write(&baseline)?;
        writeln!(stdout(), "accepted: {} cases in {}", counted.instructions.len(), baseline.display())?;
        return Ok(true);
    }
    let accepted = Baseline::read(&baseline)?;
    let comparison = Comparison::new(&accepted, &counted, bound_percent);
    let comparison = if between_commits { comparison.between_commits() } else { comparison };
    writeln!(stdout(), "{}", comparison.render())?;
    if !comparison.is_judged {
        let (then, now) = (&accepted.tools, &counted.tools);
        writeln!(stdout(), "NOT JUDGED: accepted with {then}\n            counted with {now}")?;
        writeln!(stdout(), "Other tools make other instructions; --against COMMIT counts both with these.")?;
    }
    if comparison.is_failed() && between_commits {
        writeln!(stdout(), "FAILED: more instructions than that commit.")?;
    } else if comparison.is_failed() {
        writeln!(stdout(), "FAILED. If it has to be so: UPDATE=1 bench/micro/check, and say why in the commit.")?;
    }
    Ok(!comparison.is_failed())
}
