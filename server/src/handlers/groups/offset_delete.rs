//! `OffsetDelete`: offsets of topics that a group does not consume any more.

use std::rc::Rc;

use corelog_protocol::ErrorCode;
use corelog_protocol::messages::offset_delete_request::OffsetDeleteRequest;
use corelog_protocol::messages::offset_delete_response::{
    OffsetDeleteResponse, OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};

use crate::broker::Broker;
use crate::groups::service::{Slot, ask, place_of};
use crate::net::request::Call;

/// Asks the coordinator. Partitions that do not exist are answered here, and come first, as in Kafka.
pub async fn handle(broker: Rc<Broker>, _call: Call, mut request: OffsetDeleteRequest) -> OffsetDeleteResponse {
    let mut refused: Vec<OffsetDeleteResponseTopic> = Vec::new();
    {
        let image = broker.image();
        request.topics.retain_mut(|topic| {
            let found = image.topic(&topic.name);
            let mut bad = Vec::new();
            topic.partitions.retain(|partition| {
                let exists = found.is_some_and(|found| found.partition(partition.partition_index).is_some());
                if !exists {
                    bad.push(OffsetDeleteResponsePartition {
                        partition_index: partition.partition_index,
                        error_code: ErrorCode::UnknownTopicOrPartition.code(),
                    });
                }
                exists
            });
            if !bad.is_empty() {
                refused.push(OffsetDeleteResponseTopic { name: topic.name.clone(), partitions: bad });
            }
            !topic.partitions.is_empty()
        });
    }
    let place = place_of(&broker, &request.group_id);
    let answered = ask(&broker, place, |slot| delete_at(slot, request)).await;
    let mut answer =
        answered.unwrap_or_else(|error| OffsetDeleteResponse { error_code: error.code(), ..Default::default() });
    if answer.error_code == ErrorCode::None.code() {
        for topic in std::mem::take(&mut answer.topics) {
            match refused.iter_mut().find(|known| known.name == topic.name) {
                Some(known) => known.partitions.extend(topic.partitions),
                None => refused.push(topic),
            }
        }
        answer.topics = refused;
    }
    answer
}

async fn delete_at(slot: Rc<Slot>, request: OffsetDeleteRequest) -> Result<OffsetDeleteResponse, ErrorCode> {
    slot.durably(|coordinator, _| coordinator.delete_offsets(&request)).await
}
