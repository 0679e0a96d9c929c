//! From the arguments to the command and from its result to the exit status.
//!
//! Runs on the first thread of the process; called by `main` alone.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use super::arguments::{Arguments, Command, Global, LogCommand};
use super::failure::Failure;
use super::logging;

/// Runs the command that the arguments of the process name.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are "errors" too. Nothing can be done about a closed terminal.
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1));
        }
    };
    let global = arguments.global.clone();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure, &global),
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let level_default = if matches!(arguments.command, Command::Start(_)) { "info" } else { "warn" };
    let logs = logging::start(arguments.global.log_level.as_deref(), level_default, arguments.global.color)?;
    match arguments.command {
        Command::Start(start) => super::start::run::run(&start, &logs),
        Command::Topic(command) => super::topic::run::run(command, arguments.global.bootstrap),
        Command::Group(command) => super::group::run::run(command, arguments.global.bootstrap),
        Command::Produce(produce) => super::produce::run::run(produce, arguments.global.bootstrap),
        Command::Consume(consume) => super::consume::run::run(consume, arguments.global.bootstrap),
        Command::Log(LogCommand::Dump(dump)) => super::log::dump::run(dump),
        Command::Log(LogCommand::Segments(segments)) => super::log::segments::run(segments),
        Command::Log(LogCommand::Verify(verify)) => super::log::verify::run(verify),
        Command::Tune(command) => super::tune::run::run(command),
    }
}

fn report(failure: &Failure, global: &Global) -> ExitCode {
    if !failure.is_silent() {
        let (on, off) = if logging::use_color(global.color) { ("\u{1b}[1;31m", "\u{1b}[0m") } else { ("", "") };
        // Nothing can be done when standard error is closed.
        drop(writeln!(std::io::stderr(), "{on}error{off}: {failure}"));
    }
    ExitCode::from(failure.status())
}
