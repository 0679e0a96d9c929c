//! Topics made and removed, partitions written for the first time, and where they end.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use corelog_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use corelog_protocol::messages::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use corelog_protocol::messages::init_producer_id_request::InitProducerIdRequest;
use corelog_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use corelog_protocol::messages::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use corelog_protocol::{Bytes, ErrorCode, Records};

use super::control::{Control, check, error_name};
use super::topology::{Topic, Topology};
use crate::wire::template::{RecordShape, Template, seal};

/// How long the broker may take to make or remove topics.
const TIMEOUT_MS: i32 = 120_000;
/// Partitions of one request of those that touch every partition.
const PARTITIONS_PER_REQUEST: usize = 500;
/// How long partitions may take until they accept records.
const PRIME_TIME_MAX: Duration = Duration::from_mins(2);
/// Stands for the offset after the last record.
pub const LATEST: i64 = -1;
/// Stands for the offset of the first record.
pub const EARLIEST: i64 = -2;
/// The last Produce version that names topics rather than giving their ids.
pub const PRODUCE_NAMED_MAX: i16 = 12;

/// Makes those of `names` that do not exist.
pub fn create(
    control: &mut Control,
    names: &[String],
    partitions: i32,
    replication_factor: i16,
    configs: &[(String, String)],
) -> Result<()> {
    let config =
        |(name, value): &(String, String)| CreatableTopicConfig { name: name.into(), value: Some(value.into()) };
    let topic = |name: &String| CreatableTopic {
        name: name.into(),
        num_partitions: partitions,
        replication_factor,
        configs: configs.iter().map(config).collect(),
        ..Default::default()
    };
    let request =
        CreateTopicsRequest { topics: names.iter().map(topic).collect(), timeout_ms: TIMEOUT_MS, validate_only: false };
    for result in control.call(&request, i16::MAX)?.topics {
        if result.error_code != ErrorCode::TopicAlreadyExists.code() {
            check(result.error_code, &format!("topic {}", result.name))?;
        }
    }
    Ok(())
}

/// Removes topics.
pub fn delete(control: &mut Control, names: &[String]) -> Result<()> {
    let state = |name: &String| DeleteTopicState { name: Some(name.into()), ..Default::default() };
    let request = DeleteTopicsRequest {
        topics: names.iter().map(state).collect(),
        topic_names: names.iter().map(Into::into).collect(),
        timeout_ms: TIMEOUT_MS,
    };
    for result in control.call(&request, i16::MAX)?.responses {
        check(result.error_code, &format!("topic {}", result.name.unwrap_or_default()))?;
    }
    Ok(())
}

/// Writes one record without a stamp to every partition, until all took theirs: what is made at the first write is made.
pub fn prime(topology: &Topology) -> Result<()> {
    // With a key, which compacted topics ask for.
    let template = Template::new(RecordShape { value_bytes: 64, key_bytes: Some(8) }, 1, |_| {});
    let mut batch = Vec::new();
    template.append(1, &mut batch);
    seal(&mut batch);
    let records = Records::from(Bytes::from(batch));
    for topic in &topology.topics {
        for (node, partitions) in Topology::partitions_by_leader(topic) {
            let mut control = Control::connect(topology.address(node)?)?;
            for chunk in partitions.chunks(PARTITIONS_PER_REQUEST) {
                prime_partitions(&mut control, topic, chunk, &records)?;
            }
        }
    }
    Ok(())
}

fn prime_partitions(control: &mut Control, topic: &Topic, partitions: &[i32], records: &Records) -> Result<()> {
    let began = Instant::now();
    let mut missing = partitions.to_vec();
    while !missing.is_empty() {
        let data = missing
            .iter()
            .map(|index| PartitionProduceData { index: *index, records: Some(records.clone()) })
            .collect();
        let version_max = if topic.id.is_zero() { PRODUCE_NAMED_MAX } else { i16::MAX };
        let topic_data = vec![TopicProduceData { name: topic.name.clone(), topic_id: topic.id, partition_data: data }];
        let request = ProduceRequest { transactional_id: None, acks: -1, timeout_ms: TIMEOUT_MS, topic_data };
        let response = control.call(&request, version_max)?;
        missing.clear();
        for partition in response.responses.iter().flat_map(|topic| &topic.partition_responses) {
            let code = ErrorCode::from_code(partition.error_code);
            match code {
                Some(ErrorCode::None) => {}
                Some(code) if code.is_retriable() && began.elapsed() < PRIME_TIME_MAX => missing.push(partition.index),
                _ => bail!("{}-{}: {}", topic.name, partition.index, error_name(partition.error_code)),
            }
        }
        if !missing.is_empty() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

/// The offsets of a topic's partitions: [`LATEST`] or [`EARLIEST`], by the partition's number.
pub fn offsets(topology: &Topology, topic: &Topic, which: i64) -> Result<Vec<i64>> {
    let mut offsets = vec![0; topic.leaders.len()];
    for (node, partitions) in Topology::partitions_by_leader(topic) {
        let mut control = Control::connect(topology.address(node)?)?;
        let asked =
            |index: &i32| ListOffsetsPartition { partition_index: *index, timestamp: which, ..Default::default() };
        let topics =
            vec![ListOffsetsTopic { name: topic.name.clone(), partitions: partitions.iter().map(asked).collect() }];
        let request = ListOffsetsRequest { replica_id: -1, topics, timeout_ms: TIMEOUT_MS, ..Default::default() };
        for found in control.call(&request, 10)?.topics.iter().flat_map(|topic| &topic.partitions) {
            check(found.error_code, &format!("offsets of {}-{}", topic.name, found.partition_index))?;
            if let Some(offset) = usize::try_from(found.partition_index).ok().and_then(|at| offsets.get_mut(at)) {
                *offset = found.offset;
            }
        }
    }
    Ok(offsets)
}

/// A new idempotent producer: its id and epoch.
pub fn producer_id(control: &mut Control) -> Result<(i64, i16)> {
    let began = Instant::now();
    loop {
        let request =
            InitProducerIdRequest { transactional_id: None, transaction_timeout_ms: i32::MAX, ..Default::default() };
        let response = control.call(&request, i16::MAX)?;
        let may_pass = ErrorCode::from_code(response.error_code).is_some_and(ErrorCode::is_retriable);
        if response.error_code != 0 && may_pass && began.elapsed() < PRIME_TIME_MAX {
            std::thread::sleep(Duration::from_millis(100));
            continue;
        }
        check(response.error_code, "a producer id")?;
        return Ok((response.producer_id, response.producer_epoch));
    }
}
