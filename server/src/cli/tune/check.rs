//! `corelog tune check`: the table of everything that a broker depends on.

use std::io::IsTerminal;

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};
use corelog_tuning::check::{Check, Report, Verdict};

use super::arguments::TuneCheckArguments;
use super::run::{host, named};
use crate::cli::failure::{Failure, STATUS_FAILED};
use crate::cli::output::Output;

/// Columns of a page where nobody says how wide it is.
const WIDTH_DEFAULT: u16 = 180;

/// Looks, and prints what it saw.
pub fn check(arguments: &TuneCheckArguments, output: &mut Output) -> Result<(), Failure> {
    let host = host(&arguments.host);
    let checks: Vec<Check> = named(&arguments.names)?.into_iter().map(|tunable| tunable.check(&host)).collect();
    if arguments.json {
        output.json(&Report::new(&host, &checks))?;
    } else {
        print(&checks, output)?;
    }
    if checks.iter().any(|check| check.verdict.is_wrong()) {
        // The table has said what; a line of its own would say it again.
        return Err(Failure::with_status(STATUS_FAILED, ""));
    }
    Ok(())
}

/// Prints the table, and below it what can be done.
pub(super) fn print(checks: &[Check], output: &mut Output) -> Result<(), Failure> {
    output.table(&table(checks))?;
    let worth: Vec<&Check> =
        checks.iter().filter(|check| !check.how().is_empty() && check.verdict != Verdict::Good).collect();
    if !worth.is_empty() {
        output.line("\nWhat can be done:")?;
    }
    for check in worth {
        output.line(format_args!("  {} ({})", check.about.name, check.verdict))?;
        for line in check.how() {
            output.line(format_args!("    {line}"))?;
        }
    }
    let count = |wanted: fn(Verdict) -> bool| checks.iter().filter(|check| wanted(check.verdict)).count();
    let (good, wrong) = (count(|verdict| verdict == Verdict::Good), count(Verdict::is_wrong));
    let improvable = count(|verdict| verdict == Verdict::Improvable);
    let rest = checks.len() - good - wrong - improvable;
    output.line(format_args!("\n{good} good, {improvable} improvable, {wrong} wrong, {rest} not known here"))
}

fn table(checks: &[Check]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if !std::io::stdout().is_terminal() {
        table.set_width(WIDTH_DEFAULT);
    }
    table.set_header(["NAME", "NOW", "WANTED", "VERDICT", "WHY IT MATTERS", "EXPECTED EFFECT"]);
    for check in checks {
        let color = match check.verdict {
            Verdict::Good => Color::Green,
            Verdict::Improvable => Color::Cyan,
            Verdict::Poor => Color::Yellow,
            Verdict::Refused(_) => Color::Red,
            Verdict::NotPermitted | Verdict::NotSupported | Verdict::Unknown => Color::DarkGrey,
        };
        table.add_row([
            Cell::new(check.about.name),
            Cell::new(&check.current),
            Cell::new(&check.wanted),
            Cell::new(check.verdict).fg(color),
            Cell::new(check.about.why),
            Cell::new(check.about.effect),
        ]);
    }
    table
}
