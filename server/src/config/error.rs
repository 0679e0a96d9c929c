//! What can be wrong with the settings, each with what to do about it.
//!
//! Built in `config`, printed by `cli::start`, before any shard exists.

use std::fmt;
use std::path::PathBuf;

use super::properties::PropertiesError;

/// Where a value was set; later variants win over earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A line of the `--config` file.
    File {
        /// The file as given.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        variable: String,
    },
    /// `--set name=value`.
    Set,
    /// A flag of its own, e.g. `--data`.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => write!(out, "the default"),
            Self::File { path, line } => write!(out, "{}, line {line}", path.display()),
            Self::Environment { variable } => write!(out, "environment variable {variable}"),
            Self::Set => write!(out, "--set"),
            Self::Flag(flag) => write!(out, "{flag}"),
        }
    }
}

/// Settings with which the broker does not start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the config file {}: {source}", path.display())]
    Read {
        /// The file as given.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not `.properties` text.
    #[error("config file {}, {source}", path.display())]
    Syntax {
        /// The file as given.
        path: PathBuf,
        /// Where and why.
        source: PropertiesError,
    },
    /// `--set` without a `=`.
    #[error("--set {text}: expected name=value")]
    NotAnAssignment {
        /// What was given.
        text: String,
    },
    /// A name that neither Kafka nor Corelog has.
    #[error("unknown setting \"{name}\" ({origin}){}", did_you_mean(*nearest))]
    UnknownName {
        /// The name as given.
        name: String,
        /// The nearest name that exists.
        nearest: Option<&'static str>,
        /// Where it was set.
        origin: Origin,
    },
    /// A value that the setting cannot take.
    #[error("{name} = \"{value}\" ({origin}): {why}")]
    BadValue {
        /// The setting.
        name: String,
        /// The value as given.
        value: String,
        /// What is wrong and what would be right.
        why: String,
        /// Where it was set.
        origin: Origin,
    },
    /// Right for Kafka, but this broker cannot do it.
    #[error("{name} = \"{value}\" ({origin}) is not supported: {why}")]
    Unsupported {
        /// The setting.
        name: String,
        /// The value as given.
        value: String,
        /// What is missing and what to set instead.
        why: String,
        /// Where it was set.
        origin: Origin,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean \"{name}\"?")).unwrap_or_default()
}
