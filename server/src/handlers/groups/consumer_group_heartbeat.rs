//! `ConsumerGroupHeartbeat`: a member of a consumer group comes, lives or goes (KIP-848).

use std::rc::Rc;

use corelog_protocol::messages::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use corelog_protocol::messages::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;
use corelog_protocol::{ErrorCode, Text, Uuid};
use corelog_rt::rand;

use super::address::host_of;
use crate::broker::Broker;
use crate::groups::coordinator::HeartbeatCall;
use crate::groups::message::message;
use crate::groups::service::{Slot, ask, place_of};
use crate::net::request::Call;

/// Asks the coordinator.
pub async fn handle(
    broker: Rc<Broker>,
    call: Call,
    request: ConsumerGroupHeartbeatRequest,
) -> ConsumerGroupHeartbeatResponse {
    let mut fresh = [0; 16];
    rand::fill(&mut fresh);
    let heartbeat = HeartbeatCall {
        version: call.version,
        client_id: call.client_id.clone().unwrap_or_default(),
        client_host: host_of(call.connection.peer.ip()),
        fresh_id: Uuid(fresh),
        request,
    };
    let place = place_of(&broker, &heartbeat.request.group_id);
    let answered = ask(&broker, place, |slot| beat_at(slot, heartbeat)).await;
    answered.unwrap_or_else(|error| refuse(error, None))
}

async fn beat_at(slot: Rc<Slot>, call: HeartbeatCall) -> Result<ConsumerGroupHeartbeatResponse, ErrorCode> {
    if call.request.member_epoch == 0 && !slot.has_room() {
        return Err(ErrorCode::CoordinatorNotAvailable);
    }
    let answer = slot.durably(|coordinator, now| coordinator.consumer_heartbeat(&call, now)).await?;
    Ok(answer.unwrap_or_else(|error| refuse(error.code(), Some(message(error.to_string())))))
}

fn refuse(error: ErrorCode, message: Option<Text>) -> ConsumerGroupHeartbeatResponse {
    let error_message = message.or_else(|| Some(Text::from(error.message())));
    ConsumerGroupHeartbeatResponse { error_code: error.code(), error_message, ..Default::default() }
}
