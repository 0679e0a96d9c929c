//! `DeleteRecords`: moves the start of partitions up.

use std::rc::Rc;

use corelog_engine::ids::{Offset, PartitionKey};
use corelog_engine::log::AppendRefused;
use corelog_engine::metadata::name;
use corelog_engine::partition::{Acks, DeleteRecordsError};
use corelog_engine::shard::Shard;
use corelog_protocol::ErrorCode;
use corelog_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use corelog_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsResponse, DeleteRecordsTopicResult,
};

use super::fan_out;
use crate::broker::Broker;
use crate::net::request::Call;

/// Asks for everything that is visible.
const HIGH_WATERMARK: i64 = -1;

/// Deletes and answers once the new starts are durable.
pub async fn handle(broker: Rc<Broker>, _call: Call, request: DeleteRecordsRequest) -> DeleteRecordsResponse {
    // What the broker keeps for itself nobody else may shorten.
    let may_delete = |topic: &DeleteRecordsTopic| !name::is_internal(&topic.name);
    let asked = request.topics.iter().map(|topic| {
        let partitions: &[_] = if may_delete(topic) { &topic.partitions } else { &[] };
        (topic.name.as_str(), partitions)
    });
    let answers = fan_out::by_name(&broker, asked, |partition| partition.partition_index, delete).await;
    let answer = |(topic, answers): (DeleteRecordsTopic, Vec<Option<DeleteRecordsPartitionResult>>)| {
        if !may_delete(&topic) {
            let refuse =
                |asked: &DeleteRecordsPartition| failed(asked.partition_index, ErrorCode::InvalidTopicException);
            let partitions = topic.partitions.iter().map(refuse).collect();
            return DeleteRecordsTopicResult { name: topic.name, partitions };
        }
        let partition = |(asked, answer): (&DeleteRecordsPartition, Option<_>)| {
            answer.unwrap_or_else(|| failed(asked.partition_index, ErrorCode::UnknownTopicOrPartition))
        };
        let partitions = topic.partitions.iter().zip(answers).map(partition).collect();
        DeleteRecordsTopicResult { name: topic.name, partitions }
    };
    DeleteRecordsResponse {
        topics: request.topics.into_iter().zip(answers).map(answer).collect(),
        ..Default::default()
    }
}

async fn delete(shard: Rc<Shard>, key: PartitionKey, asked: DeleteRecordsPartition) -> DeleteRecordsPartitionResult {
    let index = asked.partition_index;
    let Some(partition) = shard.partition(key) else { return failed(index, ErrorCode::NotLeaderOrFollower) };
    let before = (asked.offset != HIGH_WATERMARK).then_some(Offset(asked.offset));
    let deleted = loop {
        match partition.delete_records(before) {
            Err(DeleteRecordsError::Log(AppendRefused::Busy)) => partition.log().admission().await,
            result => break result,
        }
    };
    match deleted {
        Ok((log_start, commit)) => {
            if let Some(commit) = commit
                && partition.committed(commit, Acks::All).await.is_err()
            {
                return failed(index, ErrorCode::NotLeaderOrFollower);
            }
            DeleteRecordsPartitionResult { partition_index: index, low_watermark: log_start.0, ..Default::default() }
        }
        Err(error) => failed(index, code(&error)),
    }
}

fn code(error: &DeleteRecordsError) -> ErrorCode {
    match error {
        DeleteRecordsError::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        DeleteRecordsError::Log(AppendRefused::DiskFull | AppendRefused::TooLarge { .. }) => {
            ErrorCode::KafkaStorageError
        }
        DeleteRecordsError::Log(AppendRefused::Busy | AppendRefused::Closed) | DeleteRecordsError::Deleted => {
            ErrorCode::NotLeaderOrFollower
        }
    }
}

fn failed(partition_index: i32, error: ErrorCode) -> DeleteRecordsPartitionResult {
    DeleteRecordsPartitionResult { partition_index, low_watermark: -1, error_code: error.code() }
}
