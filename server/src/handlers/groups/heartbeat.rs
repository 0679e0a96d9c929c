//! `Heartbeat`: a member lives.

use std::rc::Rc;

use corelog_protocol::ErrorCode;
use corelog_protocol::messages::heartbeat_request::HeartbeatRequest;
use corelog_protocol::messages::heartbeat_response::HeartbeatResponse;

use crate::broker::Broker;
use crate::groups::service::{Slot, ask, place_of};
use crate::net::request::Call;

/// Asks the coordinator. A member must not leave because its coordinator is still loading.
pub async fn handle(broker: Rc<Broker>, _call: Call, request: HeartbeatRequest) -> HeartbeatResponse {
    let place = place_of(&broker, &request.group_id);
    let error = match ask(&broker, place, |slot| beat_at(slot, request)).await {
        Ok(answer) => answer,
        Err(ErrorCode::CoordinatorLoadInProgress) => ErrorCode::None,
        Err(error) => error,
    };
    HeartbeatResponse { error_code: error.code(), ..Default::default() }
}

async fn beat_at(slot: Rc<Slot>, request: HeartbeatRequest) -> Result<ErrorCode, ErrorCode> {
    Ok(slot.event(|coordinator, now| coordinator.heartbeat(&request, now)).await?.value)
}
