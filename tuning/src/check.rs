//! The outcome of one check of the host, and what every tunable is made of.
//!
//! Built by the files of `tunables/`, printed by the command line, stored by the tools.

use std::fmt::{self, Display};

use corelog_rt::fatal::Reason;
use serde::Serialize;

use crate::change::{Change, Snippet};
use crate::host::Host;
use crate::root::Obstacle;

/// Whether what is there will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As wanted.
    Good,
    /// Nothing is wrong; another value would be a little better.
    Improvable,
    /// The broker runs, but less well or for less long.
    Poor,
    /// The broker cannot run, for this reason.
    Refused(Reason),
    /// This process may not look.
    NotPermitted,
    /// This host has no such thing.
    NotSupported,
    /// What is there makes no sense.
    Unknown,
}

impl Verdict {
    /// Whether somebody should do something about it.
    pub fn is_wrong(self) -> bool {
        matches!(self, Verdict::Poor | Verdict::Refused(_))
    }

    /// A word for tables and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Good => "good",
            Verdict::Improvable => "improvable",
            Verdict::Poor => "poor",
            Verdict::Refused(_) => "refused",
            Verdict::NotPermitted => "not permitted",
            Verdict::NotSupported => "not supported",
            Verdict::Unknown => "unknown",
        }
    }
}

impl Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

/// What does not depend on the host.
#[derive(Debug, PartialEq, Eq)]
pub struct About {
    /// What the thing is called, in small letters with hyphens.
    pub name: &'static str,
    /// Why it matters to a broker.
    pub why: &'static str,
    /// What changes when it is as wanted.
    pub effect: &'static str,
}

impl About {
    /// The name as words.
    pub fn title(&self) -> String {
        self.name.replace('-', " ")
    }
}

/// One thing that can be looked at, and perhaps changed.
#[derive(Debug, Clone, Copy)]
pub struct Tunable {
    /// What does not depend on the host.
    pub about: &'static About,
    /// Looks at the host.
    pub look: fn(&Host) -> Result<Check, Obstacle>,
}

impl Tunable {
    /// Looks at the host; what stands in the way of looking is an outcome too.
    pub fn check(&self, host: &Host) -> Check {
        (self.look)(host).unwrap_or_else(|obstacle| Check::obstructed(self.about, &obstacle))
    }
}

/// What one look at the host found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub about: &'static About,
    /// What is there.
    pub current: String,
    /// What the broker wants.
    pub wanted: String,
    /// Whether it will do.
    pub verdict: Verdict,
    /// What a person can do about it, a line each, beside the changes.
    pub how: Vec<String>,
    /// What would be written where to put it right, now.
    pub changes: Vec<Change>,
    /// What would put it right for good and cannot be changed now.
    pub snippets: Vec<Snippet>,
}

impl Check {
    /// A finding, with nothing to do about it yet.
    pub fn new(about: &'static About, verdict: Verdict, current: String, wanted: impl Into<String>) -> Self {
        let (how, changes, snippets) = (Vec::new(), Vec::new(), Vec::new());
        Self { about, current, wanted: wanted.into(), verdict, how, changes, snippets }
    }

    /// A check that found nothing wrong.
    pub fn good(about: &'static About, current: String, wanted: impl Into<String>) -> Self {
        Self::new(about, Verdict::Good, current, wanted)
    }

    /// Good, or `otherwise`.
    pub fn judged(
        about: &'static About,
        is_good: bool,
        otherwise: Verdict,
        current: String,
        wanted: impl Into<String>,
    ) -> Self {
        Self::new(about, if is_good { Verdict::Good } else { otherwise }, current, wanted)
    }

    /// Something stood in the way of looking.
    fn obstructed(about: &'static About, obstacle: &Obstacle) -> Self {
        let verdict = match obstacle {
            Obstacle::Missing(_) | Obstacle::NotHere(_) => Verdict::NotSupported,
            Obstacle::Denied(_) => Verdict::NotPermitted,
            Obstacle::Unreadable { .. } | Obstacle::Unparsable { .. } => Verdict::Unknown,
        };
        let mut check = Self::new(about, verdict, obstacle.to_string(), "");
        if let Obstacle::Denied(_) = obstacle {
            check.how.push(format!("look again as root: sudo corelog tune check {}", about.name));
        }
        check
    }

    /// Adds a line on what to do.
    pub fn advise(mut self, line: impl Into<String>) -> Self {
        self.how.push(line.into());
        self
    }

    /// Adds what would be written.
    pub fn change(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// Adds what would be kept in a file.
    pub fn snippet(mut self, snippet: Snippet) -> Self {
        self.snippets.push(snippet);
        self
    }

    /// Whether this host knows the thing at all.
    pub fn is_supported(&self) -> bool {
        self.verdict != Verdict::NotSupported
    }

    /// The commands that put it right, then the advice that is none.
    pub fn how(&self) -> Vec<String> {
        self.changes.iter().map(Change::command).chain(self.how.iter().cloned()).collect()
    }

    /// The commands that put back what is there now.
    pub fn undo(&self) -> Vec<String> {
        self.changes.iter().map(|change| change.reversed().command()).collect()
    }

    /// The form in which tools store it.
    pub fn record(&self) -> Record {
        Record {
            name: self.about.name,
            supported: self.is_supported(),
            verdict: self.verdict.word(),
            current: self.current.clone(),
            wanted: self.wanted.clone(),
            why: self.about.why,
            effect: self.about.effect,
            how: self.how(),
            undo: self.undo(),
        }
    }
}

/// A check as it is stored; `schema/check.json` describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Name of the tunable.
    pub name: &'static str,
    /// Whether this host knows the thing at all.
    pub supported: bool,
    /// The verdict's word.
    pub verdict: &'static str,
    /// What is there.
    pub current: String,
    /// What the broker wants.
    pub wanted: String,
    /// Why it matters.
    pub why: &'static str,
    /// What changes when it is as wanted.
    pub effect: &'static str,
    /// How to put it right.
    pub how: Vec<String>,
    /// How to put that back.
    pub undo: Vec<String>,
}

/// All checks of a host as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Version of this layout.
    pub format: u32,
    /// Version of the tool.
    pub version: &'static str,
    /// Name of the host.
    pub host: String,
    /// The kernel's release.
    pub kernel: String,
    /// Whether any verdict is `poor` or `refused`.
    pub wrong: bool,
    /// The checks, in the order of the table.
    pub checks: Vec<Record>,
}

impl Report {
    /// The checks of `host`, to be stored.
    pub fn new(host: &Host, checks: &[Check]) -> Self {
        Self {
            format: 1,
            version: env!("CARGO_PKG_VERSION"),
            host: crate::memory::host_name(&host.root),
            kernel: host.root.read("/proc/sys/kernel/osrelease").unwrap_or_else(|_| "unknown".to_owned()),
            wrong: checks.iter().any(|check| check.verdict.is_wrong()),
            checks: checks.iter().map(Check::record).collect(),
        }
    }
}

/// A number of bytes for people: exact if whole in its unit, else with one decimal.
pub fn bytes_text(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    for (unit, size) in UNITS {
        if bytes >= size {
            let tenths = bytes / (size / 10).max(1);
            return if bytes.is_multiple_of(size) {
                format!("{} {unit}", bytes / size)
            } else {
                format!("{}.{} {unit}", tenths / 10, tenths % 10)
            };
        }
    }
    format!("{bytes} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_well() {
        for (bytes, text) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (8 << 20, "8 MiB"), (5 << 39, "2.5 TiB")]
        {
            assert_eq!(bytes_text(bytes), text);
        }
    }
}
