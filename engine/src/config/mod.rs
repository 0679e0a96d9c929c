//! Owns the registry of config names: Kafka 4.3.1's topic, broker, group and client-metrics configs and ours beside them, with their
//! types, defaults, valid values and synonyms; parses values and resolves what is in force.
//!
//! Pure code that any shard runs. The metadata state machine calls it to validate a change, handlers to describe configs, the server to
//! read its settings. It never stores a value: what was set lives in the metadata image and in the server's static settings.

pub mod client_match;
pub mod definition;
pub mod describe;
pub mod duration;
pub mod error;
pub mod number;
pub mod registry;
pub mod resolve;
pub mod synonyms;
pub mod topic_settings;
pub mod validator;
pub mod value;

pub use definition::{ConfigDefinition, ConfigScope, ConfigType, Effect, Importance, Preset, UpdateMode};
pub use describe::{DescribedConfig, DescribedSynonym};
pub use error::ConfigError;
pub use registry::{definition, definitions, nearest};
pub use resolve::{BrokerLayers, ConfigMap, ConfigSource};
pub use topic_settings::{TopicCompression, TopicSettings};
pub use value::ConfigValue;

#[cfg(test)]
mod tests;
