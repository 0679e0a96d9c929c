//! Why bytes are not a message: names the message, its version, the field and the reason. Made only by the decoder.

use std::fmt;

/// Where decoding stopped and why. The connection that sent the bytes is closed.
#[derive(Clone, PartialEq, Eq)]
pub struct DecodeError(Box<Details>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Details {
    message: &'static str,
    version: i16,
    path: String,
    reason: Reason,
}

/// Why a field could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The bytes end inside the field.
    #[error("needs {needed} bytes, {remaining} remain")]
    Truncated {
        /// Bytes that the field takes.
        needed: usize,
        /// Bytes that there are.
        remaining: usize,
    },
    /// The tagged field that was announced ends inside this value.
    #[error("needs {needed} bytes, {remaining} remain of its tagged field")]
    BeyondTag {
        /// Bytes that the value takes.
        needed: usize,
        /// Bytes that the tagged field has left.
        remaining: usize,
    },
    /// An array announces more elements than bytes remain.
    #[error("announces {count} elements, {remaining} bytes remain")]
    Count {
        /// Elements announced.
        count: usize,
        /// Bytes that there are.
        remaining: usize,
    },
    /// The message would take more memory than the decoder may use.
    #[error("takes more memory than one message may")]
    Memory,
    /// Null where the version has no null.
    #[error("null is not allowed here")]
    Null,
    /// A length that is negative and does not mean null, or above two gigabytes.
    #[error("impossible length {0}")]
    Length(i64),
    /// A string that is not UTF-8.
    #[error("not UTF-8")]
    Utf8,
    /// A variable-length integer that does not end in time.
    #[error("a variable-length integer of more than 32 bits")]
    Varint,
    /// A tagged field that is shorter or longer than it says.
    #[error("tagged field {tag} says {announced} bytes and holds {read}")]
    TagSize {
        /// The tag.
        tag: u32,
        /// Bytes announced.
        announced: usize,
        /// Bytes that its value took.
        read: usize,
    },
    /// Structures nested deeper than any schema has them.
    #[error("nested too deep")]
    Depth,
    /// The version does not exist.
    #[error("versions are {min} to {max}")]
    Version {
        /// The first version.
        min: i16,
        /// The last version.
        max: i16,
    },
    /// An API that this crate does not speak.
    #[error("unknown API {0}")]
    UnknownApi(i16),
    /// Bytes left after the message.
    #[error("{0} bytes after the end")]
    Trailing(usize),
    /// The answer is not the one that was waited for.
    #[error("answer to request {found}, {wanted} was next")]
    Correlation {
        /// The oldest request without an answer.
        wanted: i32,
        /// What the answer names.
        found: i32,
    },
    /// An answer though nothing was asked.
    #[error("an answer though no request waits for one")]
    Unasked,
}

impl DecodeError {
    pub(crate) fn new(message: &'static str, version: i16, path: String, reason: Reason) -> DecodeError {
        DecodeError(Box::new(Details { message, version, path, reason }))
    }

    /// Kafka's name of the message, such as `FetchRequest`.
    pub fn message(&self) -> &'static str {
        self.0.message
    }

    /// The version that was read.
    pub fn version(&self) -> i16 {
        self.0.version
    }

    /// The field, such as `Topics[2].Partitions[0].FetchOffset`; empty for the message as a whole.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Why.
    pub fn reason(&self) -> Reason {
        self.0.reason
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details { message, version, path, reason } = self.0.as_ref();
        write!(formatter, "{message} version {version}")?;
        if !path.is_empty() {
            write!(formatter, ", {path}")?;
        }
        write!(formatter, ": {reason}")
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DecodeError({self})")
    }
}

impl std::error::Error for DecodeError {}
