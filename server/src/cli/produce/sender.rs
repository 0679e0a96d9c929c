//! Batches on their way to the leaders of their partitions, retried until the broker has them exactly once.
//!
//! Runs on the tool's shard. One batch per partition and one request per leader at a time; what is retried is the same
//! bytes with the same sequence, so the broker can tell it from a new batch.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use corelog_engine::batch::{BatchBuilder, Codec as BatchCodec, Compression};
use corelog_protocol::messages::init_producer_id_request::InitProducerIdRequest;
use corelog_protocol::messages::metadata_response::MetadataResponseTopic;
use corelog_protocol::messages::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use corelog_protocol::messages::produce_response::PartitionProduceResponse;
use corelog_protocol::{ApiKey, ErrorCode, Records};
use corelog_rt::time;

use super::record::NewRecord;
use crate::cli::arguments::{Acks, Codec};
use crate::cli::client::cluster::{Cluster, RETRY_PAUSE};
use crate::cli::client::error::{ClientError, check};
use crate::cli::failure::Failure;

/// How long one batch is retried.
const RETRY_TIME_MAX: Duration = Duration::from_mins(1);
/// How long it is retried without a word.
const RETRY_TIME_SILENT: Duration = Duration::from_secs(3);
/// How long the broker may wait for its replicas.
const TIMEOUT_MS: i32 = 20_000;
/// The last version that names topics rather than giving their ids.
const NAMED_VERSION_MAX: i16 = 12;

/// A producer of one topic.
pub struct Sender {
    topic: MetadataResponseTopic,
    acks: Acks,
    compression: Compression,
    producer: Option<(i64, i16)>,
    /// The next sequence of each partition.
    sequences: BTreeMap<i32, i32>,
    open: BTreeMap<i32, Open>,
}

/// A batch that still takes records.
struct Open {
    builder: BatchBuilder,
    bytes: u64,
}

/// A batch that is being sent.
struct Sealed {
    partition: i32,
    batch: Bytes,
    records: u64,
    bytes: u64,
}

impl Sender {
    /// A producer of `name`, which the broker makes if it may. Idempotent if the acks and the broker allow.
    pub async fn new(cluster: &mut Cluster, name: &str, acks: Acks, codec: Codec) -> Result<Self, ClientError> {
        let topic = cluster.topic(name, true).await?;
        let leader = topic.partitions.first().map_or(0, |partition| partition.leader_id);
        let idempotent = acks == Acks::All && cluster.supports(leader, ApiKey::InitProducerId).await?;
        let producer = if idempotent { Some(init_producer(cluster).await?) } else { None };
        let compression = Compression { codec: batch_codec(codec), level: None };
        Ok(Self { topic, acks, compression, producer, sequences: BTreeMap::new(), open: BTreeMap::new() })
    }

    /// Number of partitions of the topic, at least 1.
    pub fn partition_count(&self) -> i32 {
        self.topic.partitions.len() as i32
    }

    /// Adds a record to the open batch of a partition. Returns the bytes that this batch then has uncompressed.
    pub fn push(&mut self, partition: i32, record: &NewRecord) -> Result<usize, Failure> {
        let producer = self.producer;
        let sequence = self.sequences.get(&partition).copied().unwrap_or(0);
        let compression = self.compression;
        let open = self.open.entry(partition).or_insert_with(|| {
            let builder = BatchBuilder::new().compression(compression);
            let builder = match producer {
                Some((id, epoch)) => builder.producer(id, epoch, sequence),
                None => builder,
            };
            Open { builder, bytes: 0 }
        });
        let headers: Vec<_> = record.headers.iter().map(|(name, value)| (name.as_ref(), value.as_deref())).collect();
        let timestamp_ms = record.timestamp_ms.unwrap_or_else(time::unix_ms);
        open.builder
            .push(timestamp_ms, record.key.as_deref(), record.value.as_deref(), &headers)
            .map_err(|error| Failure::new(format!("a record fits no batch: {error}")))?;
        let length = |part: &Option<Bytes>| part.as_ref().map_or(0, Bytes::len) as u64;
        open.bytes += length(&record.key) + length(&record.value);
        Ok(open.builder.uncompressed_bytes())
    }

    /// Sends all open batches and waits for their acknowledgements; tells each to `acknowledged` (records, bytes).
    pub async fn send(&mut self, cluster: &mut Cluster, mut acknowledged: impl FnMut(u64, u64)) -> Result<(), Failure> {
        let mut waiting = self.seal()?;
        let began = time::now();
        let mut told = false;
        while !waiting.is_empty() {
            let mut failed = None;
            let outcomes = self.send_once(cluster, &waiting).await;
            for (partition, outcome) in outcomes {
                match outcome {
                    Ok(()) => {
                        let Some(at) = waiting.iter().position(|sealed| sealed.partition == partition) else {
                            continue;
                        };
                        let sealed = waiting.swap_remove(at);
                        acknowledged(sealed.records, sealed.bytes);
                    }
                    Err(error) if error.is_retriable() && began.elapsed() < RETRY_TIME_MAX => failed = Some(error),
                    Err(error) => return Err(error.into()),
                }
            }
            if let Some(error) = failed {
                if !told && began.elapsed() > RETRY_TIME_SILENT {
                    tracing::warn!("{error}; trying for {} s", RETRY_TIME_MAX.as_secs());
                    told = true;
                }
                time::sleep(RETRY_PAUSE).await;
                self.find_leaders(cluster, began.elapsed()).await?;
            }
        }
        Ok(())
    }

