//! `corelog tune probe`: measures a disk, shows a bar meanwhile, and tells what follows from it.
//!
//! The measuring runs on the tool's shard; what comes of it is written and printed on the first thread.

use std::env;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use corelog_rt::{dir, runtime, time};
use corelog_tuning::check::bytes_text;
use corelog_tuning::host::Host;
use corelog_tuning::probe::choose::{Settings, operation_of};
use corelog_tuning::probe::course::{self, Orders, Step};
use corelog_tuning::probe::others::Usage;
use corelog_tuning::probe::plan::{Area, Operation};
use corelog_tuning::probe::properties::{PROPERTIES_FILE, Properties};
use corelog_tuning::probe::sample::Sample;
use corelog_tuning::root::Root;
use corelog_tuning::tunables::locked_memory;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::arguments::TuneProbeArguments;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, table};
use crate::cli::start::refusal;

/// How long mimalloc keeps memory that was freed, in milliseconds; -1 is for ever.
const ALLOCATOR_KEEPS: &str = "MIMALLOC_PURGE_DELAY";

/// Measures, chooses, writes and tells.
pub fn probe(arguments: &TuneProbeArguments, output: &mut Output) -> Result<(), Failure> {
    if env::var_os(ALLOCATOR_KEEPS).is_none() {
        return Err(Failure::new(format!("the probe cannot be started: {}", with_kept_memory())));
    }
    let data_dir = corelog_tuning::data_dir::create(&arguments.dir)
        .map_err(|error| refusal::of_data_dir(&arguments.dir, &error))?;
    let direct = corelog_tuning::tunables::direct_io::check(&data_dir)
        .map_err(|error| refusal::of_data_dir(&data_dir, &error))?;
    if let corelog_tuning::check::Verdict::Refused(reason) = direct.verdict {
        return Err(refusal::of_check(&direct, reason));
    }
    // A broker that writes meanwhile would be measured too, and would be disturbed.
    let lock = dir::lock(&data_dir).map_err(|error| refusal::of_lock(&error))?;
    locked_memory::raise();
    let orders = Orders { dir: data_dir.clone(), time: Duration::from_secs(arguments.seconds) };
    let before = Usage::now(&Root::real());
    let samples = measured(orders, bar(arguments.quiet))?;
    let after = Usage::now(&Root::real());
    let host = Host::here(Some(&data_dir), None);
    let mut properties = Properties::new(&host, samples, time::unix_ms()).map_err(Failure::new)?;
    if let (Ok(before), Ok(after)) = (before, after) {
        properties = properties.shared_with(after.others_cores(&before));
    }
    if !arguments.no_write {
        store(&data_dir, &properties)?;
    }
    drop(lock);
    if arguments.json {
        return output.json(&properties);
    }
    print(&properties, output)?;
    if arguments.no_write {
        return output.line("\nnothing was written");
    }
    output.line(format_args!(
        "\nwritten to {}; the next `corelog start` uses it",
        data_dir.join(PROPERTIES_FILE).display()
    ))
}

/// Starts this program anew in the same process, with an allocator that gives nothing back to the kernel; returns only where that fails. A broker
/// reads into memory that it just read into, a probe that goes through all sizes would not: what had been given back comes in small
/// pages, one by one, and reads of 1 MiB were half as fast as those of `fio`.
fn with_kept_memory() -> io::Error {
    match env::current_exe() {
        Ok(program) => Command::new(program).args(env::args_os().skip(1)).env(ALLOCATOR_KEEPS, "-1").exec(),
        Err(error) => error,
    }
}

/// Measures on a shard that is bound to the first core that we may use, as a broker's first shard is.
fn measured(orders: Orders, bar: ProgressBar) -> Result<Vec<Sample>, Failure> {
    let config = runtime::Config { shards: 1, ..Default::default() };
    let (sender, receiver) = mpsc::channel();
    let dir = orders.dir.clone();
    let body = move |_shard| {
        let (orders, sender, bar) = (orders.clone(), sender.clone(), bar.clone());
        async move {
            let outcome = course::run(&orders, &mut |step| told(&bar, step)).await;
            bar.finish_and_clear();
            // The receiver lives until the shard has ended.
            let _ = sender.send(outcome);
        }
    };
    runtime::run(&config, body).map_err(|error| refusal::of_runtime(&error))?;
    let outcome = receiver.recv().map_err(|_| Failure::new("the probe ended without a word"))?;
    outcome.map_err(|error| refusal::of_data_dir(&dir, &error))
}

