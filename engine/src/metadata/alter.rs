//! Owns the commands that change configs: incremental ones, and the older ones that replace all that a resource sets.
//!
//! Pure functions of the state, on shard 0. One refused resource does not keep the others of its command from being changed.

use std::sync::Arc;

use super::error::{ConfigRefusal, MetadataError, RequestError, UnknownTopic};
use super::name;
use super::record::MetadataRecord;
use super::state::{Decision, MetadataState, refuse_repeated};
use crate::config::resolve::{check_broker, check_client_metrics, check_group, check_topic, is_list};
use crate::config::{ConfigDefinition, ConfigError, ConfigMap, ConfigScope, definition};

/// A resource that has configs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigResource {
    /// Its kind.
    pub scope: ConfigScope,
    /// Its name; for a broker its number, empty for all brokers.
    pub name: String,
}

/// What to do with one config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlterOperation {
    /// Set it to the value.
    Set,
    /// Take it back.
    Delete,
    /// Put the value's elements into the list.
    Append,
    /// Take the value's elements out of the list.
    Subtract,
}

/// A change of one config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigUpdate {
    /// The config.
    pub name: String,
    /// What to do.
    pub operation: AlterOperation,
    /// With what; without meaning for `Delete`.
    pub value: Option<String>,
}

/// Changes of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceUpdate {
    /// The resource.
    pub resource: ConfigResource,
    /// Its changes.
    pub updates: Vec<ConfigUpdate>,
}

impl MetadataState {
    /// Changes configs. `replace_all` takes back whatever a resource sets and the command does not name.
    pub fn alter_configs(
        &self,
        resources: &[ResourceUpdate],
        replace_all: bool,
        validate_only: bool,
    ) -> Decision<Vec<Result<(), MetadataError>>> {
        let repeated = MetadataError::InvalidRequest(RequestError::RepeatedResource);
        let once = refuse_repeated(resources.iter().map(|update| &update.resource), &repeated);
        let mut records = Vec::new();
        let mut alter = |(update, once): (&ResourceUpdate, Result<(), MetadataError>)| {
            once?;
            let wanted = self.wanted_configs(update, replace_all)?;
            self.check_resource(&update.resource, &wanted)?;
            if !validate_only {
                self.record_changes(&update.resource, &wanted, &mut records);
            }
            Ok(())
        };
        let answer = resources.iter().zip(once).map(&mut alter).collect();
        Decision { records, answer }
    }

    /// All that the resource would set afterwards.
    fn wanted_configs(&self, update: &ResourceUpdate, replace_all: bool) -> Result<ConfigMap, MetadataError> {
        let repeated = MetadataError::InvalidRequest(RequestError::RepeatedConfig);
        refuse_repeated(update.updates.iter().map(|config| config.name.as_str()), &repeated)
            .into_iter()
            .collect::<Result<(), MetadataError>>()?;
        let needs_value = |config: &&ConfigUpdate| config.operation != AlterOperation::Delete && config.value.is_none();
        let nulls: Vec<&str> = update.updates.iter().filter(needs_value).map(|config| config.name.as_str()).collect();
        if !nulls.is_empty() {
            return Err(MetadataError::InvalidRequest(RequestError::NullValues(nulls.join(", "))));
        }
        let ConfigResource { scope, name } = &update.resource;
        let mut wanted = if replace_all { ConfigMap::new() } else { self.image.configs(*scope, name).clone() };
        for config in &update.updates {
            match Self::new_value(*scope, &wanted, config)? {
                Some(value) => wanted.insert(Arc::from(config.name.as_str()), Arc::from(value.as_str())),
                None => wanted.remove(config.name.as_str()),
            };
        }
        Ok(wanted)
    }

