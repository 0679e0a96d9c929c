//! `SyncGroup`: the leader brings the assignment, everybody gets its own.

use std::rc::Rc;

use corelog_protocol::ErrorCode;
use corelog_protocol::messages::sync_group_request::SyncGroupRequest;
use corelog_protocol::messages::sync_group_response::SyncGroupResponse;

use crate::broker::Broker;
use crate::groups::classic::refused_sync;
use crate::groups::effects::LateAnswer;
use crate::groups::service::{Slot, ask, place_of};
use crate::net::request::Call;

/// The first version that must say what was joined with.
const VERSION_PROTOCOL: i16 = 5;

/// Asks the coordinator.
pub async fn handle(broker: Rc<Broker>, call: Call, request: SyncGroupRequest) -> SyncGroupResponse {
    if call.version >= VERSION_PROTOCOL && (request.protocol_type.is_none() || request.protocol_name.is_none()) {
        return refused_sync(ErrorCode::InconsistentGroupProtocol);
    }
    let place = place_of(&broker, &request.group_id);
    ask(&broker, place, |slot| sync_at(slot, request)).await.unwrap_or_else(refused_sync)
}

async fn sync_at(slot: Rc<Slot>, request: SyncGroupRequest) -> Result<SyncGroupResponse, ErrorCode> {
    match slot.late(|coordinator, now, ticket| coordinator.sync(&request, ticket, now)).await? {
        LateAnswer::Sync(answer) => Ok(answer),
        LateAnswer::Join(_) => Err(ErrorCode::UnknownServerError),
    }
}
