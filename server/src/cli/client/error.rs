//! What can go wrong between a tool and a broker.
//!
//! Built in `cli::client`; turned into words and advice for people when a command fails.

use std::io;

use corelog_protocol::{ApiKey, DecodeError, EncodeError, ErrorCode};

use crate::cli::failure::{Failure, STATUS_UNREACHABLE};

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection to a broker.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// Host and port as given or as the broker told.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The connection broke, or the broker closed it.
    #[error("lost the connection to {address}: {source}")]
    Lost {
        /// Host and port.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// No answer in time.
    #[error("no answer from {address} to {api} within {seconds} s")]
    Silent {
        /// Host and port.
        address: String,
        /// What was asked.
        api: ApiKey,
        /// How long it was waited for.
        seconds: u64,
    },
    /// An answer that is not of Kafka's protocol.
    #[error("{address} does not speak Kafka's protocol: {what}")]
    Nonsense {
        /// Host and port.
        address: String,
        /// What was wrong with it.
        what: String,
    },
    /// A request that cannot be written.
    #[error("cannot write the request: {0}")]
    Encode(#[from] EncodeError),
    /// The broker does not know what is needed.
    #[error("{address} does not support {api} in versions {min} to {max}")]
    Unsupported {
        /// Host and port.
        address: String,
        /// What was asked.
        api: ApiKey,
        /// The oldest version that would do.
        min: i16,
        /// The newest version that would do.
        max: i16,
    },
    /// The broker said no.
    #[error("{what}: {}", said(*code, message.as_deref()))]
    Refused {
        /// What was asked, e.g. `topic "orders"`.
        what: String,
        /// Kafka's error code.
        code: i16,
        /// The broker's own words.
        message: Option<String>,
    },
}

impl ClientError {
    /// An answer that cannot be decoded.
    pub fn nonsense(address: &str, error: &DecodeError) -> Self {
        Self::Nonsense { address: address.to_owned(), what: error.to_string() }
    }

    /// What the broker said no with, if it did.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } => ErrorCode::from_code(*code),
            _ => None,
        }
    }

    /// Whether the same may succeed in a moment, perhaps elsewhere.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Lost { .. } | Self::Silent { .. } => true,
            Self::Refused { .. } => self.code().is_some_and(ErrorCode::is_retriable),
            Self::Nonsense { .. } | Self::Encode(_) | Self::Unsupported { .. } => false,
        }
    }
}

/// An error unless `code` is 0.
pub fn check(code: i16, message: Option<&str>, what: impl FnOnce() -> String) -> Result<(), ClientError> {
    if code == 0 {
        return Ok(());
    }
    Err(ClientError::Refused { what: what(), code, message: message.map(str::to_owned) })
}

fn said(code: i16, message: Option<&str>) -> String {
    let name = ErrorCode::from_code(code).map_or_else(|| format!("error {code}"), |code| code.name().to_owned());
    match (message.filter(|message| !message.is_empty()), ErrorCode::from_code(code)) {
        (Some(message), _) => format!("{} ({name})", message.trim_end_matches('.')),
        (None, Some(code)) => format!("{} ({name})", code.message()),
        (None, None) => name,
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::Connect { source, .. } => {
                let failure = Self::with_status(STATUS_UNREACHABLE, &error);
                if source.kind() == io::ErrorKind::ConnectionRefused {
                    failure.advise("is the broker running? Start one here with `corelog start`,\nor name another with --bootstrap HOST:PORT")
                } else {
                    failure.advise("name the broker with --bootstrap HOST:PORT")
                }
            }
            ClientError::Lost { .. } | ClientError::Silent { .. } => Self::with_status(STATUS_UNREACHABLE, &error)
                .advise("the broker's log may say why; --log-level debug shows more here"),
            ClientError::Nonsense { .. } => Self::with_status(STATUS_UNREACHABLE, &error)
                .advise("is it a Kafka listener without TLS? Name another with --bootstrap HOST:PORT"),
            ClientError::Refused { .. } => match error.code() {
                Some(ErrorCode::UnknownTopicOrPartition) => {
                    Self::new(&error).advise("`corelog topic list` shows the topics, `corelog topic create` makes one")
                }
                _ => Self::new(&error),
            },
            ClientError::Encode(_) | ClientError::Unsupported { .. } => Self::new(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_its_code_and_the_words_of_the_broker() {
        let refusal = |message: Option<&str>, code| check(code, message, || "topic \"x\"".to_owned()).unwrap_err();
        assert_eq!(
            refusal(Some("Topic 'x' already exists."), 36).to_string(),
            "topic \"x\": Topic 'x' already exists (TOPIC_ALREADY_EXISTS)"
        );
        assert!(refusal(None, 3).to_string().ends_with("(UNKNOWN_TOPIC_OR_PARTITION)"));
        assert_eq!(refusal(None, 9999).to_string(), "topic \"x\": error 9999");
        assert!(check(0, None, String::new).is_ok());
    }

    #[test]
    fn what_may_pass_is_retriable() {
        assert!(check(6, None, String::new).unwrap_err().is_retriable());
        assert!(!check(36, None, String::new).unwrap_err().is_retriable());
    }
}
