//! `DescribeGroups`: the members of classic groups, and what they own.

use std::rc::Rc;

use corelog_protocol::messages::describe_groups_request::DescribeGroupsRequest;
use corelog_protocol::messages::describe_groups_response::{DescribeGroupsResponse, DescribedGroup};
use corelog_protocol::{ErrorCode, Text};

use super::fan_out::by_group;
use crate::broker::Broker;
use crate::net::request::Call;

/// What a client may do with a group where nobody forbids anything: bits of Kafka's operation numbers.
pub const GROUP_OPERATIONS: i32 = 0b1101_0100_1000;

/// Asks the coordinators.
pub async fn handle(broker: Rc<Broker>, call: Call, request: DescribeGroupsRequest) -> DescribeGroupsResponse {
    let version = call.version;
    let work = move |slot: Rc<crate::groups::service::Slot>, id: Text| async move {
        slot.look(|coordinator| coordinator.describe(&[id], version)).await
    };
    let answers = by_group(&broker, request.groups.clone(), |id| id, work).await;
    let answer = |(id, answer): (Text, Result<Vec<DescribedGroup>, ErrorCode>)| {
        let mut group = match answer {
            Ok(mut described) => described.pop().unwrap_or_default(),
            Err(error) => DescribedGroup { group_id: id, error_code: error.code(), ..Default::default() },
        };
        if request.include_authorized_operations && group.error_code == ErrorCode::None.code() {
            group.authorized_operations = GROUP_OPERATIONS;
        }
        group
    };
    DescribeGroupsResponse {
        groups: request.groups.into_iter().zip(answers).map(answer).collect(),
        ..Default::default()
    }
}
