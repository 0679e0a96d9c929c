//! Owns the rules for topic names.
//!
//! Pure functions, called where names enter.

use thiserror::Error;

/// The longest topic name, in characters.
pub const NAME_CHARACTERS_MAX: usize = 249;

/// The name of the metadata log, which nobody may create.
pub const METADATA_TOPIC: &str = "__cluster_metadata";

/// Why a topic name is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TopicNameError {
    /// It is empty.
    #[error("Topic name is invalid: the empty string is not allowed")]
    Empty,
    /// It is `.` or `..`.
    #[error("Topic name is invalid: '{0}' is not allowed")]
    Dots(String),
    /// It is too long.
    #[error("Topic name is invalid: the length of '{0}' is longer than the max allowed length {NAME_CHARACTERS_MAX}")]
    TooLong(String),
    /// It holds other characters than it may.
    #[error(
        "Topic name is invalid: '{0}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
    )]
    Characters(String),
    /// It equals another topic's once dots and underscores are taken for the same, as metric names take them.
    #[error("Topic '{name}' collides with existing topic: {existing}")]
    Collision {
        /// The new name.
        name: String,
        /// The topic that is there.
        existing: String,
    },
}

/// Checks a topic's name by itself.
pub fn check(name: &str) -> Result<(), TopicNameError> {
    if name.is_empty() {
        return Err(TopicNameError::Empty);
    }
    if name == "." || name == ".." {
        return Err(TopicNameError::Dots(name.to_owned()));
    }
    if name.len() > NAME_CHARACTERS_MAX {
        return Err(TopicNameError::TooLong(name.to_owned()));
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')) {
        return Err(TopicNameError::Characters(name.to_owned()));
    }
    Ok(())
}

/// The form in which two names collide.
pub(crate) fn collision_form(name: &str) -> String {
    name.replace('.', "_")
}

/// Whether the broker keeps the topic for itself; clients may read but not casually delete or write it.
pub fn is_internal(name: &str) -> bool {
    matches!(name, "__consumer_offsets" | "__transaction_state" | "__share_group_state")
}
