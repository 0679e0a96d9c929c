//! Logs of the process: to standard error, coloured on a terminal, written by a thread of their own.
//!
//! Set up once by `cli::entry` before any shard exists. A shard never waits for a slow terminal: what does not fit the
//! queue is dropped.

use std::io::{self, IsTerminal};

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};

use super::arguments::Color;
use super::failure::Failure;
use crate::log_levels;

/// Lines that may wait for the terminal.
const QUEUED_LINES_MAX: usize = 16 << 10;

/// Keeps the writing thread; what is queued is written when it is dropped.
#[derive(Debug)]
pub struct Logs {
    /// Writes into the same queue as the logs.
    pub writer: NonBlocking,
    /// Whether to colour.
    pub color: bool,
    _guard: WorkerGuard,
}

/// Starts logging at `level`, or at `level_default` if none is given.
pub fn start(level: Option<&str>, level_default: &str, color: Color) -> Result<Logs, Failure> {
    let directives = level.unwrap_or(level_default);
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse(directives)
        .map_err(|error| Failure::usage(format!("--log-level {directives}: {error}")))?;
    // It writes to standard error itself, since the process ends before this queue is written.
    let filter = filter.add_directive("corelog_rt::fatal=off".parse().expect("a directive"));
    let color = use_color(color);
    let (writer, guard) =
        NonBlockingBuilder::default().buffered_lines_limit(QUEUED_LINES_MAX).lossy(true).finish(io::stderr());
    let logs = tracing_subscriber::fmt()
        .with_writer(writer.clone())
        .with_ansi(color)
        .with_env_filter(filter)
        .with_filter_reloading();
    let handle = logs.reload_handle();
    logs.try_init().map_err(|error| Failure::new(format!("cannot set up logs: {error}")))?;
    log_levels::install(move |work| {
        // It fails only where the logs are gone, at the very end of the process.
        let _ = handle.modify(|filter| work(filter));
    });
    Ok(Logs { writer, color, _guard: guard })
}

/// Whether standard error takes colours.
pub fn use_color(color: Color) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}
