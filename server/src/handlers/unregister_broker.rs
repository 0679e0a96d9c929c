//! `UnregisterBroker`: decided by the metadata state machine on shard 0.

use std::rc::Rc;

use corelog_protocol::Text;
use corelog_protocol::messages::unregister_broker_request::UnregisterBrokerRequest;
use corelog_protocol::messages::unregister_broker_response::UnregisterBrokerResponse;

use super::refusal::metadata_code;
use crate::broker::Broker;
use crate::net::request::Call;

/// Forgets a broker.
pub async fn handle(broker: Rc<Broker>, _call: Call, request: UnregisterBrokerRequest) -> UnregisterBrokerResponse {
    let id = broker.endpoints().node_id_of(request.broker_id);
    let decided = broker.shard().command(move |state| state.unregister_broker(id)).await;
    let (error_code, message) = match decided.and_then(|result| result) {
        Ok(()) => (0, Text::default()),
        Err(error) => (metadata_code(&error).code(), Text::from(error.to_string())),
    };
    UnregisterBrokerResponse { error_code, error_message: Some(message), ..Default::default() }
}
