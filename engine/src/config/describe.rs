//! Owns what `DescribeConfigs` shows of a resource: every config, its value, where it comes from, and what stands behind it.
//!
//! Pure functions over the layers; handlers turn the answer into the wire's form.

use super::definition::{ConfigDefinition, ConfigScope, ConfigType, UpdateMode};
use super::registry::{definition, definitions};
use super::resolve::{BrokerLayers, ConfigMap, ConfigSource};
use super::synonyms::{behind_topic, listener_base, of_broker};
use super::value::{ConfigValue, parse};

/// One config as `DescribeConfigs` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedConfig {
    /// Its name.
    pub name: String,
    /// Its value; `None` where it has none or it is secret.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// Whether it can be set at start alone.
    pub read_only: bool,
    /// Whether the value is secret.
    pub sensitive: bool,
    /// Its type; `None` for a broker config that nobody knows.
    pub kind: Option<ConfigType>,
    /// Every value that is set for it, the one in force first.
    pub synonyms: Vec<DescribedSynonym>,
    /// What it does, for people.
    pub documentation: String,
}

/// One value that stands behind a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedSynonym {
    /// Under which name it is set.
    pub name: String,
    /// What it is set to; `None` where it is secret.
    pub value: Option<String>,
    /// On which layer.
    pub source: ConfigSource,
}

