//! The Produce request: what it may ask for, where its batches go, and what the client is told.
//!
//! Runs on the shard that owns the connection.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use corelog_engine::batch::BatchError;
use corelog_engine::ids::ShardId;
use corelog_engine::metadata::{TopicId, TopicImage, name};
use corelog_engine::partition::{Acks, AppendError, Appended};
use corelog_protocol::messages::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use corelog_protocol::messages::produce_response::{PartitionProduceResponse, ProduceResponse, TopicProduceResponse};
use corelog_protocol::{ErrorCode, Text};
use futures_util::future::{LocalBoxFuture, ready};

use super::append::{self, Appends, Batch, Doubt};
use super::refusal;
use crate::broker::Broker;
use crate::handlers::fan_out::{by_shard, locate};
use crate::net::answers::{Outcome, Pending};
use crate::net::close::CloseReason;
use crate::net::input::FrameMemory;
use crate::net::request::{ReplyTo, Request};

/// The first version that names topics by id.
const VERSION_TOPIC_IDS: i16 = 13;
/// What Kafka's own tools call themselves.
const ADMIN_CLIENT: &str = "__admin_client";
/// The first version that says which record is to blame.
const VERSION_MESSAGES: i16 = 8;

/// What the answer will be, partition by partition, before anything is known of their appends.
struct Draft {
    topics: Vec<TopicProduceResponse>,
    /// Of each batch that is appended, the indexes of its topic and partition.
    places: Vec<(usize, usize)>,
    with_messages: bool,
}

/// Who sent the request. Other shards may hold parts of it until they have answered, so its memory is held until then.
struct Sender {
    peer: SocketAddr,
    client_id: Option<Text>,
    _memory: Option<FrameMemory>,
}

/// Appends in order now, answers later.
pub fn handle(broker: Rc<Broker>, request: Request) -> LocalBoxFuture<'static, Result<Pending, CloseReason>> {
    Box::pin(async move {
        let reply_to = request.reply_to();
        let (call, body) = request.decode::<ProduceRequest>()?;
        let limit = Duration::from_millis(u64::try_from(body.timeout_ms).unwrap_or(0));
        let acks = match body.acks {
            0 => None,
            1 => Some(Acks::Leader),
            -1 => Some(Acks::All),
            _ => return Ok(refuse_all(reply_to, body, ErrorCode::InvalidRequiredAcks)),
        };
        if body.transactional_id.is_some() {
            let refusal = ErrorCode::TransactionalIdAuthorizationFailed;
            return Ok(if acks.is_some() {
                refuse_all(reply_to, body, refusal)
            } else {
                Box::pin(ready(close(refusal)))
            });
        }
        // Kafka's own tools may write to the topics that the broker keeps for itself; they call themselves so.
        let may_write_internal = call.client_id.as_ref().is_some_and(|client_id| *client_id == ADMIN_CLIENT);
        let (draft, batches) = Draft::new(&broker, reply_to.version, body, may_write_internal);
        let appends = append::append(&broker, by_shard(batches.into_iter()), acks, call.received).await;
        let sender =
            Sender { peer: call.connection.peer, client_id: call.client_id.clone(), _memory: call.into_memory() };
        Ok(Box::pin(async move {
            let draft = finish(draft, appends, limit, &sender).await;
            match acks {
                Some(_) => reply_to.answer(&ProduceResponse { responses: draft.topics, ..Default::default() }),
                None => draft.first_error().map_or(Outcome::Silent, close),
            }
        }))
    })
}

/// Waits for the appends and fills in what came of them.
async fn finish(mut draft: Draft, appends: Appends, limit: Duration, sender: &Sender) -> Draft {
    let (results, safety) = appends.finish(limit).await;
    for (index, result) in results {
        if let Err(AppendError::Batch(BatchError::OldFormat { magic })) = &result {
            let (peer, client_id) = (sender.peer, sender.client_id.as_deref().unwrap_or(""));
            tracing::warn!(%peer, client_id, magic, "refused records in a format that is gone since Kafka 4: upgrade the client");
        }
        draft.appended(index, result);
    }
    if let Err(doubt) = safety {
        draft.doubt(match doubt {
            Doubt::Timeout => ErrorCode::RequestTimedOut,
            Doubt::Stopping => ErrorCode::NotLeaderOrFollower,
        });
    }
    draft
}

/// With acks=0 a failure can only be told by closing the connection.
fn close(error: ErrorCode) -> Outcome {
    Outcome::Close(CloseReason::FailedWithoutAnswer { error: error.name() })
}

