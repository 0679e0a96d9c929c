//! `DescribeTopicPartitions`: topics and their partitions, page by page.
//!
//! Answered from the image of the shard that owns the connection, in the order of the topics' names.

use std::rc::Rc;

use corelog_engine::metadata::{MetadataImage, TopicImage, name};
use corelog_protocol::messages::describe_topic_partitions_request::DescribeTopicPartitionsRequest;
use corelog_protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponse, DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
};
use corelog_protocol::{ErrorCode, Text, Uuid};

use super::metadata::{OPERATIONS_NOT_ASKED, TOPIC_OPERATIONS};
use crate::broker::Broker;
use crate::net::request::Call;

/// The config that bounds the partitions of one answer, whatever a client asks for.
const PARTITIONS_MAX: &str = "max.request.partition.size.limit";

/// Answers with one page, and where the next one begins.
pub async fn handle(
    broker: Rc<Broker>,
    _call: Call,
    request: DescribeTopicPartitionsRequest,
) -> DescribeTopicPartitionsResponse {
    let limit = broker.with_layers(|layers| layers.value(PARTITIONS_MAX).and_then(|value| value.as_integer()));
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(1).max(1);
    let image = broker.image();
    let (from_name, from_index) = match &request.cursor {
        Some(cursor) => (cursor.topic_name.as_str(), usize::try_from(cursor.partition_index).unwrap_or(0)),
        None => ("", 0),
    };
    if request.cursor.as_ref().is_some_and(|cursor| !is_valid(cursor, &request)) {
        return DescribeTopicPartitionsResponse { topics: refuse_all(&request), ..Default::default() };
    }
    let mut page = Page {
        broker: &broker,
        image: &image,
        left: usize::try_from(request.response_partition_limit).unwrap_or(0).clamp(1, limit),
        topics: Vec::new(),
        next: None,
    };
    let first = |name: &str| if name == from_name { from_index } else { 0 };
    if request.topics.is_empty() {
        for topic in image.topics_from(from_name) {
            page.add(topic, first(&topic.name));
        }
    } else {
        let mut names: Vec<&str> = request.topics.iter().map(|topic| topic.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names.into_iter().filter(|name| *name >= from_name) {
            match image.topic(name) {
                Some(topic) => page.add(topic, first(name)),
                None => page.add_unknown(name),
            }
        }
    }
    DescribeTopicPartitionsResponse { topics: page.topics, next_cursor: page.next, ..Default::default() }
}

/// Whether a cursor can be one of this request: its topic is among those that are asked for.
fn is_valid(
    cursor: &corelog_protocol::messages::describe_topic_partitions_request::Cursor,
    request: &DescribeTopicPartitionsRequest,
) -> bool {
    let is_asked = request.topics.is_empty() || request.topics.iter().any(|topic| topic.name == cursor.topic_name);
    cursor.partition_index >= 0 && is_asked
}

fn refuse_all(request: &DescribeTopicPartitionsRequest) -> Vec<DescribeTopicPartitionsResponseTopic> {
    let refused = request.topics.iter().map(|topic| DescribeTopicPartitionsResponseTopic {
        error_code: ErrorCode::InvalidRequest.code(),
        name: Some(topic.name.clone()),
        topic_authorized_operations: OPERATIONS_NOT_ASKED,
        ..Default::default()
    });
    refused.collect()
}

struct Page<'a> {
    broker: &'a Broker,
    image: &'a MetadataImage,
    /// Partitions that still fit.
    left: usize,
    topics: Vec<DescribeTopicPartitionsResponseTopic>,
    next: Option<Cursor>,
}

impl Page<'_> {
    fn add(&mut self, topic: &TopicImage, first: usize) {
        if self.next.is_some() {
            return;
        }
        if self.left == 0 {
            self.next = Some(Cursor { topic_name: Text::from(&*topic.name), partition_index: first as i32 });
            return;
        }
        let end = topic.partitions.len().min(first.saturating_add(self.left));
        let partitions: Vec<_> = (first..end).filter_map(|index| self.partition(topic, index)).collect();
        self.left -= partitions.len();
        if end < topic.partitions.len() {
            self.next = Some(Cursor { topic_name: Text::from(&*topic.name), partition_index: end as i32 });
        }
        self.topics.push(DescribeTopicPartitionsResponseTopic {
            name: Some(Text::from(&*topic.name)),
            topic_id: Uuid(topic.id.0),
            is_internal: name::is_internal(&topic.name),
            partitions,
            topic_authorized_operations: TOPIC_OPERATIONS,
            ..Default::default()
        });
    }

    fn add_unknown(&mut self, name: &str) {
        if self.next.is_some() {
            return;
        }
        if self.left == 0 {
            self.next = Some(Cursor { topic_name: Text::from(name), partition_index: 0 });
            return;
        }
        let error = match name::check(name) {
            Ok(()) => ErrorCode::UnknownTopicOrPartition,
            Err(_) => ErrorCode::InvalidTopicException,
        };
        self.topics.push(DescribeTopicPartitionsResponseTopic {
            error_code: error.code(),
            name: Some(Text::from(name)),
            topic_authorized_operations: TOPIC_OPERATIONS,
            ..Default::default()
        });
    }

    fn partition(&self, topic: &TopicImage, index: usize) -> Option<DescribeTopicPartitionsResponsePartition> {
        let partition = topic.partitions.get(index)?;
        let replicas = self.broker.told_replicas(partition);
        Some(DescribeTopicPartitionsResponsePartition {
            partition_index: index as i32,
            leader_id: replicas.first().copied().unwrap_or(-1),
            leader_epoch: self.image.leader_epoch(partition).0,
            isr_nodes: replicas.clone(),
            replica_nodes: replicas,
            eligible_leader_replicas: Some(Vec::new()),
            last_known_elr: Some(Vec::new()),
            ..Default::default()
        })
    }
}
