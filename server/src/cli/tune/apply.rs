//! `corelog tune apply` and `undo`: what becomes of each file, in a line.

use std::fmt::Display;

use corelog_tuning::change::apply::{self as changes, Outcome};
use corelog_tuning::change::record::{Entry, Record};
use corelog_tuning::change::{Change, Snippet, keep, script};
use corelog_tuning::check::{Check, Tunable};
use corelog_tuning::host::Host;
use corelog_tuning::root::Root;

use super::arguments::{TuneApplyArguments, TuneUndoArguments};
use super::run::{host, named};
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Changes what can be changed, checks again and says what is left.
pub fn apply(arguments: &TuneApplyArguments, output: &mut Output) -> Result<(), Failure> {
    let tunables = named(&arguments.names)?;
    let host = host(&arguments.host);
    let checks: Vec<Check> = tunables.iter().map(|tunable| tunable.check(&host)).collect();
    let record = Record::load(&arguments.state);
    if arguments.dry_run {
        // Who may not read the record may still read the script.
        let known = record.map(|record| record.entries).unwrap_or_default();
        let files = if arguments.persist { kept(&host, &checks, &known)? } else { Vec::new() };
        return output.bytes(script::text(&checks, &files).as_bytes());
    }
    let mut record = record.map_err(|error| bad_record(&arguments.state.display(), &error))?;
    let mut failed = 0;
    for check in &checks {
        for change in &check.changes {
            let outcome = changes::change(&host.root, &mut record, check.about.name, change);
            failed += usize::from(!outcome.is_done());
            let what = format!("{}: {} from {} to {}", check.about.name, change.path, change.from, change.to);
            told(output, &what, &outcome, Some(&change.command()))?;
        }
    }
    if arguments.persist {
        for file in kept(&host, &checks, &record.entries.clone())? {
            let outcome = changes::keep(&host.root, &mut record, &file);
            failed += usize::from(!outcome.is_done());
            told(output, &format!("persist: {}", file.path), &outcome, Some("sudo corelog tune apply --persist"))?;
        }
    }
    summary(&host, &tunables, &checks, arguments.persist, output)?;
    match failed {
        0 => Ok(()),
        count => Err(Failure::new(format!("{count} of the changes could not be made"))
            .advise("as root: sudo corelog tune apply; or type the commands above")),
    }
}

/// Files that keep what is changed now and what was changed before.
fn kept(host: &Host, checks: &[Check], known: &[Entry]) -> Result<Vec<keep::Kept>, Failure> {
    let mut snippets: Vec<Snippet> = checks.iter().flat_map(|check| check.snippets.iter().cloned()).collect();
    snippets.extend(checks.iter().flat_map(|check| &check.changes).filter_map(|change| change.keep.clone()));
    let names: Vec<&str> = checks.iter().map(|check| check.about.name).collect();
    for entry in known.iter().filter(|entry| names.contains(&entry.tunable.as_str())) {
        snippets.extend(Change::keep_of(&entry.path, &entry.after));
    }
    keep::files(&host.root, &snippets).map_err(|obstacle| Failure::new(obstacle).advise("move that file away first"))
}

/// Looks again and says what is left to do by hand.
fn summary(
    host: &Host,
    tunables: &[&'static Tunable],
    before: &[Check],
    persist: bool,
    output: &mut Output,
) -> Result<(), Failure> {
    if before.iter().all(|check| check.changes.is_empty()) {
        output.line("nothing to change now")?;
    }
    for (tunable, before) in tunables.iter().zip(before) {
        let after = tunable.check(host);
        if !before.changes.is_empty() {
            output.line(format_args!(
                "{}: was {} ({}), is {} ({})",
                tunable.about.name, before.current, before.verdict, after.current, after.verdict
            ))?;
        } else if after.verdict.is_wrong() {
            output.line(format_args!("{}: {} ({}); by hand:", tunable.about.name, after.current, after.verdict))?;
            for line in after.how() {
                output.line(format_args!("    {line}"))?;
            }
            if !after.snippets.is_empty() && !persist {
                output
                    .line(format_args!("    or for good: sudo corelog tune apply {} --persist", tunable.about.name))?;
            }
        }
    }
    Ok(())
}

/// Takes back what was changed, the last first.
pub fn undo(arguments: &TuneUndoArguments, output: &mut Output) -> Result<(), Failure> {
    named(&arguments.names.iter().filter(|name| *name != "persist").cloned().collect::<Vec<_>>())?;
    let mut record = Record::load(&arguments.state).map_err(|error| bad_record(&arguments.state.display(), &error))?;
    let is_meant = |entry: &&Entry| arguments.names.is_empty() || arguments.names.contains(&entry.tunable);
    let entries: Vec<Entry> = record.entries.iter().rev().filter(is_meant).cloned().collect();
    if entries.is_empty() {
        return output.line(format_args!("nothing to undo: {} names no change", arguments.state.display()));
    }
    let mut failed = 0;
    for entry in &entries {
        let outcome = changes::undo(&Root::real(), &mut record, entry, arguments.force);
        failed += usize::from(!outcome.is_done());
        let is_short = |text: &&String| !text.contains('\n');
        let what = match entry.before.as_ref().filter(is_short) {
            Some(before) => format!("{}: {} back to {before}", entry.tunable, entry.path),
            None => format!("{}: {} as it was", entry.tunable, entry.path),
        };
        told(output, &what, &outcome, None)?;
    }
    match failed {
        0 => Ok(()),
        count => Err(Failure::new(format!("{count} of {} could not be put back", entries.len())).advise(
            "what somebody else has changed since is left alone; put it back all the same: corelog tune undo --force",
        )),
    }
}

fn told(output: &mut Output, what: &str, outcome: &Outcome, command: Option<&str>) -> Result<(), Failure> {
    match outcome {
        Outcome::Done => output.line(format_args!("done           {what}")),
        Outcome::AsWas => output.line(format_args!("as it was      {what}")),
        Outcome::NotTaken(now) => output.line(format_args!("not taken      {what}: it shows {now}")),
        Outcome::ChangedSince(now) => output.line(format_args!("changed since  {what}: it holds {now}")),
        Outcome::Failed(why) => output.line(format_args!("failed         {what}: {why}")),
        Outcome::NotPermitted(why) => {
            output.line(format_args!("not permitted  {what}: {why}"))?;
            command.map_or(Ok(()), |command| {
                output.line(format_args!("               an administrator would type: {command}"))
            })
        }
    }
}

fn bad_record(path: &impl Display, error: &std::io::Error) -> Failure {
    let failure = Failure::new(format!("cannot read {path}, which remembers what was changed: {error}"));
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        return failure.advise("as root: sudo corelog tune ...; or name another file: --state FILE");
    }
    failure.advise("move it away to begin anew; what it remembered can then not be undone")
}
