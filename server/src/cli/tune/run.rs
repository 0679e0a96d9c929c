//! From the arguments of `corelog tune` to its commands.

use corelog_tuning::check::Tunable;
use corelog_tuning::host::Host;
use corelog_tuning::tunables::list;

use super::arguments::{TuneCommand, TuneHostArguments};
use super::{apply, check, probe, report};
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Does what the command says.
pub fn run(command: TuneCommand) -> Result<(), Failure> {
    let mut output = Output::new();
    let done = match command {
        TuneCommand::Check(arguments) => check::check(&arguments, &mut output),
        TuneCommand::Apply(arguments) => apply::apply(&arguments, &mut output),
        TuneCommand::Undo(arguments) => apply::undo(&arguments, &mut output),
        TuneCommand::Probe(arguments) => probe::probe(&arguments, &mut output),
        TuneCommand::Report(arguments) => report::report(&arguments, &mut output),
    };
    // What was done is told even where the rest failed.
    output.flush().and(done)
}

/// The host that the arguments mean.
pub(super) fn host(arguments: &TuneHostArguments) -> Host {
    Host::here(Some(&arguments.data), arguments.cpus.as_ref().map(|cpus| cpus.0.clone()))
}

/// The tunables of `names`, all if there are none.
pub(super) fn named(names: &[String]) -> Result<Vec<&'static Tunable>, Failure> {
    if names.is_empty() {
        return Ok(list::ALL.iter().collect());
    }
    names.iter().map(|name| list::find(name).ok_or_else(|| unknown(name))).collect()
}

fn unknown(name: &str) -> Failure {
    let known: Vec<&str> = list::ALL.iter().map(|tunable| tunable.about.name).collect();
    Failure::usage(format!("there is no tunable \"{name}\"")).advise(format!("there are {}", known.join(", ")))
}
