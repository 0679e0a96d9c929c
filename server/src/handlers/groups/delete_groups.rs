//! `DeleteGroups`: groups without members, with their offsets.

use std::rc::Rc;

use corelog_protocol::messages::delete_groups_request::DeleteGroupsRequest;
use corelog_protocol::messages::delete_groups_response::{DeletableGroupResult, DeleteGroupsResponse};
use corelog_protocol::{ErrorCode, Text};

use super::fan_out::by_group;
use crate::broker::Broker;
use crate::groups::service::Slot;
use crate::net::request::Call;

/// Asks the coordinators.
pub async fn handle(broker: Rc<Broker>, _call: Call, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let mut names: Vec<Text> = Vec::with_capacity(request.groups_names.len());
    let mut seen = std::collections::BTreeSet::new();
    names.extend(request.groups_names.iter().filter(|name| seen.insert((*name).clone())).cloned());
    let work =
        |slot: Rc<Slot>, id: Text| async move { slot.durably(|coordinator, _| coordinator.delete_group(&id)).await };
    let answers = by_group(&broker, names.clone(), |id| id, work).await;
    let answer = |(group_id, answer): (Text, Result<DeletableGroupResult, ErrorCode>)| {
        answer.unwrap_or_else(|error| DeletableGroupResult { group_id, error_code: error.code() })
    };
    DeleteGroupsResponse { results: names.into_iter().zip(answers).map(answer).collect(), ..Default::default() }
}
