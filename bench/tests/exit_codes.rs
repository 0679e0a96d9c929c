//! What the binary's exit code says of a broker that loses, doubles or reorders records: scripts look at nothing else.
//!
//! The broker is one of this process, with one partition in memory; it does everything right but for one batch.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected fails")]

use std::process::Command;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use corelog_bench::sink::answers::{Face, answer};
use corelog_bench::sink::server::{HOST, start};
use corelog_protocol::messages::api_versions_response::{ApiVersion, ApiVersionsResponse};
use corelog_protocol::messages::fetch_request::FetchRequest;
use corelog_protocol::messages::fetch_response::{FetchResponse, FetchableTopicResponse, PartitionData};
use corelog_protocol::messages::list_offsets_request::ListOffsetsRequest;
use corelog_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsResponse, ListOffsetsTopicResponse,
};
use corelog_protocol::messages::produce_request::ProduceRequest;
use corelog_protocol::{ApiKey, Decoder, Encoded, Message, Records, header};

/// The batch that goes wrong, counted from the first: the generator has written a record before it begins.
const FAULTY: usize = 20;
/// Where a batch says how many records it has.
const RECORD_COUNT_AT: usize = 57;

/// What happens to the faulty batch.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    Lose,
    Double,
    /// It comes behind the one that follows it.
    Reorder,
}

struct Log {
    fault: Fault,
    arrived: usize,
    held: Option<Bytes>,
    /// Batches, each with its first offset.
    batches: Vec<(i64, Bytes)>,
    end: i64,
}

impl Log {
    fn take(&mut self, batch: Bytes) {
        self.arrived += 1;
        match self.fault {
            Fault::Lose if self.arrived == FAULTY => {}
            Fault::Double if self.arrived == FAULTY => {
                self.append(&batch);
                self.append(&batch);
            }
            Fault::Reorder if self.arrived == FAULTY => self.held = Some(batch),
            _ => {
                self.append(&batch);
                if let Some(held) = self.held.take() {
                    self.append(&held);
                }
            }
        }
    }

    fn append(&mut self, batch: &Bytes) {
        let mut stored = BytesMut::from(&batch[..]);
        stored[..8].copy_from_slice(&self.end.to_be_bytes());
        let count: [u8; 4] = batch[RECORD_COUNT_AT..RECORD_COUNT_AT + 4].try_into().unwrap();
        self.batches.push((self.end, stored.freeze()));
        self.end += i64::from(i32::from_be_bytes(count));
    }

    fn read(&self, from: i64) -> Records {
        let mut records = Records::empty();
        let first = self.batches.partition_point(|(offset, _)| *offset < from);
        self.batches[first..].iter().for_each(|(_, batch)| records.push(batch.clone()));
        records
    }
}

/// The partition, and who waits for more of it.
struct Partition {
    log: Mutex<Log>,
    grown: Condvar,
}

/// Starts the broker; its address.
fn broker(fault: Fault) -> String {
    let log = Log { fault, arrived: 0, held: None, batches: Vec::new(), end: 0 };
    let partition = Partition { log: Mutex::new(log), grown: Condvar::new() };
    let answered = |face| {
        move |frame: Bytes| match reply(&face, &partition, &frame) {
            Some(encoded) => Ok(Some(encoded)),
            None => answer(&face, frame),
        }
    };
    format!("{HOST}:{}", start(1, answered).unwrap())
}

/// The answer to what the sink does not know; it also answers the produce requests whose batches are taken here.
fn reply(face: &Face, partition: &Partition, frame: &Bytes) -> Option<Encoded> {
    let mut decoder = Decoder::new(frame.clone());
    let (key, request) = header::decode_request_header(&mut decoder).unwrap();
    let (version, id) = (request.request_api_version, request.correlation_id);
    match key {
        ApiKey::ApiVersions => Some(header::encode_response(key, version, id, &versions()).unwrap()),
        ApiKey::Produce => {
            let request = ProduceRequest::decode(&mut decoder, version).unwrap();
            let partitions = request.topic_data.into_iter().flat_map(|topic| topic.partition_data);
            let mut log = partition.log.lock().unwrap();
            partitions.filter_map(|data| data.records).for_each(|records| log.take(records.into_contiguous()));
            partition.grown.notify_all();
            answer(face, frame.clone()).unwrap()
        }
        ApiKey::ListOffsets => {
            let request = ListOffsetsRequest::decode(&mut decoder, version).unwrap();
            let response = offsets(&request, &partition.log.lock().unwrap());
            Some(header::encode_response(key, version, id, &response).unwrap())
        }
        ApiKey::Fetch => {
            let request = FetchRequest::decode(&mut decoder, version).unwrap();
            Some(header::encode_response(key, version, id, &fetched(&request, partition)).unwrap())
        }
        _ => None,
    }
}

