//! What a refused append becomes on the wire: Kafka's code, its message, and which record is to blame.
//!
//! Pure; every match is exhaustive.

use corelog_engine::batch::{BatchError, Flaw};
use corelog_engine::log::AppendRefused;
use corelog_engine::partition::{AppendError, ProducerError};
use corelog_protocol::messages::produce_response::{BatchIndexAndErrorMessage, PartitionProduceResponse};
use corelog_protocol::{ErrorCode, Text};

/// The code of a refused append.
pub fn code(error: &AppendError) -> ErrorCode {
    match error {
        AppendError::Batch(error) => batch_code(error),
        AppendError::Producer(ProducerError::StaleEpoch { .. }) => ErrorCode::InvalidProducerEpoch,
        AppendError::Producer(ProducerError::OutOfOrder { .. }) => ErrorCode::OutOfOrderSequenceNumber,
        AppendError::Producer(ProducerError::NoTransaction) => ErrorCode::InvalidTxnState,
        AppendError::Log(AppendRefused::DiskFull) => ErrorCode::KafkaStorageError,
        AppendError::Log(AppendRefused::TooLarge { .. }) => ErrorCode::RecordListTooLarge,
        // Busy is waited for before anything is answered.
        AppendError::Log(AppendRefused::Closed | AppendRefused::Busy) | AppendError::Deleted => {
            ErrorCode::NotLeaderOrFollower
        }
    }
}

fn batch_code(error: &BatchError) -> ErrorCode {
    match error {
        BatchError::Length { .. } | BatchError::UnknownFormat { .. } | BatchError::Checksum { .. } => {
            ErrorCode::CorruptMessage
        }
        BatchError::TooLarge { .. } => ErrorCode::MessageTooLarge,
        BatchError::Timestamp { .. } | BatchError::TimestampType => ErrorCode::InvalidTimestamp,
        BatchError::OldFormat { .. } => ErrorCode::UnsupportedForMessageFormat,
        BatchError::Invalid(Flaw::UnknownCodec) => ErrorCode::UnsupportedCompressionType,
        BatchError::Truncated { .. }
        | BatchError::MissingKey { .. }
        | BatchError::Invalid(_)
        | BatchError::Compression(_) => ErrorCode::InvalidRecord,
    }
}

/// The answer for a partition whose append was refused.
pub fn answer(index: i32, error: &AppendError, with_message: bool) -> PartitionProduceResponse {
    let mut answer = failed(index, code(error));
    if with_message {
        answer.error_message = Some(Text::from(error.to_string()));
        answer.record_errors.extend(blamed(error));
    }
    answer
}

/// The answer for a partition where nothing was appended.
pub fn failed(index: i32, code: ErrorCode) -> PartitionProduceResponse {
    PartitionProduceResponse {
        index,
        error_code: code.code(),
        base_offset: -1,
        log_append_time_ms: -1,
        log_start_offset: -1,
        ..Default::default()
    }
}

/// The record that made the whole batch unacceptable.
fn blamed(error: &AppendError) -> Option<BatchIndexAndErrorMessage> {
    let AppendError::Batch(BatchError::Timestamp { record, .. } | BatchError::MissingKey { record }) = error else {
        return None;
    };
    let message = Some(Text::from(error.to_string()));
    Some(BatchIndexAndErrorMessage { batch_index: *record, batch_index_error_message: message })
}
