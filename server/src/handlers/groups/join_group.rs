//! `JoinGroup`: a member comes, and is answered when the group has gathered.

use std::rc::Rc;

use corelog_protocol::messages::join_group_request::JoinGroupRequest;
use corelog_protocol::messages::join_group_response::JoinGroupResponse;
use corelog_protocol::{ErrorCode, Text, Uuid};
use corelog_rt::rand;

use super::address::host_of;
use crate::broker::Broker;
use crate::groups::classic::{JoinCall, refused_join};
use crate::groups::effects::{LateAnswer, Ticket};
use crate::groups::service::{Slot, ask, place_of};
use crate::net::request::Call;

/// The first version that can tell of no protocol.
const VERSION_NULL_PROTOCOL: i16 = 7;

/// Asks the coordinator.
pub async fn handle(broker: Rc<Broker>, call: Call, request: JoinGroupRequest) -> JoinGroupResponse {
    let member_id = request.member_id.clone();
    let mut fresh = [0; 16];
    rand::fill(&mut fresh);
    // A version 4 UUID, as Kafka's.
    let fresh = u128::from_be_bytes(fresh) & !(0xf << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let join = JoinCall {
        version: call.version,
        client_id: call.client_id.clone().unwrap_or_default(),
        client_host: host_of(call.connection.peer.ip()),
        fresh_id: Uuid(fresh.to_be_bytes()),
        ticket: Ticket(0),
        request,
    };
    let place = place_of(&broker, &join.request.group_id);
    let answered = ask(&broker, place, |slot| join_at(slot, join)).await;
    let mut answer = answered.unwrap_or_else(|error| refused_join(member_id, error));
    if call.version < VERSION_NULL_PROTOCOL && answer.protocol_name.is_none() {
        answer.protocol_name = Some(Text::default());
    }
    answer
}

async fn join_at(slot: Rc<Slot>, join: JoinCall) -> Result<JoinGroupResponse, ErrorCode> {
    if !slot.has_room() {
        return Err(ErrorCode::CoordinatorNotAvailable);
    }
    let late = slot.late(|coordinator, now, ticket| coordinator.join(&JoinCall { ticket, ..join }, now));
    match late.await? {
        LateAnswer::Join(answer) => Ok(answer),
        LateAnswer::Sync(_) => Err(ErrorCode::UnknownServerError),
    }
}
