//! `LeaveGroup`: one member goes, or from version 3 on any number.

use std::rc::Rc;

use corelog_protocol::ErrorCode;
use corelog_protocol::messages::leave_group_request::{LeaveGroupRequest, MemberIdentity};
use corelog_protocol::messages::leave_group_response::{LeaveGroupResponse, MemberResponse};

use crate::broker::Broker;
use crate::groups::service::{Slot, ask, place_of};
use crate::net::request::Call;

/// The first version that names several members.
const VERSION_BATCH: i16 = 3;

/// Asks the coordinator.
pub async fn handle(broker: Rc<Broker>, call: Call, mut request: LeaveGroupRequest) -> LeaveGroupResponse {
    if call.version < VERSION_BATCH {
        request.members =
            vec![MemberIdentity { member_id: std::mem::take(&mut request.member_id), ..Default::default() }];
    }
    let place = place_of(&broker, &request.group_id);
    match ask(&broker, place, |slot| leave_at(slot, request)).await {
        Ok(members) if call.version < VERSION_BATCH => {
            let error_code = members.first().map_or(ErrorCode::None.code(), |member| member.error_code);
            LeaveGroupResponse { error_code, ..Default::default() }
        }
        Ok(members) => LeaveGroupResponse { members, ..Default::default() },
        Err(error) => LeaveGroupResponse { error_code: error.code(), ..Default::default() },
    }
}

async fn leave_at(slot: Rc<Slot>, request: LeaveGroupRequest) -> Result<Vec<MemberResponse>, ErrorCode> {
    slot.durably(|coordinator, now| coordinator.leave(&request.group_id, &request.members, now)).await?
}
