//! The arguments of `corelog tune`, with their help texts.
//!
//! Declarations only; parsed by `cli::entry`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use corelog_tuning::change::record::RECORD_DEFAULT;

use crate::config::settings::DATA_DIR_DEFAULT;

/// The commands of `corelog tune`.
#[derive(Debug, Subcommand)]
pub enum TuneCommand {
    /// Looks at everything on this host that a broker depends on, and says what is wrong
    #[command(after_help = "The exit status is 0 if nothing is wrong, and 1 if any verdict is poor or refused.

Verdicts: good; improvable (nothing is wrong, another value would be a little better); poor (the broker runs less well);
refused (the broker cannot start); not permitted, not supported, unknown (this process could not find out).

Examples:
  corelog tune check
  corelog tune check --data /var/lib/corelog --json | jq -r '.checks[]|select(.verdict==\"poor\").how[]'")]
    Check(TuneCheckArguments),
    /// Changes what can be changed, and remembers what it was
    #[command(after_help = "Without the right to change something it says which command an administrator would type.

Examples:
  corelog tune apply --dry-run > tune.sh          look first
  sudo corelog tune apply                         until the machine restarts
  sudo corelog tune apply swappiness --persist    for good, by files below /etc that it names")]
    Apply(TuneApplyArguments),
    /// Puts back what `apply` has changed
    #[command(after_help = "Example:
  sudo corelog tune undo")]
    Undo(TuneUndoArguments),
    /// Measures the disk of a data directory in under a minute, and chooses how a broker uses it
    #[command(
        after_help = "Writes io-properties.toml into the directory; `corelog start` reads it. Nothing else should use the disk meanwhile:
stop the broker first. It needs 128 MiB to 768 MiB of free space for as long as it runs.

Examples:
  corelog tune probe /var/lib/corelog
  corelog tune probe . --no-write --json | jq .settings"
    )]
    Probe(TuneProbeArguments),
    /// Writes a page with plots of the probe and the table of the check, to attach to a benchmark
    #[command(after_help = "Example:
  corelog tune report --data /var/lib/corelog --out host.html")]
    Report(TuneReportArguments),
}

/// Where a broker is to run, for what depends on it.
#[derive(Debug, Args)]
pub struct TuneHostArguments {
    /// Data directory of the broker; it need not exist yet
    #[arg(long, value_name = "DIR", default_value = DATA_DIR_DEFAULT)]
    pub data: PathBuf,
    /// Cores of the shards, as in corelog.cpus: 0-3,6 [default: those that this process may use]
    #[arg(long, value_name = "LIST", value_parser = cpus)]
    pub cpus: Option<Cpus>,
}

/// A list of cores.
#[derive(Debug, Clone)]
pub struct Cpus(pub Vec<usize>);

/// Arguments of `corelog tune check`.
#[derive(Debug, Args)]
pub struct TuneCheckArguments {
    /// Only these; all if none is named
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "the arguments have help texts")]
    pub host: TuneHostArguments,
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `corelog tune apply`.
#[derive(Debug, Args)]
pub struct TuneApplyArguments {
    /// Only these; all if none is named
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "the arguments have help texts")]
    pub host: TuneHostArguments,
    /// Print a shell script that would do it, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Also write files below /etc, so that it stays after the machine restarts
    #[arg(long)]
    pub persist: bool,
    /// File that remembers what was there before
    #[arg(long, value_name = "FILE", default_value = RECORD_DEFAULT)]
    pub state: PathBuf,
}

/// Arguments of `corelog tune undo`.
#[derive(Debug, Args)]
pub struct TuneUndoArguments {
    /// Only these; all if none is named
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// File that remembers what was there before
    #[arg(long, value_name = "FILE", default_value = RECORD_DEFAULT)]
    pub state: PathBuf,
    /// Also put back what somebody else has changed since
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `corelog tune probe`.
#[derive(Debug, Args)]
pub struct TuneProbeArguments {
    /// Data directory of the broker, made if it does not exist
    pub dir: PathBuf,
    /// Seconds of all measurements together
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u64).range(5..=600))]
    pub seconds: u64,
    /// Only measure; write no io-properties.toml
    #[arg(long)]
    pub no_write: bool,
    /// Everything that was measured as JSON
    #[arg(long)]
    pub json: bool,
    /// No progress bar on standard error
    #[arg(long, short = 'q')]
    pub quiet: bool,
}

/// Arguments of `corelog tune report`.
#[derive(Debug, Args)]
pub struct TuneReportArguments {
    #[command(flatten)]
    #[expect(missing_docs, reason = "the arguments have help texts")]
    pub host: TuneHostArguments,
    /// File to write [default: standard output]
    #[arg(long, short = 'o', value_name = "FILE")]
    pub out: Option<PathBuf>,
}

fn cpus(text: &str) -> Result<Cpus, String> {
    match corelog_tuning::cpu_list::parse(text) {
        Some(cpus) if !cpus.is_empty() => Ok(Cpus(cpus)),
        _ => Err("expected cores like 0-3,6".to_owned()),
    }
}
