//! `AlterConfigs` and `IncrementalAlterConfigs`: decided by the metadata state machine on shard 0.
//!
//! Resources are topics, brokers, groups and client-metrics subscriptions; the levels of loggers are no metadata and are
//! changed on the spot.

use std::rc::Rc;

use corelog_engine::config::ConfigScope;
use corelog_engine::metadata::{AlterOperation, ConfigResource, ConfigUpdate, ResourceUpdate};
use corelog_protocol::messages::{
    alter_configs_request::AlterConfigsRequest,
    alter_configs_response::{AlterConfigsResourceResponse, AlterConfigsResponse},
    incremental_alter_configs_request::IncrementalAlterConfigsRequest,
    incremental_alter_configs_response::{
        AlterConfigsResourceResponse as IncrementalResourceResponse, IncrementalAlterConfigsResponse,
    },
};
use corelog_protocol::{ErrorCode, Text};

use super::broker_loggers;
use super::refusal::metadata_result;
use crate::broker::Broker;
use crate::net::request::Call;

/// Kafka's number for topics as resources that have configs.
pub const TOPIC: i8 = 2;
/// For brokers.
pub const BROKER: i8 = 4;
/// For the loggers of brokers.
pub const BROKER_LOGGER: i8 = 8;
/// For client-metrics subscriptions.
pub const CLIENT_METRICS: i8 = 16;
/// For groups.
pub const GROUP: i8 = 32;

/// One resource of a request, as the state machine takes it, or the error that answers it.
type Wanted = Result<ResourceUpdate, (ErrorCode, Option<Text>)>;

/// The kind of resource that Kafka numbers so.
pub fn scope(resource_type: i8) -> Option<ConfigScope> {
    match resource_type {
        TOPIC => Some(ConfigScope::Topic),
        BROKER => Some(ConfigScope::Broker),
        CLIENT_METRICS => Some(ConfigScope::ClientMetrics),
        GROUP => Some(ConfigScope::Group),
        _ => None,
    }
}

/// Replaces all that the resources set.
pub async fn handle(broker: Rc<Broker>, _call: Call, request: AlterConfigsRequest) -> AlterConfigsResponse {
    let wanted = request.resources.iter().map(|resource| {
        let updates = resource.configs.iter().map(|config| Ok(set(&config.name, config.value.as_ref())));
        resource_update(&broker, resource.resource_type, &resource.resource_name, updates)
    });
    let results = alter(&broker, wanted.collect(), true, request.validate_only).await;
    let answer = |(resource, (error_code, error_message)): (_, _)| {
        let resource: corelog_protocol::messages::alter_configs_request::AlterConfigsResource = resource;
        let (resource_type, resource_name) = (resource.resource_type, resource.resource_name);
        AlterConfigsResourceResponse { error_code, error_message, resource_type, resource_name }
    };
    AlterConfigsResponse {
        responses: request.resources.into_iter().zip(results).map(answer).collect(),
        ..Default::default()
    }
}

/// Changes single configs.
pub async fn handle_incremental(
    broker: Rc<Broker>,
    _call: Call,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let wanted = request.resources.iter().map(|resource| {
        let updates = resource.configs.iter().map(|config| {
            let operation = operation(config.config_operation).ok_or((ErrorCode::UnknownServerError, None))?;
            Ok(ConfigUpdate { operation, ..set(&config.name, config.value.as_ref()) })
        });
        if resource.resource_type == BROKER_LOGGER {
            return Err(alter_loggers(&broker, &resource.resource_name, updates, request.validate_only));
        }
        resource_update(&broker, resource.resource_type, &resource.resource_name, updates)
    });
    let results = alter(&broker, wanted.collect(), false, request.validate_only).await;
    let answer = |(resource, (error_code, error_message)): (_, _)| {
        let resource: corelog_protocol::messages::incremental_alter_configs_request::AlterConfigsResource = resource;
        let (resource_type, resource_name) = (resource.resource_type, resource.resource_name);
        IncrementalResourceResponse { error_code, error_message, resource_type, resource_name }
    };
    let responses = request.resources.into_iter().zip(results).map(answer).collect();
    IncrementalAlterConfigsResponse { responses, ..Default::default() }
}

/// Sends what can be decided to the state machine; the answers come in the order of the request.
async fn alter(
    broker: &Rc<Broker>,
    wanted: Vec<Wanted>,
    replace_all: bool,
    validate_only: bool,
) -> Vec<(i16, Option<Text>)> {
    let commands: Vec<ResourceUpdate> = wanted.iter().filter_map(|wanted| wanted.as_ref().ok()).cloned().collect();
    let decided =
        if commands.is_empty() { Vec::new() } else { broker.alter_configs(commands, replace_all, validate_only).await };
    let mut decided = decided.iter();
    let answer = |wanted: Wanted| match wanted {
        Ok(_) => metadata_result(decided.next().expect("the state machine answers every command")),
        Err((code, message)) => (code.code(), message),
    };
    wanted.into_iter().map(answer).collect()
}

fn resource_update(
    broker: &Broker,
    resource_type: i8,
    name: &Text,
    updates: impl Iterator<Item = Result<ConfigUpdate, (ErrorCode, Option<Text>)>>,
) -> Wanted {
    let unknown = || (ErrorCode::InvalidRequest, Some(Text::from(format!("Unknown resource type {resource_type}"))));
    let scope = scope(resource_type).ok_or_else(unknown)?;
    // A broker may be named by the id of one of its shards.
    let meant = name.parse::<i32>().ok().map(|id| (id, broker.endpoints().node_id_of(id)));
    let name = match meant {
        Some((id, node_id)) if scope == ConfigScope::Broker && id != node_id => node_id.to_string(),
        _ => name.as_str().to_owned(),
    };
    let resource = ConfigResource { scope, name };
    Ok(ResourceUpdate { resource, updates: updates.collect::<Result<_, _>>()? })
}

/// What is answered for a change of loggers' levels, which is done by then.
fn alter_loggers(
    broker: &Broker,
    name: &Text,
    updates: impl Iterator<Item = Result<ConfigUpdate, (ErrorCode, Option<Text>)>>,
    validate_only: bool,
) -> (ErrorCode, Option<Text>) {
    let altered = updates.collect::<Result<Vec<_>, _>>().and_then(|updates| {
        let refused = |(error, why): broker_loggers::Refusal| (error, Some(Text::from(why)));
        broker_loggers::alter(broker, name, &updates, validate_only).map_err(refused)
    });
    altered.err().unwrap_or((ErrorCode::None, None))
}

fn set(name: &Text, value: Option<&Text>) -> ConfigUpdate {
    let value = value.map(|value| value.as_str().to_owned());
    ConfigUpdate { name: name.as_str().to_owned(), operation: AlterOperation::Set, value }
}

fn operation(number: i8) -> Option<AlterOperation> {
    match number {
        0 => Some(AlterOperation::Set),
        1 => Some(AlterOperation::Delete),
        2 => Some(AlterOperation::Append),
        3 => Some(AlterOperation::Subtract),
        _ => None,
    }
}