    /// Whether there is anything to send.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    fn seal(&mut self) -> Result<Vec<Sealed>, Failure> {
        let mut sealed = Vec::new();
        for (partition, open) in std::mem::take(&mut self.open) {
            let count = open.builder.record_count();
            let sequence = self.sequences.entry(partition).or_insert(0);
            *sequence = corelog_engine::batch::header::sequence_plus(*sequence, count);
            let batch = open.builder.build().map_err(|error| Failure::new(format!("cannot make a batch: {error}")))?;
            sealed.push(Sealed {
                partition,
                batch: batch.into(),
                records: u64::from(count.unsigned_abs()),
                bytes: open.bytes,
            });
        }
        Ok(sealed)
    }

    async fn send_once(&self, cluster: &mut Cluster, waiting: &[Sealed]) -> Vec<(i32, Result<(), ClientError>)> {
        let mut requests: Vec<(i32, ProduceRequest)> = Vec::new();
        for sealed in waiting {
            let leader = self.leader(sealed.partition);
            let data =
                PartitionProduceData { index: sealed.partition, records: Some(Records::from(sealed.batch.clone())) };
            let known = requests.iter_mut().find(|(node, _)| *node == leader);
            match known.and_then(|(_, request)| request.topic_data.first_mut()) {
                Some(topic) => topic.partition_data.push(data),
                None => requests.push((leader, self.request(data))),
            }
        }
        let version_max = if self.topic.topic_id.is_zero() { NAMED_VERSION_MAX } else { i16::MAX };
        let mut outcomes = Vec::new();
        if self.acks == Acks::None {
            for (leader, request) in &requests {
                let told = cluster.tell_node(*leader, request, version_max).await;
                outcomes.extend(each(request, told));
            }
            return outcomes;
        }
        let answers = cluster.call_each(&requests, version_max).await;
        for ((_, request), (_, answer)) in requests.iter().zip(answers) {
            match answer {
                Err(error) => outcomes.extend(each(request, Err(error))),
                Ok(response) => {
                    let partitions = response.responses.iter().flat_map(|topic| &topic.partition_responses);
                    outcomes.extend(partitions.map(|partition| (partition.index, self.judge(partition))));
                }
            }
        }
        outcomes
    }

    fn request(&self, data: PartitionProduceData) -> ProduceRequest {
        let topic = TopicProduceData {
            name: self.topic.name.clone().unwrap_or_default(),
            topic_id: self.topic.topic_id,
            partition_data: vec![data],
        };
        let acks = match self.acks {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => -1,
        };
        ProduceRequest { transactional_id: None, acks, timeout_ms: TIMEOUT_MS, topic_data: vec![topic] }
    }

    fn judge(&self, partition: &PartitionProduceResponse) -> Result<(), ClientError> {
        // The broker had this batch already: an answer was lost on the way.
        if partition.error_code == ErrorCode::DuplicateSequenceNumber.code() {
            return Ok(());
        }
        let of_record = partition.record_errors.iter().find_map(|record| record.batch_index_error_message.as_deref());
        check(partition.error_code, partition.error_message.as_deref().or(of_record), || {
            format!("topic \"{}\", partition {}", self.topic.name.as_deref().unwrap_or_default(), partition.index)
        })
    }

    fn leader(&self, partition: i32) -> i32 {
        let found = self.topic.partitions.iter().find(|known| known.partition_index == partition);
        found.map_or(-1, |known| known.leader_id)
    }

    /// Asks anew who leads; a broker that does not answer is asked again while there is time.
    async fn find_leaders(&mut self, cluster: &mut Cluster, spent: Duration) -> Result<(), ClientError> {
        let name = self.topic.name.as_deref().unwrap_or_default().to_owned();
        match cluster.topic(&name, false).await {
            Ok(topic) => {
                self.topic = topic;
                Ok(())
            }
            Err(error) if error.is_retriable() && spent < RETRY_TIME_MAX => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// The outcome of a whole request for each of its partitions.
fn each(request: &ProduceRequest, outcome: Result<(), ClientError>) -> Vec<(i32, Result<(), ClientError>)> {
    let mut partitions: Vec<i32> =
        request.topic_data.iter().flat_map(|topic| &topic.partition_data).map(|partition| partition.index).collect();
    match outcome {
        Ok(()) => partitions.into_iter().map(|partition| (partition, Ok(()))).collect(),
        Err(error) => partitions.pop().map(|partition| (partition, Err(error))).into_iter().collect(),
    }
}

async fn init_producer(cluster: &mut Cluster) -> Result<(i64, i16), ClientError> {
    let began = time::now();
    loop {
        let request =
            InitProducerIdRequest { transactional_id: None, transaction_timeout_ms: i32::MAX, ..Default::default() };
        let response = cluster.call(&request).await?;
        match check(response.error_code, None, || "a producer id".to_owned()) {
            Ok(()) => return Ok((response.producer_id, response.producer_epoch)),
            Err(error) if error.is_retriable() && began.elapsed() < RETRY_TIME_MAX => time::sleep(RETRY_PAUSE).await,
            Err(error) => return Err(error),
        }
    }
}

fn batch_codec(codec: Codec) -> BatchCodec {
    match codec {
        Codec::None => BatchCodec::None,
        Codec::Gzip => BatchCodec::Gzip,
        Codec::Snappy => BatchCodec::Snappy,
        Codec::Lz4 => BatchCodec::Lz4,
        Codec::Zstd => BatchCodec::Zstd,
    }
}