    /// What the config is to be set to; `None` to take it back.
    fn new_value(scope: ConfigScope, set: &ConfigMap, config: &ConfigUpdate) -> Result<Option<String>, MetadataError> {
        let value = config.value.clone().unwrap_or_default();
        let operation = match config.operation {
            AlterOperation::Set => return Ok(Some(value)),
            AlterOperation::Delete => return Ok(None),
            AlterOperation::Append => "APPEND",
            AlterOperation::Subtract => "SUBTRACT",
        };
        let name = config.name.as_str();
        if !is_list(scope, name) {
            let refusal = ConfigRefusal::NotAList { operation, name: name.to_owned() };
            return Err(MetadataError::InvalidConfig(refusal));
        }
        // What a list without a value of its own is appended to is the built-in default, not the broker's.
        let current = set.get(name).map(AsRef::as_ref);
        let current =
            current.or_else(|| definition(scope, name).and_then(ConfigDefinition::default_text)).unwrap_or("");
        let mut elements: Vec<&str> = current.split(',').filter(|element| !element.is_empty()).collect();
        for element in value.split(',').filter(|element| !element.is_empty()) {
            let position = elements.iter().position(|existing| *existing == element);
            match (config.operation, position) {
                (AlterOperation::Append, None) => elements.push(element),
                (AlterOperation::Subtract, Some(position)) => drop(elements.remove(position)),
                _ => {}
            }
        }
        Ok(Some(elements.join(",")))
    }

    fn check_resource(&self, resource: &ConfigResource, wanted: &ConfigMap) -> Result<(), MetadataError> {
        let request = |error| Err(MetadataError::InvalidRequest(error));
        let config = |error: ConfigError| MetadataError::InvalidConfig(error.into());
        let name = resource.name.as_str();
        match resource.scope {
            ConfigScope::Topic if name.is_empty() => request(RequestError::DefaultTopic),
            ConfigScope::Topic => {
                name::check(name)?;
                check_topic(wanted, &self.layers()).map_err(config)?;
                let unknown = || MetadataError::UnknownTopicOrPartition(UnknownTopic::NoConfigs(name.to_owned()));
                self.image.topic(name).map(drop).ok_or_else(unknown)
            }
            ConfigScope::Broker => {
                self.check_broker_name(name)?;
                check_broker(wanted, !name.is_empty()).or_else(|error| request(RequestError::Config(error)))
            }
            ConfigScope::Group if name.is_empty() => request(RequestError::DefaultGroup),
            ConfigScope::Group => check_group(wanted, &self.layers()).map_err(config),
            ConfigScope::ClientMetrics if name.is_empty() => request(RequestError::NamelessSubscription),
            ConfigScope::ClientMetrics => match check_client_metrics(wanted) {
                Err(error @ (ConfigError::UnknownClientMetricsConfig(_) | ConfigError::InvalidInterval(_))) => {
                    request(RequestError::Config(error))
                }
                other => other.map_err(config),
            },
        }
    }

    fn check_broker_name(&self, name: &str) -> Result<(), MetadataError> {
        if name.is_empty() {
            return Ok(());
        }
        let expected = self.settings.broker_id;
        let error = match name.parse::<i32>() {
            Ok(broker) if broker == expected => return Ok(()),
            Ok(_) => RequestError::OtherBroker { expected, found: name.to_owned() },
            Err(_) => RequestError::BrokerNotANumber(name.to_owned()),
        };
        Err(MetadataError::InvalidRequest(error))
    }

    /// Records for what differs between what is set and what is wanted.
    fn record_changes(&self, resource: &ConfigResource, wanted: &ConfigMap, records: &mut Vec<MetadataRecord>) {
        let set = self.image.configs(resource.scope, &resource.name);
        let (scope, name): (_, Arc<str>) = (resource.scope, Arc::from(resource.name.as_str()));
        let record = |config: &Arc<str>, value: Option<&Arc<str>>| MetadataRecord::Config {
            scope,
            resource: Arc::clone(&name),
            name: Arc::clone(config),
            value: value.cloned(),
        };
        let gone = set.keys().filter(|config| !wanted.contains_key(*config)).map(|config| record(config, None));
        let changed = wanted.iter().filter(|(config, value)| set.get(*config) != Some(value));
        records.extend(gone.chain(changed.map(|(config, value)| record(config, Some(value)))));
    }
}
