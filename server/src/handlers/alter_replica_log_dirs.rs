//! `AlterReplicaLogDirs`: there is one data directory, so a partition can only stay where it is.

use std::rc::Rc;

use corelog_protocol::messages::alter_replica_log_dirs_request::AlterReplicaLogDirsRequest;
use corelog_protocol::messages::alter_replica_log_dirs_response::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult, AlterReplicaLogDirsResponse,
};
use corelog_protocol::{ErrorCode, Text};
use indexmap::IndexMap;

use crate::broker::Broker;
use crate::net::request::Call;

/// The longest file name, which Kafka's directory of a partition that is being moved must not exceed.
const FILE_NAME_BYTES_MAX: usize = 255;
/// What such a directory's name has beside topic and partition: two dashes, 32 digits and `-future`, less one.
const FUTURE_NAME_BYTES: usize = 1 + 1 + 32 + "-future".len();

/// Says for each partition whether it is in the directory that is asked for. Of a partition that comes twice, the last
/// directory counts.
pub async fn handle(
    broker: Rc<Broker>,
    _call: Call,
    request: AlterReplicaLogDirsRequest,
) -> AlterReplicaLogDirsResponse {
    let mut topics: IndexMap<Text, IndexMap<i32, ErrorCode>> = IndexMap::new();
    for dir in request.dirs {
        for topic in dir.topics {
            let results = topics.entry(topic.name.clone()).or_default();
            results
                .extend(topic.partitions.iter().map(|index| (*index, stay(&broker, &dir.path, &topic.name, *index))));
        }
    }
    let partition = |(partition_index, error): (i32, ErrorCode)| AlterReplicaLogDirPartitionResult {
        partition_index,
        error_code: error.code(),
    };
    let topic = |(topic_name, results): (Text, IndexMap<i32, ErrorCode>)| AlterReplicaLogDirTopicResult {
        topic_name,
        partitions: results.into_iter().map(partition).collect(),
    };
    AlterReplicaLogDirsResponse { results: topics.into_iter().map(topic).collect(), ..Default::default() }
}

fn stay(broker: &Broker, path: &str, topic: &str, index: i32) -> ErrorCode {
    if topic.len() + index.to_string().len() + FUTURE_NAME_BYTES > FILE_NAME_BYTES_MAX {
        return ErrorCode::InvalidTopicException;
    }
    if *path != *broker.shard().settings().data_dir.to_string_lossy() {
        return ErrorCode::LogDirNotFound;
    }
    match broker.image().topic(topic).and_then(|topic| topic.key(index)) {
        Some(_) => ErrorCode::None,
        None => ErrorCode::UnknownTopicOrPartition,
    }
}
