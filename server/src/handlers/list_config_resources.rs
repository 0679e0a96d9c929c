//! `ListConfigResources`: topics, brokers, and the groups and client-metrics subscriptions that set anything.
//!
//! Answered from this shard's image.

use std::rc::Rc;

use corelog_engine::config::ConfigScope;
use corelog_protocol::messages::list_config_resources_request::ListConfigResourcesRequest;
use corelog_protocol::messages::list_config_resources_response::{ConfigResource, ListConfigResourcesResponse};
use corelog_protocol::{ErrorCode, Text};

use super::alter_configs::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC};
use crate::broker::Broker;
use crate::net::request::Call;

/// In the order of the answer.
const LISTED: [i8; 5] = [GROUP, CLIENT_METRICS, BROKER_LOGGER, BROKER, TOPIC];

/// Lists the resources of the kinds that are asked for, of all kinds where none is.
pub async fn handle(
    broker: Rc<Broker>,
    call: Call,
    request: ListConfigResourcesRequest,
) -> ListConfigResourcesResponse {
    if request.resource_types.iter().any(|kind| !LISTED.contains(kind)) {
        let error_code = ErrorCode::UnsupportedVersion.code();
        return ListConfigResourcesResponse { error_code, ..Default::default() };
    }
    // The first version knew subscriptions alone.
    let is_wanted = |kind: i8| match call.version {
        0 => kind == CLIENT_METRICS,
        _ => request.resource_types.is_empty() || request.resource_types.contains(&kind),
    };
    let resources = LISTED.into_iter().filter(|kind| is_wanted(*kind)).flat_map(|kind| {
        let names = names(&broker, kind).into_iter();
        names.map(move |resource_name| ConfigResource { resource_name, resource_type: kind })
    });
    ListConfigResourcesResponse { config_resources: resources.collect(), ..Default::default() }
}

fn names(broker: &Broker, kind: i8) -> Vec<Text> {
    let image = broker.image();
    let configured = |scope| image.configured(scope).map(|name| Text::from(&**name)).collect();
    match kind {
        GROUP => configured(ConfigScope::Group),
        CLIENT_METRICS => configured(ConfigScope::ClientMetrics),
        TOPIC => image.topics().map(|topic| Text::from(&*topic.name)).collect(),
        _ => vec![Text::from(broker.node_id().to_string())],
    }
}