fn refuse_all(reply_to: ReplyTo, body: ProduceRequest, error: ErrorCode) -> Pending {
    let refuse = |topic: TopicProduceData| TopicProduceResponse {
        name: topic.name.detached(),
        topic_id: topic.topic_id,
        partition_responses: topic.partition_data.iter().map(|data| refusal::failed(data.index, error)).collect(),
    };
    let responses = body.topic_data.into_iter().map(refuse).collect();
    Box::pin(async move { reply_to.answer(&ProduceResponse { responses, ..Default::default() }) })
}

impl Draft {
    /// Finds where each batch goes; what goes nowhere is refused in the draft.
    fn new(
        broker: &Broker,
        version: i16,
        body: ProduceRequest,
        may_write_internal: bool,
    ) -> (Draft, Vec<(ShardId, Batch)>) {
        let mut draft = Draft {
            topics: Vec::with_capacity(body.topic_data.len()),
            places: Vec::new(),
            with_messages: version >= VERSION_MESSAGES,
        };
        let mut batches = Vec::new();
        let image = broker.image();
        for topic in body.topic_data {
            let (found, unknown) = if version >= VERSION_TOPIC_IDS {
                (image.topic_by_id(TopicId(topic.topic_id.0)), ErrorCode::UnknownTopicId)
            } else {
                (image.topic(&topic.name), ErrorCode::UnknownTopicOrPartition)
            };
            let mut answers = Vec::with_capacity(topic.partition_data.len());
            for data in topic.partition_data {
                let index = data.index;
                let place = (draft.topics.len(), answers.len());
                if !may_write_internal && found.is_some_and(|found| name::is_internal(&found.name)) {
                    answers.push(refusal::failed(index, ErrorCode::InvalidTopicException));
                    continue;
                }
                match find(broker, found.map(AsRef::as_ref), unknown, data) {
                    Ok((shard, batch)) => {
                        // No error: until its result comes, nothing is known of it.
                        answers.push(refusal::failed(index, ErrorCode::None));
                        batches.push((shard, Batch { index: draft.places.len(), ..batch }));
                        draft.places.push(place);
                    }
                    Err(error) => answers.push(refusal::failed(index, error)),
                }
            }
            draft.topics.push(TopicProduceResponse {
                name: found.map_or_else(|| topic.name.detached(), |found| Text::from(&*found.name)),
                topic_id: topic.topic_id,
                partition_responses: answers,
            });
        }
        (draft, batches)
    }

    fn at(&mut self, index: usize) -> &mut PartitionProduceResponse {
        let (topic, partition) = *self.places.get(index).expect("results carry the indexes of the batches");
        let topic = self.topics.get_mut(topic).expect("places are those of the draft");
        topic.partition_responses.get_mut(partition).expect("places are those of the draft")
    }

    fn appended(&mut self, index: usize, result: Result<Appended, AppendError>) {
        let with_messages = self.with_messages;
        let answer = self.at(index);
        *answer = match result {
            Ok(appended) => PartitionProduceResponse {
                index: answer.index,
                base_offset: appended.base_offset.0,
                log_append_time_ms: appended.log_append_time_ms,
                log_start_offset: appended.log_start.0,
                ..Default::default()
            },
            Err(error) => refusal::answer(answer.index, &error, with_messages),
        };
    }

    /// It is not known whether the appends that did not fail are safe.
    fn doubt(&mut self, error: ErrorCode) {
        for index in 0..self.places.len() {
            let answer = self.at(index);
            if answer.error_code == ErrorCode::None.code() {
                *answer = refusal::failed(answer.index, error);
            }
        }
    }

    fn first_error(&self) -> Option<ErrorCode> {
        let answers = self.topics.iter().flat_map(|topic| &topic.partition_responses);
        let failed = answers.map(|answer| answer.error_code).find(|code| *code != ErrorCode::None.code());
        failed.map(|code| ErrorCode::from_code(code).unwrap_or(ErrorCode::UnknownServerError))
    }
}

/// Where a batch goes, or why nowhere.
fn find(
    broker: &Broker,
    topic: Option<&TopicImage>,
    unknown: ErrorCode,
    data: PartitionProduceData,
) -> Result<(ShardId, Batch), ErrorCode> {
    let located = locate(broker, topic.ok_or(unknown)?, data.index).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let records = data.records.ok_or(ErrorCode::InvalidRecord)?;
    Ok((located.shard, Batch { index: 0, key: located.key, records }))
}
