//! Reads the command line, calls the command, turns its outcome into an exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::compare::CompareArguments;
use super::gate::GateArguments;
use super::run::RunArguments;
use super::sink::SinkArguments;

/// Exit code where records were lost, duplicated or reordered, or requests failed.
const EXIT_UNSOUND: u8 = 3;
/// Exit code of a gate that found a regression.
const EXIT_REGRESSED: u8 = 1;
/// Exit code of a gate that could not find out.
const EXIT_UNMEASURED: u8 = 2;

/// Loads a broker that speaks Kafka's protocol, checks every record, and says what it cost.
#[derive(Parser)]
#[command(name = "corelog-bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// One workload against one broker
    Run(Box<RunArguments>),
    /// Several systems side by side under the same workloads
    Compare(CompareArguments),
    /// A candidate against a baseline: fails on a regression
    Gate(GateArguments),
    /// Take everything and keep nothing, to see what the generator can do
    Sink(SinkArguments),
}

/// What a command found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing wrong.
    Sound,
    /// Records or requests went wrong.
    Unsound,
    /// Worse than the baseline, beyond the bound.
    Regressed,
    /// Nobody can say whether it is worse.
    Unmeasured,
}

/// Runs the tool.
pub fn main() -> ExitCode {
    let matches = Arguments::command().get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let outcome = match arguments.command {
        Command::Run(arguments) => super::run::run(&arguments, &given(&matches)),
        Command::Compare(arguments) => super::compare::run(&arguments),
        Command::Gate(arguments) => Ok(super::gate::run(&arguments)),
        Command::Sink(arguments) => super::sink::run(&arguments),
    };
    match outcome {
        Ok(Verdict::Sound) => ExitCode::SUCCESS,
        Ok(Verdict::Unsound) => ExitCode::from(EXIT_UNSOUND),
        Ok(Verdict::Regressed) => ExitCode::from(EXIT_REGRESSED),
        Ok(Verdict::Unmeasured) => ExitCode::from(EXIT_UNMEASURED),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "corelog-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The options that the command line names, as opposed to those that have their defaults.
fn given(matches: &ArgMatches) -> Vec<String> {
    let Some((_, options)) = matches.subcommand() else { return Vec::new() };
    let is_given = |name: &str| options.value_source(name) == Some(ValueSource::CommandLine);
    options.ids().map(clap::Id::as_str).filter(|name| is_given(name)).map(str::to_owned).collect()
}
