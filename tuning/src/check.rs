//! The outcome of one check of the host.
//!
//! Built by the files beside this one, printed by the command line.

use corelog_rt::fatal::Reason;

/// Whether what is there will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As wanted.
    Good,
    /// The broker runs, but less well or for less long.
    Poor,
    /// The broker cannot run, for this reason.
    Refused(Reason),
}

/// One thing that the host offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at, e.g. `locked memory`.
    pub name: &'static str,
    /// Whether this host knows the thing at all.
    pub supported: bool,
    /// What is there.
    pub current: String,
    /// What the broker wants.
    pub wanted: String,
    /// Whether it will do.
    pub verdict: Verdict,
    /// How to change it, a line each; empty if nothing needs to be changed.
    pub how: Vec<String>,
}

impl Check {
    /// A check that found nothing wrong.
    pub fn good(name: &'static str, current: String, wanted: String) -> Self {
        Self { name, supported: true, current, wanted, verdict: Verdict::Good, how: Vec::new() }
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
