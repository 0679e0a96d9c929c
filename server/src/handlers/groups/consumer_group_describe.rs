//! `ConsumerGroupDescribe`: the members of consumer groups, what they own and what they are to own (KIP-848).

use std::rc::Rc;

use corelog_protocol::messages::consumer_group_describe_request::ConsumerGroupDescribeRequest;
use corelog_protocol::messages::consumer_group_describe_response::{ConsumerGroupDescribeResponse, DescribedGroup};
use corelog_protocol::{ErrorCode, Text};

use super::describe_groups::GROUP_OPERATIONS;
use super::fan_out::by_group;
use crate::broker::Broker;
use crate::groups::message::message;
use crate::groups::service::Slot;
use crate::net::request::Call;

/// Asks the coordinators.
pub async fn handle(
    broker: Rc<Broker>,
    _call: Call,
    request: ConsumerGroupDescribeRequest,
) -> ConsumerGroupDescribeResponse {
    let work = |slot: Rc<Slot>, id: Text| async move { describe_at(slot, id).await };
    let answers = by_group(&broker, request.group_ids.clone(), |id| id, work).await;
    let answer = |(group_id, answer): (Text, Result<DescribedGroup, ErrorCode>)| {
        let mut group =
            answer.unwrap_or_else(|error| DescribedGroup { group_id, error_code: error.code(), ..Default::default() });
        if request.include_authorized_operations && group.error_code == ErrorCode::None.code() {
            group.authorized_operations = GROUP_OPERATIONS;
        }
        group
    };
    ConsumerGroupDescribeResponse {
        groups: request.group_ids.into_iter().zip(answers).map(answer).collect(),
        ..Default::default()
    }
}

async fn describe_at(slot: Rc<Slot>, id: Text) -> Result<DescribedGroup, ErrorCode> {
    if id.is_empty() {
        return Err(ErrorCode::InvalidGroupId);
    }
    let described = slot.look(|coordinator| coordinator.describe_consumer_group(&id)).await?;
    Ok(described.unwrap_or_else(|error| DescribedGroup {
        group_id: id,
        error_code: error.code().code(),
        error_message: Some(message(error.to_string())),
        ..Default::default()
    }))
}
