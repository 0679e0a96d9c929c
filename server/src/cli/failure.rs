//! How a command fails: what happened, what to do about it, and the exit status.
//!
//! Built by every command, printed and turned into the exit status by `cli::entry`.

use std::fmt::{self, Display};
use std::io;

use corelog_rt::fatal::Reason;

use crate::config::error::ConfigError;

/// Exit status of a tool that did not do what was asked.
pub const STATUS_FAILED: u8 = 1;
/// Exit status for arguments that make no sense, as clap uses it.
pub const STATUS_USAGE: u8 = 2;
/// Exit status of a tool that reached no broker.
pub const STATUS_UNREACHABLE: u8 = 3;

/// Why a command ends without success.
#[derive(Debug)]
pub struct Failure {
    status: u8,
    message: String,
    advice: Vec<String>,
}

impl Failure {
    /// A tool that did not do what was asked.
    pub fn new(message: impl Display) -> Self {
        Self::with_status(STATUS_FAILED, message)
    }

    /// Arguments that make no sense together.
    pub fn usage(message: impl Display) -> Self {
        Self::with_status(STATUS_USAGE, message)
    }

    /// With a status of its own.
    pub fn with_status(status: u8, message: impl Display) -> Self {
        Self { status, message: message.to_string(), advice: Vec::new() }
    }

    /// With the exit status of `reason`.
    pub fn of(reason: Reason, message: impl Display) -> Self {
        Self::with_status(u8::try_from(reason.code()).unwrap_or(STATUS_FAILED), message)
    }

    /// Nobody reads standard output any more, which is no error.
    pub fn closed_pipe() -> Self {
        Self::with_status(0, "")
    }

    /// Adds a line on what to do.
    pub fn advise(mut self, advice: impl Display) -> Self {
        self.advice.push(advice.to_string());
        self
    }

    /// What happened, without what to do about it.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The exit status.
    pub fn status(&self) -> u8 {
        self.status
    }

    /// Whether there is anything to say.
    pub fn is_silent(&self) -> bool {
        self.message.is_empty()
    }
}

impl Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.message)?;
        for advice in &self.advice {
            for (index, line) in advice.lines().enumerate() {
                write!(out, "\n{}{line}", if index == 0 { "  -> " } else { "     " })?;
            }
        }
        Ok(())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let failure = Self::of(Reason::BadConfiguration, &error);
        match error {
            ConfigError::UnknownName { nearest: None, .. } => {
                failure.advise("settings have Kafka's names; those that Kafka does not have start with corelog.")
            }
            _ => failure,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::closed_pipe() } else { Self::new(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_stands_below_the_message() {
        let failure = Failure::new("port 1 is in use").advise("stop it\nor wait").advise("take another");
        assert_eq!(failure.to_string(), "port 1 is in use\n  -> stop it\n     or wait\n  -> take another");
        assert_eq!(failure.status(), 1);
    }

    #[test]
    fn a_closed_pipe_is_silent_success() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(failure.is_silent());
        assert_eq!(failure.status(), 0);
    }
}
