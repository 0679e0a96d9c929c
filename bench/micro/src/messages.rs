//! The wire: requests as they come from clients decoded, answers encoded.

use bytes::Bytes;
use corelog_protocol::messages::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use corelog_protocol::messages::metadata_response::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use corelog_protocol::messages::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use corelog_protocol::messages::produce_response::{PartitionProduceResponse, ProduceResponse, TopicProduceResponse};
use corelog_protocol::messages::request_header::RequestHeader;
use corelog_protocol::{ApiKey, Decoder, Message, Records, Text, Uuid, header};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::batches::batch;
use crate::case::Work;

/// The version of Fetch in every case.
pub const FETCH_VERSION: i16 = 17;
/// The version of Metadata in every case.
const METADATA_VERSION: i16 = 12;
/// The id of the topic in every case.
pub const TOPIC_ID: [u8; 16] = *b"a topic, at last";

const TOPIC_NAME: &str = "orders.placed.v1";
/// The first version of Produce that names topics by id.
const PRODUCE_VERSION_TOPIC_IDS: i16 = 13;

/// A request frame without its length, decoded to the last field.
struct Decode<M> {
    frame: Bytes,
    things: fn(&M) -> usize,
}

impl<M: Message> Work for Decode<M> {
    fn run(&mut self) -> u64 {
        let mut decoder = Decoder::new(std::hint::black_box(&self.frame).clone());
        let (_, header) = header::decode_request_header(&mut decoder).expect("a good header");
        let body = M::decode(&mut decoder, header.request_api_version).expect("a good request");
        decoder.finish().expect("nothing follows");
        (self.things)(std::hint::black_box(&body)) as u64
    }
}

fn decode<M: Message + 'static>(key: ApiKey, version: i16, body: &M, things: fn(&M) -> usize) -> Box<dyn Work> {
    let header = RequestHeader {
        request_api_key: key.code(),
        request_api_version: version,
        correlation_id: 7,
        client_id: Some(Text::from("a-client-of-some-service")),
    };
    let mut frame = header::encode_request(key, &header, body).expect("it can be said").into_contiguous();
    let _length = frame.split_to(4);
    Box::new(Decode { frame, things })
}

/// A response frame, encoded to the last field.
struct Encode<M> {
    key: ApiKey,
    version: i16,
    body: M,
    things: fn(&M) -> usize,
}

impl<M: Message> Work for Encode<M> {
    fn run(&mut self) -> u64 {
        let body = std::hint::black_box(&self.body);
        let encoded = header::encode_response(self.key, self.version, 7, body).expect("it can be said");
        std::hint::black_box(encoded);
        (self.things)(body) as u64
    }
}

/// Decodes a Produce request of `VERSION` with a batch of 4 KB for each of `PARTITIONS`.
pub fn produce_request<const VERSION: i16, const PARTITIONS: i32>() -> LocalBoxFuture<'static, Box<dyn Work>> {
    async {
        let records = Bytes::from(batch(4, 1000));
        let partition = |index| PartitionProduceData { index, records: Some(Records::from(records.clone())) };
        let mut topic =
            TopicProduceData { partition_data: (0..PARTITIONS).map(partition).collect(), ..Default::default() };
        if VERSION < PRODUCE_VERSION_TOPIC_IDS {
            topic.name = Text::from(TOPIC_NAME);
        } else {
            topic.topic_id = Uuid(TOPIC_ID);
        }
        let body = ProduceRequest { acks: -1, timeout_ms: 30_000, topic_data: vec![topic], ..Default::default() };
        decode(ApiKey::Produce, VERSION, &body, |body| {
            body.topic_data.iter().map(|topic| topic.partition_data.len()).sum()
        })
    }
    .boxed_local()
}

/// Encodes the answer to a Produce request with `PARTITIONS`.
pub fn produce_response<const VERSION: i16, const PARTITIONS: i32>() -> LocalBoxFuture<'static, Box<dyn Work>> {
    async {
        let partition = |index| PartitionProduceResponse {
            index,
            base_offset: 1_000_000 + i64::from(index),
            log_append_time_ms: -1,
            log_start_offset: 0,
            ..Default::default()
        };
        let topic = TopicProduceResponse {
            name: Text::from(TOPIC_NAME),
            topic_id: Uuid(TOPIC_ID),
            partition_responses: (0..PARTITIONS).map(partition).collect(),
        };
        let body = ProduceResponse { responses: vec![topic], ..Default::default() };
        let things = |body: &ProduceResponse| body.responses.iter().map(|topic| topic.partition_responses.len()).sum();
        Box::new(Encode { key: ApiKey::Produce, version: VERSION, body, things }) as Box<dyn Work>
    }
    .boxed_local()
}

/// Decodes a Fetch request for `PARTITIONS`.
pub fn fetch_request<const PARTITIONS: i32>() -> LocalBoxFuture<'static, Box<dyn Work>> {
    async {
        let partition = |partition| FetchPartition {
            partition,
            current_leader_epoch: 3,
            fetch_offset: 1_000_000,
            partition_max_bytes: 1 << 20,
            ..Default::default()
        };
        let topic = FetchTopic {
            topic_id: Uuid(TOPIC_ID),
            partitions: (0..PARTITIONS).map(partition).collect(),
            ..Default::default()
        };
        let body = FetchRequest { max_wait_ms: 500, min_bytes: 1, topics: vec![topic], ..Default::default() };
        decode(ApiKey::Fetch, FETCH_VERSION, &body, |body| body.topics.iter().map(|topic| topic.partitions.len()).sum())
    }
    .boxed_local()
}

/// Encodes the metadata of one topic with `PARTITIONS`.
pub fn metadata_response<const PARTITIONS: i32>() -> LocalBoxFuture<'static, Box<dyn Work>> {
    async {
        let partition = |partition_index| MetadataResponsePartition {
            partition_index,
            leader_id: 1,
            leader_epoch: 3,
            replica_nodes: vec![1],
            isr_nodes: vec![1],
            ..Default::default()
        };
        let topic = MetadataResponseTopic {
            name: Some(Text::from(TOPIC_NAME)),
            topic_id: Uuid(TOPIC_ID),
            partitions: (0..PARTITIONS).map(partition).collect(),
            ..Default::default()
        };
        let broker = MetadataResponseBroker {
            node_id: 1,
            host: Text::from("broker-1.internal"),
            port: 9092,
            ..Default::default()
        };
        let body = MetadataResponse {
            brokers: vec![broker],
            cluster_id: Some(Text::from("a-cluster")),
            controller_id: 1,
            topics: vec![topic],
            ..Default::default()
        };
        let things = |body: &MetadataResponse| body.topics.iter().map(|topic| topic.partitions.len()).sum();
        Box::new(Encode { key: ApiKey::Metadata, version: METADATA_VERSION, body, things }) as Box<dyn Work>
    }
    .boxed_local()
}
