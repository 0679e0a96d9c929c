//! `InitProducerId`: a producer id for an idempotent producer.
//!
//! Ids come in blocks from the metadata state machine, so that none is given out twice, also across restarts. There are no
//! transactions yet: a transactional id is refused as an id that this client may not use, which clients take as final.

use std::rc::Rc;

use corelog_protocol::ErrorCode;
use corelog_protocol::messages::init_producer_id_request::InitProducerIdRequest;
use corelog_protocol::messages::init_producer_id_response::InitProducerIdResponse;

use super::refusal::metadata_code;
use crate::broker::Broker;
use crate::net::request::Call;

/// Gives out a fresh id with epoch 0. A producer that names its old id gets a new one, as in Kafka.
pub async fn handle(broker: Rc<Broker>, _call: Call, request: InitProducerIdRequest) -> InitProducerIdResponse {
    let refuse = |error: ErrorCode| InitProducerIdResponse {
        error_code: error.code(),
        producer_id: -1,
        producer_epoch: -1,
        ..Default::default()
    };
    if (request.producer_id == -1) != (request.producer_epoch == -1) {
        return refuse(ErrorCode::InvalidRequest);
    }
    match request.transactional_id.as_deref() {
        Some("") => return refuse(ErrorCode::InvalidRequest),
        Some(_) => return refuse(ErrorCode::TransactionalIdAuthorizationFailed),
        None => {}
    }
    match broker.next_producer_id().await {
        Ok(producer_id) => InitProducerIdResponse { producer_id, producer_epoch: 0, ..Default::default() },
        Err(error) => refuse(metadata_code(&error)),
    }
}