fn bar(quiet: bool) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(1), target);
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {elapsed_precise}  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn told(bar: &ProgressBar, step: Step) {
    match step {
        Step::Filling => bar.set_message("filling a file"),
        Step::Measuring(cell) => bar.set_message(format!(
            "{} of {}, {} at once",
            operation_text(cell.operation),
            bytes_text(cell.bytes as u64),
            cell.depth
        )),
        Step::Done { done, of } => {
            bar.set_length(of as u64);
            bar.set_position(done as u64);
        }
    }
}

/// What is done, in words.
pub(super) fn operation_text(operation: Operation) -> &'static str {
    match operation {
        Operation::Write => "write",
        Operation::WriteSync => "write + fdatasync",
        Operation::WriteThrough => "write with O_DSYNC",
        Operation::WriteLinked => "linked write + fdatasync",
        Operation::Read => "read",
    }
}

/// Replaces the file as a whole.
fn store(dir: &Path, properties: &Properties) -> Result<(), Failure> {
    let path = dir.join(PROPERTIES_FILE);
    let stored = properties.text().and_then(|text| write(&path, &text));
    stored.map_err(|error| refusal::of_data_dir(&path, &error))
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    corelog_tuning::data_dir::replace(path, text.as_bytes())
}

fn print(properties: &Properties, output: &mut Output) -> Result<(), Failure> {
    let operation = operation_of(properties.settings.write_mode);
    for (title, area, operations) in [
        ("Writes over old blocks", Area::Overwrite, &[operation, other(operation), Operation::WriteLinked][..]),
        ("Writes into new space", Area::Fresh, &[operation, other(operation)][..]),
        ("Reads in order", Area::Overwrite, &[Operation::Read][..]),
    ] {
        output.line(format_args!("\n{title}"))?;
        let mut rows = table(&["what", "size", "at once", "MB/s", "p50 us", "p99 us", "p99.9 us", "max us"]);
        for operation in operations {
            let is_meant = |sample: &&Sample| sample.cell.operation == *operation && sample.cell.area == area;
            for sample in properties.samples.iter().filter(is_meant).filter(|sample| sample.operations > 0) {
                rows.add_row([
                    operation_text(*operation).to_owned(),
                    bytes_text(sample.cell.bytes as u64),
                    sample.cell.depth.to_string(),
                    format!("{:.0}", sample.megabytes_per_second),
                    format!("{:.0}", sample.p50_us),
                    format!("{:.0}", sample.p99_us),
                    format!("{:.0}", sample.p999_us),
                    format!("{:.0}", sample.max_us),
                ]);
            }
        }
        output.table(&rows)?;
    }
    if let Some(knee) = &properties.knee {
        output.line(format_args!(
            "\nknee        {} at once of {}: {:.0} MB/s at {:.0} us (p99 {:.0} us)",
            knee.depth,
            bytes_text(knee.bytes as u64),
            knee.megabytes_per_second,
            knee.p50_us,
            knee.p99_us
        ))?;
    }
    output.line(format_args!("settings    {}", settings_text(&properties.settings)))?;
    if let Some(disturbance) = properties.disturbance() {
        output.line(format_args!("warning     {disturbance}"))?;
    }
    match properties.suspicion() {
        Some(suspicion) => {
            output.line(format_args!("warning     {suspicion}: acknowledged records may not survive a power loss"))
        }
        None => Ok(()),
    }
}

fn other(operation: Operation) -> Operation {
    if operation == Operation::WriteThrough { Operation::WriteSync } else { Operation::WriteThrough }
}

/// The settings in a line.
pub(crate) fn settings_text(settings: &Settings) -> String {
    format!(
        "{}, commits up to {}, {} at once, reads of {}, {} read ahead{}",
        operation_text(operation_of(settings.write_mode)),
        bytes_text(settings.commit_bytes_max as u64),
        settings.writes_in_flight_max,
        bytes_text(settings.read_block_bytes as u64),
        settings.read_ahead_blocks,
        if *settings == Settings::default() { " (the defaults)" } else { "" }
    )
}
