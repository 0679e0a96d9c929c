//! The Fetch request: session, partitions, limits, long poll, and what the client is told.
//!
//! Runs on the shard that owns the connection, when everything before it on the connection is answered.

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use corelog_engine::ids::{Offset, ShardId};
use corelog_engine::metadata::{TopicId, TopicImage};
use corelog_engine::partition::Isolation;
use corelog_protocol::messages::fetch_request::FetchRequest;
use corelog_protocol::messages::fetch_response::{FetchResponse, FetchableTopicResponse};
use corelog_protocol::{ErrorCode, Text, Uuid};
use corelog_rt::map::{HashMap, HashSet};
use corelog_rt::sync::Permit;
use corelog_rt::time::{self, Instant};
use futures_util::future::{Either, select};

use super::interest::{Interest, TopicName, Wanted};
use super::read::{self, Limits, PartitionRead, Read};
use super::session::{Fetching, NO_SESSION};
use super::wait::{self, Seen};
use crate::broker::Broker;
use crate::handlers::fan_out::{by_shard, locate};
use crate::net::answers::{Outcome, Pending};
use crate::net::request::{ReplyTo, Request};

/// The first version that names topics by id.
const VERSION_TOPIC_IDS: i16 = 13;
/// The first version whose replica id is a tagged field.
const VERSION_REPLICA_STATE: i16 = 15;
/// The isolation level that stops at the first open transaction.
const READ_COMMITTED: i8 = 1;

/// Where the partitions of a fetch are, as of one image.
struct Plan {
    reads: Vec<(ShardId, Vec<Read>)>,
    /// Partitions that cannot be found.
    failed: Vec<PartitionRead>,
}

/// Answers once there is enough to read, or the time is over.
pub fn handle(broker: Rc<Broker>, request: Request) -> Pending {
    Box::pin(async move {
        let reply_to = request.reply_to();
        match request.decode::<FetchRequest>() {
            Ok((_call, body)) => serve(&broker, reply_to, body).await,
            Err(reason) => Outcome::Close(reason),
        }
    })
}

async fn serve(broker: &Rc<Broker>, reply_to: ReplyTo, request: FetchRequest) -> Outcome {
    let by_id = reply_to.version >= VERSION_TOPIC_IDS;
    let replica =
        if reply_to.version >= VERSION_REPLICA_STATE { request.replica_state.replica_id } else { request.replica_id };
    let isolation =
        if request.isolation_level == READ_COMMITTED { Isolation::ReadCommitted } else { Isolation::ReadUncommitted };
    let mut fetching = match broker.fetch_sessions().open(&request, by_id) {
        Ok(fetching) => fetching,
        Err(error) => {
            let refused = FetchResponse { error_code: error.code(), session_id: NO_SESSION, ..Default::default() };
            return reply_to.answer(&refused);
        }
    };
    let bytes_max = usize::try_from(request.max_bytes).unwrap_or(0).min(broker.fetch_bytes_max());
    let poll = Poll {
        limits: Limits { bytes_max, isolation },
        bytes_min: usize::try_from(request.min_bytes).unwrap_or(0),
        deadline: time::now() + Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)),
    };
    // Names and ids of the request are detached in what is fetched: its memory need not outlive the long poll.
    drop(request);
    let (mut reads, memory) = if replica >= 0 {
        (refuse_replica(&fetching.interest, isolation), None)
    } else {
        poll.run(broker, &fetching.interest).await
    };
    let (records, bytes) =
        reads.iter().fold((0, 0), |(records, bytes), read| (records + read.records, bytes + read.bytes()));
    broker.meters().fetched(records, bytes as u64);
    let responses = respond(&mut fetching, &mut reads, by_id);
    let session_id = fetching.finish();
    reply_to.answer_holding(&FetchResponse { session_id, responses, ..Default::default() }, memory)
}

struct Poll {
    limits: Limits,
    bytes_min: usize,
    deadline: Instant,
}

impl Poll {
    /// Reads until there is enough, or something that the client must hear of, or the time is over.
    async fn run(&self, broker: &Rc<Broker>, interest: &Interest) -> (Vec<PartitionRead>, Option<Permit>) {
        loop {
            let plan = plan(broker, interest, self.limits.isolation);
            let permit = broker.fetch_memory().take(self.limits.bytes_max, broker.registry()).await;
            let bytes_max = usize::try_from(permit.units()).unwrap_or(usize::MAX).min(self.limits.bytes_max);
            let limits = Limits { bytes_max, ..self.limits };
            let mut reads = read::read(broker.shard(), &plan.reads, limits).await;
            let bytes: usize = reads.iter().map(PartitionRead::bytes).sum();
            let left = self.deadline.saturating_since(time::now());
            let is_enough = bytes >= self.bytes_min.min(bytes_max)
                || !plan.failed.is_empty()
                || plan.reads.is_empty()
                || reads.iter().any(PartitionRead::is_urgent)
                || left.is_zero()
                || broker.shard().is_stopping();
            if !is_enough {
                let seen = seen(&plan.reads, &reads);
                let missing_bytes = self.bytes_min - bytes;
                drop(permit);
                let more = pin!(wait::wait(broker.shard(), seen, missing_bytes, left));
                // A broker that stops answers its long polls with what there is.
                if let Either::Left((true, _)) = select(more, pin!(broker.shard().stopped())).await {
                    continue;
                }
                reads.extend(plan.failed);
                return (reads, None);
            }
            reads.extend(plan.failed);
            return (reads, broker.fetch_memory().keep(permit, bytes));
        }
    }
}