impl BrokerLayers<'_> {
    /// The configs of a topic that sets `own`, sorted by name.
    pub fn describe_topic(&self, own: &ConfigMap) -> Vec<DescribedConfig> {
        let describe = |facts: &'static ConfigDefinition| {
            let behind = behind_topic(facts.name).first().map(|first| self.synonyms(first.name, facts.is_sensitive()));
            let value = self.topic_value(own, facts.name);
            describe_owned(facts, own, value, ConfigSource::Topic, behind.unwrap_or_default())
        };
        listed(ConfigScope::Topic).map(describe).collect()
    }

    /// The configs of a group that sets `own`, sorted by name.
    pub fn describe_group(&self, own: &ConfigMap) -> Vec<DescribedConfig> {
        let describe = |facts: &'static ConfigDefinition| {
            let broker_name = format!("group.{}", facts.name);
            let behind = if definition(ConfigScope::Broker, &broker_name).is_some() {
                self.synonyms(&broker_name, facts.is_sensitive())
            } else {
                let value = facts.default_text().map(str::to_owned);
                vec![DescribedSynonym { name: facts.name.to_owned(), value, source: ConfigSource::Default }]
            };
            let set = own.get(facts.name).and_then(|text| parse(facts, text).ok());
            let value = set.or_else(|| self.group_default(facts.name));
            describe_owned(facts, own, value, ConfigSource::Group, behind)
        };
        listed(ConfigScope::Group).map(describe).collect()
    }

    /// The configs of a client-metrics subscription that sets `own`, sorted by name.
    pub fn describe_client_metrics(&self, own: &ConfigMap) -> Vec<DescribedConfig> {
        let describe = |facts: &'static ConfigDefinition| {
            let text = own.get(facts.name).map(AsRef::as_ref).or(facts.default_text());
            let value = text.and_then(|text| parse(facts, text).ok());
            describe_owned(facts, own, value, ConfigSource::ClientMetrics, Vec::new())
        };
        listed(ConfigScope::ClientMetrics).map(describe).collect()
    }

    /// The configs of this broker, sorted by name: every known one, and what else was set while it ran.
    pub fn describe_broker(&self) -> Vec<DescribedConfig> {
        let known = listed(ConfigScope::Broker)
            .filter(|facts| facts.update != UpdateMode::DynamicOnly)
            .map(|facts| self.describe_broker_config(facts.name, Some(facts)));
        let is_extra = |name: &str| {
            definition(ConfigScope::Broker, name).is_none_or(|facts| facts.update == UpdateMode::DynamicOnly)
        };
        let mut extra: Vec<&str> =
            self.ordered().iter().flat_map(|(layer, _)| layer.keys()).map(AsRef::as_ref).collect();
        extra.retain(|name| is_extra(name));
        extra.sort_unstable();
        extra.dedup();
        let extra = extra.into_iter().map(|name| {
            self.describe_broker_config(name, definition(ConfigScope::Broker, listener_base(name).unwrap_or(name)))
        });
        let mut all: Vec<DescribedConfig> = known.chain(extra).collect();
        all.sort_by(|left, right| left.name.cmp(&right.name));
        all
    }

    /// What is set on all brokers, sorted by name: what Kafka shows for the broker without a name.
    pub fn describe_broker_default(&self) -> Vec<DescribedConfig> {
        let describe = |(name, text): (&std::sync::Arc<str>, &std::sync::Arc<str>)| {
            let facts = definition(ConfigScope::Broker, listener_base(name).unwrap_or(name));
            let mut shown = self.describe_broker_config(name, facts);
            shown.synonyms.retain(|synonym| synonym.source == ConfigSource::DynamicDefaultBroker);
            shown.source = ConfigSource::DynamicDefaultBroker;
            shown.value = if shown.sensitive { None } else { Some(text.to_string()) };
            shown
        };
        self.dynamic_default.iter().map(describe).collect()
    }

    fn describe_broker_config(&self, name: &str, facts: Option<&'static ConfigDefinition>) -> DescribedConfig {
        // What nobody knows may be a secret.
        let sensitive = facts.is_none_or(ConfigDefinition::is_sensitive);
        let synonyms = self.synonyms(name, sensitive);
        let value = match (sensitive, facts) {
            (true, _) | (_, None) => None,
            (false, Some(facts)) if facts.name == name => self.value(name).map(|value| value.to_string()),
            (false, Some(_)) => synonyms.first().and_then(|first| first.value.clone()),
        };
        DescribedConfig {
            name: name.to_owned(),
            value,
            source: synonyms.first().map_or(ConfigSource::Default, |first| first.source),
            read_only: facts.is_none_or(|facts| {
                facts.name != name || matches!(facts.update, UpdateMode::ReadOnly | UpdateMode::Internal)
            }),
            sensitive,
            kind: facts.map(|facts| facts.kind),
            synonyms,
            documentation: facts.map(ConfigDefinition::documentation).unwrap_or_default(),
        }
    }

    /// Every value that is set for a broker config under any of its names. Kafka drops what comes before the first that is set under
    /// the very name that was asked for, all of it where there is none; tools compare with that.
    fn synonyms(&self, name: &str, sensitive: bool) -> Vec<DescribedSynonym> {
        let names = of_broker(name);
        let mut found = Vec::new();
        let mut add = |name: &str, text: &str, source| {
            let value = if sensitive { None } else { Some(text.to_owned()) };
            found.push(DescribedSynonym { name: name.to_owned(), value, source });
        };
        for (layer, source) in self.ordered() {
            for name in &names {
                if let Some(text) = layer.get(*name) {
                    add(name, text, source);
                }
            }
        }
        for name in &names {
            let facts = definition(ConfigScope::Broker, name);
            if let Some(text) = facts.and_then(ConfigDefinition::default_text) {
                add(name, text, ConfigSource::Default);
            }
        }
        let first = found.iter().position(|synonym| synonym.name == name).unwrap_or(found.len());
        found.split_off(first)
    }
}

fn listed(scope: ConfigScope) -> impl Iterator<Item = &'static ConfigDefinition> {
    definitions(scope).iter().filter(|facts| facts.update != UpdateMode::Internal)
}

fn describe_owned(
    facts: &'static ConfigDefinition,
    own: &ConfigMap,
    value: Option<ConfigValue>,
    source: ConfigSource,
    behind: Vec<DescribedSynonym>,
) -> DescribedConfig {
    let value = if facts.is_sensitive() { None } else { value.map(|value| value.to_string()) };
    let mut synonyms = behind;
    if own.contains_key(facts.name) {
        synonyms.insert(0, DescribedSynonym { name: facts.name.to_owned(), value: value.clone(), source });
    }
    DescribedConfig {
        name: facts.name.to_owned(),
        value,
        source: synonyms.first().map_or(ConfigSource::Default, |first| first.source),
        read_only: false,
        sensitive: facts.is_sensitive(),
        kind: Some(facts.kind),
        synonyms,
        documentation: facts.documentation(),
    }
}
