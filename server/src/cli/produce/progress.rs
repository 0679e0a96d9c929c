//! How far a `produce` has come, on standard error.
//!
//! Runs on the tool's shard. Rewrites one line on a terminal, and says one at the end everywhere.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use corelog_rt::time::{self, Instant};
use corelog_tuning::check::bytes_text;

/// Pause between two updates of the line.
const UPDATE_INTERVAL: Duration = Duration::from_millis(500);

/// Counts of acknowledged records.
#[derive(Debug)]
pub struct Progress {
    quiet: bool,
    terminal: bool,
    began: Instant,
    updated: Instant,
    /// Records that the broker has.
    pub records: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
}

impl Progress {
    /// Nothing yet.
    pub fn new(quiet: bool) -> Self {
        let now = time::now();
        Self { quiet, terminal: io::stderr().is_terminal(), began: now, updated: now, records: 0, bytes: 0 }
    }

    /// Counts what was acknowledged.
    pub fn add(&mut self, records: u64, bytes: u64) {
        self.records += records;
        self.bytes += bytes;
        if !self.quiet && self.terminal && self.updated.elapsed() >= UPDATE_INTERVAL {
            self.updated = time::now();
            // Nothing can be done when standard error is closed.
            let _ = write!(io::stderr(), "\r\u{1b}[K{}", self.line("so far"));
        }
    }

    /// Says the sum.
    pub fn finish(&self) {
        if !self.quiet {
            let start = if self.terminal { "\r\u{1b}[K" } else { "" };
            let _ = writeln!(io::stderr(), "{start}{}", self.line("in all"));
        }
    }

    fn line(&self, which: &str) -> String {
        let seconds = self.began.elapsed().as_secs_f64().max(1e-6);
        let plural = if self.records == 1 { "" } else { "s" };
        format!(
            "{} record{plural}, {} {which}, {:.0} records/s, {}/s",
            self.records,
            bytes_text(self.bytes),
            self.records as f64 / seconds,
            bytes_text((self.bytes as f64 / seconds) as u64),
        )
    }
}
