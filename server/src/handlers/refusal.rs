//! Which of Kafka's error codes the engine's errors become.
//!
//! Called by the handlers alone: the engine knows no codes. Every match is exhaustive, so a new error needs a decision here.

use corelog_engine::metadata::MetadataError;
use corelog_protocol::{ErrorCode, Text};

/// The code of a refused metadata command.
pub fn metadata_code(error: &MetadataError) -> ErrorCode {
    match error {
        MetadataError::InvalidTopic(_) => ErrorCode::InvalidTopicException,
        MetadataError::TopicAlreadyExists(_) => ErrorCode::TopicAlreadyExists,
        MetadataError::UnknownTopicOrPartition(_) => ErrorCode::UnknownTopicOrPartition,
        MetadataError::UnknownTopicId => ErrorCode::UnknownTopicId,
        MetadataError::InvalidPartitions(_) => ErrorCode::InvalidPartitions,
        MetadataError::InvalidReplicationFactor(_) => ErrorCode::InvalidReplicationFactor,
        MetadataError::InvalidReplicaAssignment(_) => ErrorCode::InvalidReplicaAssignment,
        MetadataError::InvalidConfig(_) => ErrorCode::InvalidConfig,
        MetadataError::InvalidRequest(_) => ErrorCode::InvalidRequest,
        MetadataError::PolicyViolation | MetadataError::CommandTooLarge => ErrorCode::PolicyViolation,
        MetadataError::TopicDeletionDisabled => ErrorCode::TopicDeletionDisabled,
        MetadataError::LogFull => ErrorCode::KafkaStorageError,
        MetadataError::Stopping => ErrorCode::NotController,
    }
}

/// Code and message of a metadata command's result, as answers carry them.
pub fn metadata_result<T>(result: &Result<T, MetadataError>) -> (i16, Option<Text>) {
    match result {
        Ok(_) => (ErrorCode::None.code(), None),
        Err(error) => (metadata_code(error).code(), Some(Text::from(error.to_string()))),
    }
}
