//! Owns the baseline: instructions of every case, and the tools that they were counted with.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// What instruction counts depend on beside the code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tools {
    /// The compiler's version.
    pub rustc: String,
    /// Valgrind's version: it decides what the processor seems to be able to do.
    pub valgrind: String,
    /// The C library's version: it copies memory.
    pub libc: String,
}

impl fmt::Display for Tools {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}, {}, {}", self.rustc, self.valgrind, self.libc)
    }
}

/// Counts that were accepted, as `instructions.json` holds them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// What they were counted with.
    pub tools: Tools,
    /// Instructions by case.
    pub instructions: BTreeMap<String, u64>,
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// Of the file system, or because it is none.
    pub fn read(path: &Path) -> Result<Baseline> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no baseline", path.display()))
    }

    /// Writes it, one case a line.
    ///
    /// # Errors
    /// Of the file system.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}
