//! What a run shows while it goes on: one line that is written over on a terminal, a line for each second elsewhere.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write, stderr};

use crate::load::observer::Observer;
use crate::load::watch::Times;
use crate::measure::interval::Interval;
use crate::report::interval_log;
use crate::report::result::IntervalResult;
use crate::report::table;

/// Columns where the terminal does not say.
const COLUMNS_DEFAULT: usize = 80;

/// Shows a run, and keeps its histograms where they are asked for.
pub struct Screen {
    is_quiet: bool,
    is_terminal: bool,
    /// Something stands on the line that is written over.
    is_dirty: bool,
    wants_log: bool,
    /// The histogram log, if it was wanted and the run is over.
    pub log: Option<anyhow::Result<Vec<u8>>>,
}

impl Screen {
    /// On standard error.
    pub fn new(is_quiet: bool, wants_log: bool) -> Screen {
        Screen { is_quiet, is_terminal: stderr().is_terminal(), is_dirty: false, wants_log, log: None }
    }

    /// Takes the line that was written over away, so that others can write.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.is_dirty) {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

impl Observer for Screen {
    fn interval(&mut self, result: &IntervalResult) {
        if self.is_quiet {
            return;
        }
        let line = table::progress(result);
        if self.is_terminal {
            let columns = rustix::termios::tcgetwinsize(stderr()).map_or(COLUMNS_DEFAULT, |size| size.ws_col.into());
            let line: String = line.chars().take(columns.saturating_sub(1)).collect();
            let _ = write!(stderr(), "\r{line}\x1b[K");
            let _ = stderr().flush();
            self.is_dirty = true;
        } else {
            let _ = writeln!(stderr(), "{line}");
        }
    }

    fn intervals(&mut self, times: &Times, intervals: &BTreeMap<usize, Interval>) {
        if self.wants_log {
            self.log = Some(interval_log::render(times, intervals));
        }
    }
}
