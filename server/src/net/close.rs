//! Why a connection ends.
//!
//! Made by the connection and by handlers on the shard that owns the connection; logged once, by the connection. It never
//! decides what is sent: a connection that ends for a reason of this list sends nothing more.

use std::fmt;
use std::io;

use corelog_protocol::frame::FrameError;
use corelog_protocol::{ApiKey, DecodeError, EncodeError};

/// Why a connection ends.
#[derive(Debug)]
pub enum CloseReason {
    /// The peer closed it, or it was shut down from our side.
    Ended,
    /// The socket failed.
    Socket(io::Error),
    /// The bytes are no frame.
    Frame(FrameError),
    /// The bytes are no request.
    Malformed(DecodeError),
    /// The API is not served, or not in this version.
    Unsupported {
        /// The API.
        key: ApiKey,
        /// The version asked for.
        version: i16,
    },
    /// The request decodes but asks for what no client may.
    Refused {
        /// The API.
        key: ApiKey,
        /// The version.
        version: i16,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A request without acknowledgement failed: closing is the only way to say so.
    FailedWithoutAnswer {
        /// The first error.
        error: &'static str,
    },
    /// An answer could not be encoded.
    Encode(EncodeError),
    /// The broker stops.
    Stopping,
}

impl CloseReason {
    /// What each kind of reason is called in metrics, by [`CloseReason::index`].
    pub const LABELS: [&'static str; 9] = [
        "ended",
        "socket",
        "frame",
        "malformed",
        "unsupported",
        "refused",
        "failed_without_answer",
        "encode",
        "stopping",
    ];

    /// Which kind of reason it is.
    pub fn index(&self) -> usize {
        match self {
            CloseReason::Ended => 0,
            CloseReason::Socket(_) => 1,
            CloseReason::Frame(_) => 2,
            CloseReason::Malformed(_) => 3,
            CloseReason::Unsupported { .. } => 4,
            CloseReason::Refused { .. } => 5,
            CloseReason::FailedWithoutAnswer { .. } => 6,
            CloseReason::Encode(_) => 7,
            CloseReason::Stopping => 8,
        }
    }

    /// Whether it is the ordinary end of a connection, of which no person need hear.
    pub fn is_ordinary(&self) -> bool {
        match self {
            CloseReason::Ended | CloseReason::Socket(_) | CloseReason::Stopping => true,
            CloseReason::Frame(_)
            | CloseReason::Malformed(_)
            | CloseReason::Unsupported { .. }
            | CloseReason::Refused { .. }
            | CloseReason::FailedWithoutAnswer { .. }
            | CloseReason::Encode(_) => false,
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CloseReason::Ended => formatter.write_str("ended"),
            CloseReason::Socket(error) => write!(formatter, "socket: {error}"),
            CloseReason::Frame(error) => write!(formatter, "no Kafka client: {error}"),
            CloseReason::Malformed(error) => write!(formatter, "malformed request: {error}"),
            CloseReason::Unsupported { key, version } => {
                write!(formatter, "{} version {version} is not served", key.name())
            }
            CloseReason::Refused { key, version, why } => write!(formatter, "{} version {version}: {why}", key.name()),
            CloseReason::FailedWithoutAnswer { error } => write!(formatter, "produce with acks=0 failed: {error}"),
            CloseReason::Encode(error) => write!(formatter, "answer cannot be encoded: {error}"),
            CloseReason::Stopping => formatter.write_str("the broker stops"),
        }
    }
}