/// How far each partition was read, by the shard that owns it.
fn seen(groups: &[(ShardId, Vec<Read>)], reads: &[PartitionRead]) -> Vec<(ShardId, Vec<Seen>)> {
    let marks: HashMap<usize, i64> = reads.iter().map(|read| (read.slot, read.data.high_watermark)).collect();
    let seen_of = |read: &Read| marks.get(&read.slot).map(|mark| (read.key, Offset(*mark)));
    groups.iter().map(|(shard, group)| (*shard, group.iter().filter_map(seen_of).collect())).collect()
}

/// Finds every partition in the image.
fn plan(broker: &Broker, interest: &Interest, isolation: Isolation) -> Plan {
    let image = broker.image();
    let find = |name: &TopicName| match name {
        TopicName::Name(name) => image.topic(name).ok_or(ErrorCode::UnknownTopicOrPartition).cloned(),
        TopicName::Id(id) => image.topic_by_id(TopicId(id.0)).ok_or(ErrorCode::UnknownTopicId).cloned(),
    };
    let topics: Vec<Result<Arc<TopicImage>, ErrorCode>> = interest.topics().iter().map(find).collect();
    let mut reads = Vec::with_capacity(interest.len());
    let mut failed = Vec::new();
    for (slot, wanted) in interest.wanted() {
        let topic = topics.get(wanted.topic).expect("the index of a topic of this interest");
        let at = topic
            .as_ref()
            .map_err(|error| *error)
            .and_then(|topic| locate(broker, topic, wanted.partition).ok_or(ErrorCode::UnknownTopicOrPartition));
        match at {
            Ok(at) => reads.push((at.shard, read_of(slot, wanted, at.key))),
            Err(error) => failed.push(read::failed(slot, wanted.partition, error, isolation)),
        }
    }
    Plan { reads: by_shard(reads.into_iter()), failed }
}

fn read_of(slot: usize, wanted: &Wanted, key: corelog_engine::ids::PartitionKey) -> Read {
    Read {
        slot,
        key,
        partition: wanted.partition,
        offset: wanted.offset,
        bytes_max: usize::try_from(wanted.bytes_max).unwrap_or(0),
        leader_epoch: wanted.leader_epoch,
        epoch_last: wanted.epoch_last,
    }
}

/// There is no other broker that could replicate from this one.
fn refuse_replica(interest: &Interest, isolation: Isolation) -> Vec<PartitionRead> {
    let refuse = |(slot, wanted): (usize, &Wanted)| {
        read::failed(slot, wanted.partition, ErrorCode::NotLeaderOrFollower, isolation)
    };
    interest.wanted().map(refuse).collect()
}

/// Groups by topic what the client must be told, and lets partitions with records take their turn last next time.
fn respond(fetching: &mut Fetching, reads: &mut Vec<PartitionRead>, by_id: bool) -> Vec<FetchableTopicResponse> {
    let is_incremental = fetching.is_incremental();
    let mut responses: Vec<FetchableTopicResponse> = Vec::new();
    let mut topic_last = None;
    let mut gave_data = HashSet::default();
    for PartitionRead { slot, data, .. } in reads.drain(..) {
        if data.records.as_ref().is_some_and(|records| !records.is_empty()) {
            gave_data.insert(slot);
        }
        let is_news = fetching.interest.answered(slot, &data);
        if is_incremental && !is_news {
            continue;
        }
        let topic = fetching.interest.get(slot).map(|wanted| wanted.topic);
        if topic != topic_last || responses.is_empty() {
            let name = topic.and_then(|topic| fetching.interest.topics().get(topic));
            responses.push(response_of(name, by_id));
            topic_last = topic;
        }
        responses.last_mut().expect("pushed above").partitions.push(data);
    }
    if !gave_data.is_empty() {
        fetching.interest.rotate(|slot| gave_data.contains(&slot));
    }
    responses
}

fn response_of(name: Option<&TopicName>, by_id: bool) -> FetchableTopicResponse {
    let (topic, topic_id) = match name {
        Some(TopicName::Name(name)) if !by_id => (name.clone(), Uuid::ZERO),
        Some(TopicName::Id(id)) if by_id => (Text::default(), *id),
        _ => (Text::default(), Uuid::ZERO),
    };
    FetchableTopicResponse { topic, topic_id, partitions: Vec::new() }
}
