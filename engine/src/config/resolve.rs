//! Owns resolution: which of the layers gives a config its value, and what it is.
//!
//! Order of the layers: the topic's (group's, subscription's) own, this broker's dynamic, all brokers' dynamic, static, default. Pure
//! functions over maps that others own; a stored value that does not parse (it cannot have passed validation) gives way to the next layer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::definition::{ConfigDefinition, ConfigScope, UpdateMode};
use super::error::ConfigError;
use super::registry::{definition, definitions, nearest};
use super::synonyms::{behind_topic, listener_base};
use super::value::{ConfigValue, parse};

/// What was set, by name. Shared between shards behind an `Arc`.
pub type ConfigMap = BTreeMap<Arc<str>, Arc<str>>;

/// Where a value comes from, with Kafka's number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigSource {
    /// The topic's own.
    Topic = 1,
    /// Set on this broker while it ran.
    DynamicBroker = 2,
    /// Set on all brokers while they ran.
    DynamicDefaultBroker = 3,
    /// Set when the broker started.
    StaticBroker = 4,
    /// The built-in default.
    Default = 5,
    /// The subscription's own.
    ClientMetrics = 7,
    /// The group's own.
    Group = 8,
}

/// What is set on the broker, layer by layer.
#[derive(Clone, Copy, Debug)]
pub struct BrokerLayers<'a> {
    /// On this broker, while it ran.
    pub dynamic: &'a ConfigMap,
    /// On all brokers, while they ran.
    pub dynamic_default: &'a ConfigMap,
    /// At start.
    pub statics: &'a ConfigMap,
}

