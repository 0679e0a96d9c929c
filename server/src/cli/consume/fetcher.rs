//! Fetches from the leaders of all partitions at the same time, and walks what they send.
//!
//! Runs on the tool's shard; owned by one `consume`.

use std::time::Duration;

use bytes::Bytes;
use corelog_engine::batch::{BatchHeader, Batches, Record, Records, record_bytes, verify_checksum};
use corelog_protocol::ErrorCode;
use corelog_protocol::messages::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use corelog_protocol::messages::fetch_response::{FetchResponse, PartitionData};
use corelog_protocol::messages::metadata_response::MetadataResponseTopic;
use corelog_rt::time::{self, Instant};

use super::aborted::Aborted;
use super::position::Span;
use crate::cli::client::cluster::{Cluster, RETRY_PAUSE};
use crate::cli::client::error::{ClientError, check};
use crate::cli::failure::Failure;

/// How long a broker may wait for new records.
const WAIT_MS_MAX: i32 = 500;
/// Bytes of one answer.
const ANSWER_BYTES: i32 = 16 << 20;
/// Bytes of one partition in an answer.
const PARTITION_BYTES: i32 = 4 << 20;
/// The most that one batch may inflate to.
const BATCH_BYTES_MAX: usize = 256 << 20;
/// The last version that names topics rather than giving their ids.
const NAMED_VERSION_MAX: i16 = 12;
/// How long errors that may pass are borne.
const RETRY_TIME_MAX: Duration = Duration::from_mins(1);
/// Answers without records, though there should be some, after which a partition is taken to have no more.
const EMPTY_ANSWERS_MAX: u32 = 3;

