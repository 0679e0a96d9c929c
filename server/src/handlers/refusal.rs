//! Which of Kafka's error codes the engine's errors become.
//!
//! Called by the handlers alone: the engine knows no codes. Every match is exhaustive, so a new error needs a decision here.

use corelog_engine::metadata::MetadataError;
use corelog_engine::metadata::credentials::CredentialError;
use corelog_engine::metadata::error::ElectionError;
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
        MetadataError::Credential(error) => credential_code(*error),
        MetadataError::Election(error) => election_code(*error),
        MetadataError::NoReassignmentInProgress => ErrorCode::NoReassignmentInProgress,
        MetadataError::InvalidUpdateVersion(_) => ErrorCode::InvalidUpdateVersion,
        MetadataError::BrokerNotRegistered(_) => ErrorCode::BrokerIdNotRegistered,
        MetadataError::LogFull => ErrorCode::KafkaStorageError,
        MetadataError::Stopping => ErrorCode::NotController,
    }
}

fn credential_code(error: CredentialError) -> ErrorCode {
    match error {
        CredentialError::Repeated => ErrorCode::DuplicateResource,
        CredentialError::EmptyUser | CredentialError::TooFewIterations | CredentialError::TooManyIterations => {
            ErrorCode::UnacceptableCredential
        }
        CredentialError::UnknownMechanism => ErrorCode::UnsupportedSaslMechanism,
        CredentialError::NotThere => ErrorCode::ResourceNotFound,
        CredentialError::EmptyPassword => ErrorCode::UnknownServerError,
    }
}

fn election_code(error: ElectionError) -> ErrorCode {
    match error {
        ElectionError::NotNeeded => ErrorCode::ElectionNotNeeded,
        ElectionError::PreferredLeaderNotAvailable => ErrorCode::PreferredLeaderNotAvailable,
        ElectionError::EligibleLeadersNotAvailable => ErrorCode::EligibleLeadersNotAvailable,
    }
}

/// Code and message of a metadata command's result, as answers carry them.
pub fn metadata_result<T>(result: &Result<T, MetadataError>) -> (i16, Option<Text>) {
    match result {
        Ok(_) => (ErrorCode::None.code(), None),
        Err(error) => (metadata_code(error).code(), Some(Text::from(error.to_string()))),
    }
}
