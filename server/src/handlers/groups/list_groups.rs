//! `ListGroups`: every group of every coordinator, by state and type.

use std::rc::Rc;

use corelog_engine::ids::ShardId;
use corelog_engine::shard::Shard;
use corelog_protocol::messages::list_groups_request::ListGroupsRequest;
use corelog_protocol::messages::list_groups_response::{ListGroupsResponse, ListedGroup};
use corelog_protocol::{ErrorCode, Text};
use corelog_rt::task;
use futures_util::future::join_all;

use crate::broker::Broker;
use crate::net::request::Call;

/// Asks every shard, or the one that the client takes for a broker. While one of its coordinators loads, nobody can tell.
pub async fn handle(broker: Rc<Broker>, call: Call, request: ListGroupsRequest) -> ListGroupsResponse {
    let ask = |target: usize| {
        let (states, types) = (detach(&request.states_filter), detach(&request.types_filter));
        broker.shard().run(ShardId(target as u16), |shard: Rc<Shard>| async move {
            task::spawn(list_here(shard, states, types)).await
        })
    };
    let mut groups = Vec::new();
    for listed in join_all(broker.shards_behind(call.connection.entrance).map(ask)).await {
        match listed.unwrap_or(Err(ErrorCode::CoordinatorNotAvailable)) {
            Ok(listed) => groups.extend(listed),
            Err(error) => return ListGroupsResponse { error_code: error.code(), ..Default::default() },
        }
    }
    ListGroupsResponse { groups, ..Default::default() }
}

fn detach(names: &[Text]) -> Vec<Text> {
    names.iter().map(Text::detached).collect()
}

async fn list_here(shard: Rc<Shard>, states: Vec<Text>, types: Vec<Text>) -> Result<Vec<ListedGroup>, ErrorCode> {
    let broker: Rc<Broker> = shard.attached().ok_or(ErrorCode::CoordinatorLoadInProgress)?;
    let mut groups = Vec::new();
    for slot in broker.groups().slots() {
        match slot.look(|coordinator| coordinator.list(&states, &types)).await {
            Ok(listed) => groups.extend(listed),
            Err(ErrorCode::NotCoordinator) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(groups)
}
