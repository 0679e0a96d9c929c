//! `DescribeLogDirs`: how much the partitions take in the data directory, and how much room there is.

use std::rc::Rc;

use corelog_engine::ids::PartitionKey;
use corelog_engine::shard::Shard;
use corelog_protocol::messages::describe_log_dirs_request::{DescribableLogDirTopic, DescribeLogDirsRequest};
use corelog_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResponse, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use corelog_protocol::{ErrorCode, Text};
use corelog_rt::dir;

use futures_util::future::ready;

use super::fan_out;
use crate::broker::Broker;
use crate::net::request::Call;

/// Stands for a number that is not known.
const BYTES_UNKNOWN: i64 = -1;

/// Answers for the one data directory that there is: what lies in it of the shards that the client means.
pub async fn handle(broker: Rc<Broker>, call: Call, request: DescribeLogDirsRequest) -> DescribeLogDirsResponse {
    let topics = request.topics.unwrap_or_else(|| every_topic(&broker));
    let asked = topics.iter().map(|topic| (topic.topic.as_str(), topic.partitions.as_slice()));
    let shards = broker.shards_behind(call.connection.entrance);
    let size = move |shard: Rc<Shard>, key: PartitionKey, _index: i32| {
        let is_behind = shards.contains(&usize::from(shard.id().0));
        let bytes = shard.partition(key).filter(|_| is_behind).map(|partition| partition.bytes() as i64);
        ready(bytes)
    };
    let sizes = fan_out::by_name(&broker, asked, |index| *index, size).await;
    let shown = |(topic, sizes): (DescribableLogDirTopic, Vec<Option<Option<i64>>>)| {
        let partition = |(index, size): (&i32, Option<Option<i64>>)| {
            size.flatten().map(|partition_size| DescribeLogDirsPartition {
                partition_index: *index,
                partition_size,
                ..Default::default()
            })
        };
        let partitions: Vec<_> = topic.partitions.iter().zip(sizes).filter_map(partition).collect();
        (!partitions.is_empty()).then_some(DescribeLogDirsTopic { name: topic.topic, partitions })
    };
    let data_dir = &broker.shard().settings().data_dir;
    let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let (error, total_bytes, usable_bytes) = match dir::space(data_dir).await {
        Ok(space) => (ErrorCode::None, signed(space.total_bytes), signed(space.free_bytes)),
        Err(_) => (ErrorCode::KafkaStorageError, BYTES_UNKNOWN, BYTES_UNKNOWN),
    };
    let result = DescribeLogDirsResult {
        error_code: error.code(),
        log_dir: Text::from(data_dir.to_string_lossy().into_owned()),
        topics: topics.into_iter().zip(sizes).filter_map(shown).collect(),
        total_bytes,
        usable_bytes,
        is_cordoned: false,
    };
    DescribeLogDirsResponse { results: vec![result], ..Default::default() }
}

fn every_topic(broker: &Broker) -> Vec<DescribableLogDirTopic> {
    let image = broker.image();
    let topics = image.topics().map(|topic| DescribableLogDirTopic {
        topic: Text::from(&*topic.name),
        partitions: (0..topic.partitions.len() as i32).collect(),
    });
    topics.collect()
}
