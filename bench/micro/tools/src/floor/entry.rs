//! Reads the command line, runs the steps in turns, prints what each costs.

use std::io::{Write, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use comfy_table::{CellAlignment, Table, presets};

use super::receiver::{Measured, Step, measure};

/// What receiving, copying and writing costs at least: MB/s and CPU seconds per GB of a bare loop, the sender not counted.
#[derive(Parser)]
#[command(name = "corelog-floor", version)]
struct Arguments {
    /// Where the file that is written lies: on the broker's disk
    #[arg(long, default_value = ".")]
    directory: PathBuf,
    /// Seconds of each step
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often the steps are measured, in turns; the medians are printed
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Bytes that are received at once at most
    #[arg(long, default_value_t = 1 << 20)]
    receive_bytes: usize,
    /// Bytes of the file that is written over and over
    #[arg(long, default_value_t = 256 << 20)]
    file_bytes: u64,
    /// Cores of the receiver and of the sender, as RECEIVER,SENDER
    #[arg(long, value_parser = cores)]
    cores: Option<(usize, usize)>,
}

/// Runs the tool.
pub fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(stderr(), "corelog-floor: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let steps = [Step::Receive, Step::Copy, Step::Write, Step::Land];
    let mut measured: Vec<Vec<Measured>> = vec![Vec::new(); steps.len()];
    for _ in 0..arguments.rounds.max(1) {
        for (step, results) in steps.into_iter().zip(&mut measured) {
            let setup = super::receiver::Setup {
                directory: &arguments.directory,
                duration: Duration::from_secs(arguments.seconds),
                receive_bytes: arguments.receive_bytes,
                file_bytes: arguments.file_bytes,
                cores: arguments.cores,
            };
            results.push(measure(step, &setup)?);
        }
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["step", "MB/s", "CPU s per GB", "lowest", "highest"]);
    for (step, results) in steps.into_iter().zip(&measured) {
        let mut costs: Vec<f64> = results.iter().map(Measured::cpu_seconds_per_gigabyte).collect();
        let mut rates: Vec<f64> = results.iter().map(Measured::megabytes_per_second).collect();
        let (rate, cost) = (median(&mut rates), median(&mut costs));
        let (lowest, highest) = (costs.first().copied().unwrap_or(cost), costs.last().copied().unwrap_or(cost));
        table.add_row([
            step.words().to_owned(),
            format!("{rate:.0}"),
            format!("{cost:.3}"),
            format!("{lowest:.3}"),
            format!("{highest:.3}"),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    writeln!(stdout(), "{table}")?;
    Ok(())
}

/// Two cores, as `0,1`.
fn cores(text: &str) -> Result<(usize, usize)> {
    let (receiver, sender) = text.split_once(',').context("expected two cores, as 0,1")?;
    Ok((receiver.parse()?, sender.parse()?))
}

/// Sorts them, and gives the middle one, or the lower of the two.
fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.get((numbers.len().max(1) - 1) / 2).copied().unwrap_or_default()
}
