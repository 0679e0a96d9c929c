//! `FindCoordinator`: the broker that coordinates a group or a transactional id.
//!
//! There is one broker, so it is always this one; where shards have ports of their own, the group's shard. The topic that groups are kept in comes into being with the first question for one.

use std::rc::Rc;

use corelog_engine::ids::ShardId;
use corelog_protocol::messages::find_coordinator_request::FindCoordinatorRequest;
use corelog_protocol::messages::find_coordinator_response::{Coordinator, FindCoordinatorResponse};
use corelog_protocol::{ErrorCode, Text};

use crate::broker::Broker;
use crate::groups::service::{OFFSETS_TOPIC, create_offsets_topic, place_of};
use crate::net::request::Call;

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const SHARE: i8 = 2;
/// The first version that asks for several keys at once.
const VERSION_BATCH: i16 = 4;

/// Answers for each key.
pub async fn handle(broker: Rc<Broker>, call: Call, request: FindCoordinatorRequest) -> FindCoordinatorResponse {
    let is_missing = request.key_type == GROUP && broker.image().topic(OFFSETS_TOPIC).is_none();
    let created = if is_missing { create_offsets_topic(&broker).await } else { Ok(()) };
    if let Err(error) = &created {
        tracing::warn!(%error, "there is no {OFFSETS_TOPIC} yet, so groups have no coordinator");
    }
    let find = |key: &Text| match &created {
        Ok(()) => coordinator(&broker, call.connection.entrance.listener, request.key_type, key),
        Err(_) => refuse(key, ErrorCode::CoordinatorNotAvailable),
    };
    if call.version >= VERSION_BATCH {
        let coordinators = request.coordinator_keys.iter().map(find).collect();
        return FindCoordinatorResponse { coordinators, ..Default::default() };
    }
    let found = find(&request.key);
    FindCoordinatorResponse {
        error_code: found.error_code,
        // In these versions Kafka names the error even where there is none.
        error_message: ErrorCode::from_code(found.error_code).map(|error| Text::from(error.name())),
        node_id: found.node_id,
        host: found.host,
        port: found.port,
        ..Default::default()
    }
}

fn coordinator(broker: &Broker, listener: usize, key_type: i8, key: &Text) -> Coordinator {
    match key_type {
        GROUP | TRANSACTION => {
            // Any shard serves a transactional id.
            let place = if key_type == GROUP { place_of(broker, key) } else { None };
            let told = broker.endpoints().of_shard(listener, place.map_or(ShardId(0), |(shard, _)| shard));
            Coordinator {
                key: key.clone(),
                node_id: told.id,
                host: told.endpoint.host.clone(),
                port: told.endpoint.port,
                error_message: Some(Text::default()),
                ..Default::default()
            }
        }
        // Share groups keep their state with a coordinator of its own, which there is none of.
        SHARE if key.split(':').count() == 3 => refuse(key, ErrorCode::CoordinatorNotAvailable),
        // As in Kafka, without a word.
        SHARE => Coordinator { error_message: Some(Text::default()), ..refuse(key, ErrorCode::InvalidRequest) },
        _ => refuse(key, ErrorCode::InvalidRequest),
    }
}

fn refuse(key: &Text, error: ErrorCode) -> Coordinator {
    Coordinator {
        key: key.clone(),
        node_id: -1,
        port: -1,
        error_code: error.code(),
        error_message: Some(Text::from(error.name())),
        ..Default::default()
    }
}
