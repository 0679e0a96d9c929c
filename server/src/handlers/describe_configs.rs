//! `DescribeConfigs`: what is set on topics, brokers, groups and client-metrics subscriptions, from which layer, and why.
//!
//! Answered from the image of the shard that owns the connection and the settings of the process.

use std::rc::Rc;

use corelog_engine::config::{ConfigScope, DescribedConfig};
use corelog_engine::metadata::name;
use corelog_protocol::messages::describe_configs_request::{DescribeConfigsRequest, DescribeConfigsResource};
use corelog_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
};
use corelog_protocol::{ErrorCode, Text};

use super::alter_configs::{BROKER_LOGGER, scope};
use super::broker_loggers;
use crate::broker::Broker;
use crate::net::request::Call;

/// What may be wrong with one resource.
type Refusal = (ErrorCode, String);

/// Answers for each resource.
pub async fn handle(broker: Rc<Broker>, _call: Call, request: DescribeConfigsRequest) -> DescribeConfigsResponse {
    let show = |config| shown(config, request.include_synonyms, request.include_documentation);
    let answer = |resource: &DescribeConfigsResource| {
        let described = if resource.resource_type == BROKER_LOGGER {
            broker_loggers::describe(&broker, &resource.resource_name, request.include_documentation)
        } else {
            describe(&broker, resource).map(|configs| configs.into_iter().map(show).collect())
        };
        let (error, message, configs) = match described {
            Ok(configs) => (ErrorCode::None, String::new(), configs),
            Err((error, message)) => (error, message, Vec::new()),
        };
        let asked = |config: &DescribeConfigsResourceResult| match &resource.configuration_keys {
            Some(names) if !names.is_empty() => names.contains(&config.name),
            _ => true,
        };
        DescribeConfigsResult {
            error_code: error.code(),
            error_message: Some(Text::from(message)),
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
            configs: configs.into_iter().filter(asked).collect(),
        }
    };
    DescribeConfigsResponse { results: request.resources.iter().map(answer).collect(), ..Default::default() }
}

fn describe(broker: &Broker, resource: &DescribeConfigsResource) -> Result<Vec<DescribedConfig>, Refusal> {
    let image = broker.image();
    let layers = image.broker_layers(broker.node_id(), broker.statics());
    let resource_name = resource.resource_name.as_str();
    let unknown = (ErrorCode::InvalidRequest, format!("Unsupported resource type {}", resource.resource_type));
    match scope(resource.resource_type).ok_or(unknown)? {
        ConfigScope::Topic => {
            name::check(resource_name).map_err(|error| (ErrorCode::InvalidTopicException, error.to_string()))?;
            let topic = image.topic(resource_name).ok_or((ErrorCode::UnknownTopicOrPartition, String::new()))?;
            Ok(layers.describe_topic(&topic.configs))
        }
        ConfigScope::Broker if resource_name.is_empty() => Ok(layers.describe_broker_default()),
        ConfigScope::Broker => {
            let own = broker.node_id();
            match resource_name.parse::<i32>() {
                Ok(id) if broker.endpoints().node_id_of(id) == own => Ok(layers.describe_broker()),
                Ok(id) => {
                    let message = format!("Unexpected broker id, expected {own} or empty string, but received {id}");
                    Err((ErrorCode::InvalidRequest, message))
                }
                Err(_) => {
                    let message = format!("Broker id must be an integer, but it is: {resource_name}");
                    Err((ErrorCode::InvalidRequest, message))
                }
            }
        }
        ConfigScope::Group if resource_name.is_empty() => {
            Err((ErrorCode::InvalidRequest, "Group name must not be empty".to_owned()))
        }
        ConfigScope::Group => Ok(layers.describe_group(image.configs(ConfigScope::Group, resource_name))),
        ConfigScope::ClientMetrics if resource_name.is_empty() => {
            Err((ErrorCode::InvalidRequest, "Client metrics subscription name must not be empty".to_owned()))
        }
        ConfigScope::ClientMetrics => {
            Ok(layers.describe_client_metrics(image.configs(ConfigScope::ClientMetrics, resource_name)))
        }
    }
}

fn shown(config: DescribedConfig, with_synonyms: bool, with_documentation: bool) -> DescribeConfigsResourceResult {
    let synonyms = if with_synonyms { config.synonyms } else { Vec::new() };
    let synonym = |synonym: corelog_engine::config::DescribedSynonym| DescribeConfigsSynonym {
        name: Text::from(synonym.name),
        value: synonym.value.map(Text::from),
        source: synonym.source as i8,
    };
    DescribeConfigsResourceResult {
        name: Text::from(config.name),
        value: config.value.map(Text::from),
        read_only: config.read_only,
        config_source: config.source as i8,
        is_sensitive: config.sensitive,
        synonyms: synonyms.into_iter().map(synonym).collect(),
        config_type: config.kind.map_or(0, corelog_engine::config::ConfigType::wire_id),
        documentation: with_documentation.then(|| Text::from(config.documentation)),
    }
}