impl<'a> BrokerLayers<'a> {
    pub(super) fn ordered(&self) -> [(&'a ConfigMap, ConfigSource); 3] {
        [
            (self.dynamic, ConfigSource::DynamicBroker),
            (self.dynamic_default, ConfigSource::DynamicDefaultBroker),
            (self.statics, ConfigSource::StaticBroker),
        ]
    }

    /// What the broker config `name` is, by that name alone; `None` where it has no value or does not exist.
    pub fn value(&self, name: &str) -> Option<ConfigValue> {
        let facts = definition(ConfigScope::Broker, name)?;
        let set =
            self.ordered().into_iter().find_map(|(layer, _)| layer.get(name).and_then(|text| parse(facts, text).ok()));
        set.or_else(|| parse(facts, facts.default_text()?).ok())
    }

    /// What the topic config `name` is where the topic itself sets nothing.
    pub fn topic_default(&self, name: &str) -> Option<ConfigValue> {
        for synonym in behind_topic(name) {
            let Some(value) = self.value(synonym.name) else { continue };
            let Some(number) = value.as_integer() else { return Some(value) };
            let scaled = number.saturating_mul(synonym.factor);
            // Kafka takes every negative time to keep records for "for ever".
            let unlimited = name == "retention.ms" && scaled < 0;
            return Some(ConfigValue::Integer(if unlimited { -1 } else { scaled }));
        }
        let facts = definition(ConfigScope::Topic, name)?;
        parse(facts, facts.default_text()?).ok()
    }

    /// What the topic config `name` is on a topic that sets `own`.
    pub fn topic_value(&self, own: &ConfigMap, name: &str) -> Option<ConfigValue> {
        let facts = definition(ConfigScope::Topic, name)?;
        let set = own.get(name).and_then(|text| parse(facts, text).ok());
        set.or_else(|| self.topic_default(name))
    }

    /// What the group config `name` is on a group that sets nothing.
    pub fn group_default(&self, name: &str) -> Option<ConfigValue> {
        if let Some(value) = self.value(&format!("group.{name}")) {
            return Some(value);
        }
        let facts = definition(ConfigScope::Group, name)?;
        parse(facts, facts.default_text()?).ok()
    }
}

/// Parses a static broker setting, as it stands in `server.properties`.
pub fn parse_broker(name: &str, text: &str) -> Result<ConfigValue, ConfigError> {
    let base = listener_base(name).unwrap_or(name);
    let facts = definition(ConfigScope::Broker, base).filter(|facts| facts.update != UpdateMode::DynamicOnly);
    match facts {
        Some(facts) => parse(facts, text),
        None => {
            Err(ConfigError::UnknownBrokerConfig { name: name.to_owned(), nearest: nearest(ConfigScope::Broker, name) })
        }
    }
}

/// Checks all that a topic sets, in Kafka's order: names, values, values against one another.
pub fn check_topic(own: &ConfigMap, layers: &BrokerLayers<'_>) -> Result<(), ConfigError> {
    if let Some(name) = own.keys().find(|name| definition(ConfigScope::Topic, name).is_none()) {
        return Err(ConfigError::UnknownTopicConfig(name.to_string()));
    }
    check_values(ConfigScope::Topic, own)?;
    let number = |name| layers.topic_value(own, name).and_then(|value| value.as_integer()).unwrap_or(0);
    let (low_name, high_name) = ("min.compaction.lag.ms", "max.compaction.lag.ms");
    let (low, high) = (number(low_name), number(high_name));
    if low > high {
        return Err(ConfigError::Conflict { low_name, low, high_name, high });
    }
    if layers.topic_value(own, "remote.storage.enable") == Some(ConfigValue::Boolean(true)) {
        return Err(ConfigError::RemoteStorageDisabled);
    }
    Ok(())
}

/// Checks all that would be set dynamically on one broker (`per_broker`) or on all.
pub fn check_broker(dynamic: &ConfigMap, per_broker: bool) -> Result<(), ConfigError> {
    let facts_of = |name: &str| definition(ConfigScope::Broker, name);
    let named = |wanted: &dyn Fn(&str) -> bool| {
        let names: Vec<&str> = dynamic.keys().map(AsRef::as_ref).filter(|name| wanted(name)).collect();
        if names.is_empty() { None } else { Some(names.join(", ")) }
    };
    let is_fixed = |name: &str| {
        facts_of(name).is_some_and(|facts| matches!(facts.update, UpdateMode::ReadOnly | UpdateMode::Internal))
    };
    if let Some(names) = named(&is_fixed) {
        return Err(ConfigError::NotDynamic(names));
    }
    if let Some(names) = named(&is_listener_security) {
        return Err(ConfigError::PerListenerOnly(names));
    }
    for (name, text) in dynamic {
        if let Some(facts) = facts_of(listener_base(name).unwrap_or(name)) {
            parse(facts, text)?;
        }
    }
    let is_per_broker = |name: &str| {
        let facts = facts_of(listener_base(name).unwrap_or(name));
        facts.is_some_and(|facts| facts.update == UpdateMode::PerBroker)
    };
    if let Some(names) = named(&is_per_broker).filter(|_| !per_broker) {
        return Err(ConfigError::PerBrokerOnly(names));
    }
    check_requirements(dynamic)
}

/// Checks all that a group sets, the broker's bounds included.
pub fn check_group(own: &ConfigMap, layers: &BrokerLayers<'_>) -> Result<(), ConfigError> {
    if let Some(name) = own.keys().find(|name| definition(ConfigScope::Group, name).is_none()) {
        return Err(ConfigError::UnknownGroupConfig(name.to_string()));
    }
    check_values(ConfigScope::Group, own)?;
    for (name, text) in own {
        let Some((kind, rest)) = name.split_once('.') else { continue };
        let rest = rest.strip_prefix("num.").unwrap_or(rest);
        let Ok(value) = text.trim().parse::<i64>() else { continue };
        for (word, at_least) in [("min", true), ("max", false)] {
            let bound_name = format!("group.{kind}.{word}.{rest}");
            let Some(bound) = layers.value(&bound_name).and_then(|value| value.as_integer()) else { continue };
            if if at_least { value < bound } else { value > bound } {
                return Err(ConfigError::GroupBound { name: name.to_string(), bound_name, at_least });
            }
        }
    }
    Ok(())
}

/// Checks all that a client-metrics subscription sets.
pub fn check_client_metrics(own: &ConfigMap) -> Result<(), ConfigError> {
    if let Some(name) = own.keys().find(|name| definition(ConfigScope::ClientMetrics, name).is_none()) {
        return Err(ConfigError::UnknownClientMetricsConfig(name.to_string()));
    }
    check_values(ConfigScope::ClientMetrics, own)
}

/// Whether values of the config are lists, to which a change may append; Kafka knows it of topics and brokers alone.
pub fn is_list(scope: ConfigScope, name: &str) -> bool {
    matches!(scope, ConfigScope::Topic | ConfigScope::Broker)
        && definition(scope, name).is_some_and(|facts| facts.kind == super::ConfigType::List)
}

fn check_values(scope: ConfigScope, own: &ConfigMap) -> Result<(), ConfigError> {
    let set = |facts: &'static ConfigDefinition| own.get(facts.name).map(|text| (facts, text));
    definitions(scope).iter().filter_map(set).try_for_each(|(facts, text)| parse(facts, text).map(drop))
}

fn check_requirements(dynamic: &ConfigMap) -> Result<(), ConfigError> {
    let number = |name: &str| {
        let facts = definition(ConfigScope::Broker, name)?;
        parse(facts, dynamic.get(name)?).ok()?.as_integer()
    };
    let require = |holds: bool, text: &str| {
        if holds { Ok(()) } else { Err(ConfigError::Requirement(text.to_owned())) }
    };
    require(number("log.roll.ms").is_none_or(|ms| ms >= 1), "log.roll.ms must be greater than or equal to 1")?;
    require(
        number("log.roll.jitter.ms").is_none_or(|ms| ms >= 0),
        "log.roll.jitter.ms must be greater than or equal to 0",
    )?;
    require(
        number("log.retention.ms").is_none_or(|ms| ms != 0),
        "log.retention.ms must be unlimited (-1) or, equal or greater than 1",
    )
}

fn is_listener_security(name: &str) -> bool {
    matches!(
        name,
        "ssl.keystore.location"
            | "ssl.truststore.type"
            | "ssl.keystore.key"
            | "ssl.key.password"
            | "ssl.keystore.type"
            | "ssl.keystore.certificate.chain"
            | "ssl.keystore.password"
            | "ssl.truststore.password"
            | "ssl.truststore.certificates"
            | "ssl.truststore.location"
    )
}
