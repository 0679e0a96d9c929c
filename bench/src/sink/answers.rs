//! What the sink says to each request. Pure.

use std::io::{self, ErrorKind};

use bytes::Bytes;
use corelog_protocol::messages::api_versions_response::{ApiVersion, ApiVersionsResponse};
use corelog_protocol::messages::create_topics_request::CreateTopicsRequest;
use corelog_protocol::messages::create_topics_response::{CreatableTopicResult, CreateTopicsResponse};
use corelog_protocol::messages::delete_topics_request::DeleteTopicsRequest;
use corelog_protocol::messages::delete_topics_response::{DeletableTopicResult, DeleteTopicsResponse};
use corelog_protocol::messages::init_producer_id_response::InitProducerIdResponse;
use corelog_protocol::messages::metadata_request::MetadataRequest;
use corelog_protocol::messages::metadata_response::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use corelog_protocol::messages::produce_request::ProduceRequest;
use corelog_protocol::messages::produce_response::{PartitionProduceResponse, ProduceResponse, TopicProduceResponse};
use corelog_protocol::{ApiKey, Decoder, Encoded, Message, Uuid, header};

/// What the sink knows, with the versions that it is asked in.
const KNOWN: [ApiKey; 6] = [
    ApiKey::Produce,
    ApiKey::Metadata,
    ApiKey::ApiVersions,
    ApiKey::CreateTopics,
    ApiKey::DeleteTopics,
    ApiKey::InitProducerId,
];
/// The one node.
const NODE: i32 = 1;

/// Where the sink listens, and what its topics look like.
#[derive(Clone, Debug)]
pub struct Face {
    /// Host that clients connect to.
    pub host: String,
    /// Port that clients connect to.
    pub port: u16,
    /// Partitions of every topic.
    pub partitions: i32,
}

/// The answer to a request (without its length); none where it wants none.
///
/// # Errors
/// A request that cannot be read, or that the sink does not know.
pub fn answer(face: &Face, frame: Bytes) -> io::Result<Option<Encoded>> {
    let mut decoder = Decoder::new(frame);
    let (key, request) = header::decode_request_header(&mut decoder).map_err(invalid)?;
    let (version, id) = (request.request_api_version, request.correlation_id);
    let encoded = match key {
        ApiKey::Produce => {
            let request = ProduceRequest::decode(&mut decoder, version).map_err(invalid)?;
            if request.acks == 0 {
                return Ok(None);
            }
            header::encode_response(key, version, id, &produced(&request))
        }
        ApiKey::ApiVersions => {
            let known = |key: &ApiKey| ApiVersion {
                api_key: key.code(),
                min_version: key.min_version(),
                max_version: key.max_version(),
            };
            let body = ApiVersionsResponse { api_keys: KNOWN.iter().map(known).collect(), ..Default::default() };
            header::encode_response(key, version, id, &body)
        }
        ApiKey::Metadata => {
            let request = MetadataRequest::decode(&mut decoder, version).map_err(invalid)?;
            header::encode_response(key, version, id, &metadata(face, &request))
        }
        ApiKey::CreateTopics => {
            let request = CreateTopicsRequest::decode(&mut decoder, version).map_err(invalid)?;
            let made =
                |name: &corelog_protocol::Text| CreatableTopicResult { name: name.clone(), ..Default::default() };
            let topics = request.topics.iter().map(|topic| made(&topic.name)).collect();
            header::encode_response(key, version, id, &CreateTopicsResponse { topics, ..Default::default() })
        }
        ApiKey::DeleteTopics => {
            let request = DeleteTopicsRequest::decode(&mut decoder, version).map_err(invalid)?;
            let count = request.topics.len().max(request.topic_names.len());
            let responses =
                (0..count).map(|_| DeletableTopicResult { name: Some("gone".into()), ..Default::default() }).collect();
            header::encode_response(key, version, id, &DeleteTopicsResponse { responses, ..Default::default() })
        }
        ApiKey::InitProducerId => header::encode_response(key, version, id, &InitProducerIdResponse::default()),
        _ => return Err(io::Error::new(ErrorKind::Unsupported, format!("the sink does not know {key}"))),
    };
    encoded.map(Some).map_err(invalid)
}

fn produced(request: &ProduceRequest) -> ProduceResponse {
    let responses = request.topic_data.iter().map(|topic| TopicProduceResponse {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partition_responses: topic
            .partition_data
            .iter()
            .map(|partition| PartitionProduceResponse { index: partition.index, ..Default::default() })
            .collect(),
    });
    ProduceResponse { responses: responses.collect(), ..Default::default() }
}

fn metadata(face: &Face, request: &MetadataRequest) -> MetadataResponse {
    let partition = |partition_index: i32| MetadataResponsePartition {
        partition_index,
        leader_id: NODE,
        replica_nodes: vec![NODE],
        isr_nodes: vec![NODE],
        ..Default::default()
    };
    let topics = request.topics.iter().flatten().map(|topic| MetadataResponseTopic {
        name: topic.name.clone(),
        topic_id: Uuid([1; 16]),
        partitions: (0..face.partitions).map(partition).collect(),
        ..Default::default()
    });
    let broker = MetadataResponseBroker {
        node_id: NODE,
        host: face.host.as_str().into(),
        port: i32::from(face.port),
        rack: None,
    };
    MetadataResponse { brokers: vec![broker], controller_id: NODE, topics: topics.collect(), ..Default::default() }
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}