/// What is done with each record: partition, offset, header of its batch, record. Says whether to go on.
pub trait Visit: FnMut(i32, i64, &BatchHeader, &Record<'_>) -> Result<bool, Failure> {}

impl<F: FnMut(i32, i64, &BatchHeader, &Record<'_>) -> Result<bool, Failure>> Visit for F {}

/// The partitions that are read.
pub struct Fetcher {
    topic: MetadataResponseTopic,
    parts: Vec<Part>,
    committed: bool,
    follow: bool,
    failing_since: Option<Instant>,
}

struct Part {
    span: Span,
    empty_answers: u32,
}

impl Fetcher {
    /// Reads `spans` of `topic`, without end if `follow`.
    pub fn new(topic: MetadataResponseTopic, spans: Vec<Span>, committed: bool, follow: bool) -> Self {
        let parts = spans.into_iter().map(|span| Part { span, empty_answers: 0 }).collect();
        Self { topic, parts, committed, follow, failing_since: None }
    }

    /// Whether everything that was asked for has been read.
    pub fn is_done(&self) -> bool {
        !self.follow && self.parts.iter().all(|part| part.span.next >= part.span.end)
    }

    /// Asks all leaders once and shows what they send to `visit`. Says whether to go on.
    pub async fn round(&mut self, cluster: &mut Cluster, visit: &mut impl Visit) -> Result<bool, Failure> {
        let requests = self.requests();
        let version_max = if self.topic.topic_id.is_zero() { NAMED_VERSION_MAX } else { i16::MAX };
        let mut failed = None;
        for (_, answer) in cluster.call_each(&requests, version_max).await {
            match answer.and_then(|response| self.checked(response)) {
                Ok(response) => {
                    let partitions = response.responses.into_iter().flat_map(|topic| topic.partitions);
                    for data in partitions {
                        match self.judge(&data) {
                            Ok(()) => {}
                            Err(error) if error.is_retriable() => {
                                failed = Some(error);
                                continue;
                            }
                            Err(error) => return Err(error.into()),
                        }
                        if !self.walk(data, visit)? {
                            return Ok(false);
                        }
                    }
                }
                Err(error) if error.is_retriable() => failed = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        self.recover(cluster, failed).await?;
        Ok(true)
    }

    /// One request per leader, with the partitions that still have something to give.
    fn requests(&self) -> Vec<(i32, FetchRequest)> {
        let mut requests: Vec<(i32, FetchRequest)> = Vec::new();
        for part in self.parts.iter().filter(|part| self.follow || part.span.next < part.span.end) {
            let partition = part.span.partition;
            let known = self.topic.partitions.iter().find(|known| known.partition_index == partition);
            let leader = known.map_or(-1, |known| known.leader_id);
            let asked = FetchPartition {
                partition,
                fetch_offset: part.span.next,
                partition_max_bytes: PARTITION_BYTES,
                ..Default::default()
            };
            let found = requests.iter_mut().find(|(node, _)| *node == leader);
            match found.and_then(|(_, request)| request.topics.first_mut()) {
                Some(topic) => topic.partitions.push(asked),
                None => requests.push((leader, self.request(asked))),
            }
        }
        requests
    }

    fn request(&self, asked: FetchPartition) -> FetchRequest {
        let topic = FetchTopic {
            topic: self.topic.name.clone().unwrap_or_default(),
            topic_id: self.topic.topic_id,
            partitions: vec![asked],
        };
        FetchRequest {
            max_wait_ms: WAIT_MS_MAX,
            min_bytes: 1,
            max_bytes: ANSWER_BYTES,
            isolation_level: i8::from(self.committed),
            topics: vec![topic],
            ..Default::default()
        }
    }

    fn checked(&self, response: FetchResponse) -> Result<FetchResponse, ClientError> {
        check(response.error_code, None, || format!("topic \"{}\"", self.name()))?;
        Ok(response)
    }

    fn judge(&self, data: &PartitionData) -> Result<(), ClientError> {
        check(data.error_code, None, || format!("topic \"{}\", partition {}", self.name(), data.partition_index))
    }

    fn name(&self) -> &str {
        self.topic.name.as_deref().unwrap_or_default()
    }

    /// Shows the records of one partition's answer.
    fn walk(&mut self, data: PartitionData, visit: &mut impl Visit) -> Result<bool, Failure> {
        let partition = data.partition_index;
        let Some(part) = self.parts.iter_mut().find(|part| part.span.partition == partition) else { return Ok(true) };
        let mut aborted = Aborted::new(data.aborted_transactions.as_deref().unwrap_or_default());
        let records = data.records.unwrap_or_default().into_contiguous();
        let before = part.span.next;
        let go_on = walk_batches(&records, &mut part.span, &mut aborted, self.committed, self.follow, visit)
            .map_err(|what| what.into_failure(self.topic.name.as_deref().unwrap_or_default(), partition))?;
        if part.span.next > before {
            part.empty_answers = 0;
        } else if data.high_watermark >= part.span.end {
            part.empty_answers += 1;
            if part.empty_answers >= EMPTY_ANSWERS_MAX && !self.follow {
                // What stood at the end has been compacted away.
                part.span.next = part.span.end;
            }
        }
        Ok(go_on)
    }

    /// After errors that may pass: waits and asks anew who leads.
    async fn recover(&mut self, cluster: &mut Cluster, failed: Option<ClientError>) -> Result<(), Failure> {
        let Some(error) = failed else {
            self.failing_since = None;
            return Ok(());
        };
        let since = *self.failing_since.get_or_insert_with(time::now);
        if since.elapsed() > RETRY_TIME_MAX {
            return Err(error.into());
        }
        tracing::debug!(%error, "trying again");
        time::sleep(RETRY_PAUSE).await;
        let name = self.name().to_owned();
        match cluster.topic(&name, false).await {
            Ok(topic) => self.topic = topic,
            Err(error) if error.code() == Some(ErrorCode::UnknownTopicOrPartition) => return Err(error.into()),
            Err(error) if error.is_retriable() => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

/// Why a walk ended early.
enum Ended {
    Damaged(i64, corelog_engine::batch::BatchError),
    Failed(Failure),
}

impl Ended {
    fn into_failure(self, topic: &str, partition: i32) -> Failure {
        match self {
            Self::Failed(failure) => failure,
            Self::Damaged(offset, error) => {
                Failure::new(format!("topic \"{topic}\", partition {partition}, batch at offset {offset}: {error}"))
            }
        }
    }
}

fn walk_batches(
    bytes: &Bytes,
    span: &mut Span,
    aborted: &mut Aborted,
    committed: bool,
    follow: bool,
    visit: &mut impl Visit,
) -> Result<bool, Ended> {
    for step in Batches::new(bytes) {
        // A broker may cut the last batch short; it comes whole in the next answer.
        let Ok((header, batch)) = step else { break };
        let at = header.base_offset.0;
        let damaged = |error| Ended::Damaged(at, error);
        verify_checksum(&header, batch).map_err(damaged)?;
        let plain = record_bytes(&header, batch, BATCH_BYTES_MAX).map_err(damaged)?;
        let control = header.attributes.is_control();
        let is_abort = control && is_abort_marker(&header, &plain);
        let left_out = if committed { aborted.leaves_out(&header, is_abort) } else { control };
        for record in Records::new(&header, &plain) {
            let record = record.map_err(damaged)?;
            let offset = at.saturating_add(record.offset_delta.into());
            if left_out || offset < span.next || (!follow && offset >= span.end) {
                continue;
            }
            span.next = offset + 1;
            if !visit(span.partition, offset, &header, &record).map_err(Ended::Failed)? {
                return Ok(false);
            }
        }
        span.next = span.next.max(at.saturating_add(header.last_offset_delta.into()).saturating_add(1));
    }
    Ok(true)
}

/// Whether a batch of markers aborts: the key of a marker is its version and its type, 0 for abort.
fn is_abort_marker(header: &BatchHeader, plain: &[u8]) -> bool {
    let first = Records::new(header, plain).next().and_then(Result::ok);
    first.and_then(|record| record.key).and_then(|key| key.get(2..4)) == Some(&[0, 0])
}