fn versions() -> ApiVersionsResponse {
    let known = [
        ApiKey::Produce,
        ApiKey::Fetch,
        ApiKey::ListOffsets,
        ApiKey::Metadata,
        ApiKey::ApiVersions,
        ApiKey::CreateTopics,
        ApiKey::DeleteTopics,
    ];
    let version = |key: ApiKey| ApiVersion {
        api_key: key.code(),
        min_version: key.min_version(),
        max_version: key.max_version(),
    };
    ApiVersionsResponse { api_keys: known.map(version).into(), ..Default::default() }
}

fn offsets(request: &ListOffsetsRequest, log: &Log) -> ListOffsetsResponse {
    let topics = request.topics.iter().map(|topic| ListOffsetsTopicResponse {
        name: topic.name.clone(),
        partitions: topic
            .partitions
            .iter()
            .map(|partition| ListOffsetsPartitionResponse {
                partition_index: partition.partition_index,
                offset: if partition.timestamp == -2 { 0 } else { log.end },
                ..Default::default()
            })
            .collect(),
    });
    ListOffsetsResponse { topics: topics.collect(), ..Default::default() }
}

/// Every fetch names its partition: the broker gives no sessions.
fn fetched(request: &FetchRequest, partition: &Partition) -> FetchResponse {
    let topic = &request.topics[0];
    let from = topic.partitions[0].fetch_offset;
    let wait = Duration::from_millis(request.max_wait_ms.try_into().unwrap());
    let log = partition.log.lock().unwrap();
    let (log, _) = partition.grown.wait_timeout_while(log, wait, |log| log.end <= from).unwrap();
    let data = PartitionData { high_watermark: log.end, records: Some(log.read(from)), ..Default::default() };
    let (topic, topic_id) = (topic.topic.clone(), topic.topic_id);
    let responses = vec![FetchableTopicResponse { topic, topic_id, partitions: vec![data] }];
    FetchResponse { responses, ..Default::default() }
}

/// Runs the binary end to end against such a broker: its exit code, and what it says of the records.
fn run(fault: Fault) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_corelog-bench"))
        .args(["run", "--mode", "end-to-end", "--rate", "500", "--warm-up", "0.1", "--duration", "0.5", "--quiet"])
        .args(["--record-bytes", "100", "--bootstrap", &broker(fault)])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let records = text.lines().find_map(|line| line.strip_prefix("records"));
    (output.status.code(), records.unwrap_or(&text).trim().to_owned())
}

#[test]
fn a_broker_that_does_everything_right_is_0() {
    assert_eq!(run(Fault::None), (Some(0), "all there, once, in order".to_owned()));
}

/// Takes as long as the run waits for what never comes: half a minute.
#[test]
fn a_lost_batch_is_3() {
    let (code, found) = run(Fault::Lose);
    assert_eq!(code, Some(3), "{found}");
    assert!(
        !found.starts_with("0 lost") && found.ends_with("0 duplicated, 0 reordered, 0 invented, 0 other faults"),
        "{found}"
    );
}

#[test]
fn a_doubled_batch_is_3() {
    let (code, found) = run(Fault::Double);
    assert_eq!(code, Some(3), "{found}");
    assert!(found.starts_with("0 lost, ") && !found.contains(" 0 duplicated"), "{found}");
}

#[test]
fn a_reordered_batch_is_3() {
    let (code, found) = run(Fault::Reorder);
    assert_eq!(code, Some(3), "{found}");
    assert!(found.starts_with("0 lost, 0 duplicated, ") && !found.contains(" 0 reordered"), "{found}");
}

#[test]
fn a_broker_that_is_not_there_is_1() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_corelog-bench"));
    let output = command.args(["run", "--bootstrap", "127.0.0.1:1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}
