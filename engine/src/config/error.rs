//! Owns what can be wrong with a config's name or value, with the messages that Kafka's clients know.
//!
//! Plain data. Handlers map the variants to Kafka's error codes.

use thiserror::Error;

/// Why a config or a value is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// No topic config has this name.
    #[error("Unknown topic config name: {0}")]
    UnknownTopicConfig(String),
    /// No group config has this name.
    #[error("Unknown group config name: {0}")]
    UnknownGroupConfig(String),
    /// No client-metrics config has this name.
    #[error("Unknown client metrics configuration: {0}")]
    UnknownClientMetricsConfig(String),
    /// No broker config has this name; said with the nearest that there is.
    #[error("Unknown broker config name: {name}{}", .nearest.map(|near| format!("; did you mean {near}?")).unwrap_or_default())]
    UnknownBrokerConfig {
        /// What was asked for.
        name: String,
        /// The nearest known name, if one is near.
        nearest: Option<&'static str>,
    },
    /// The value does not parse, or lies outside of what is valid.
    #[error("Invalid value {value} for configuration {name}: {reason}")]
    InvalidValue {
        /// The config.
        name: String,
        /// The value as Kafka shows it.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A list holds an empty element.
    #[error("Configuration '{0}' values must not be empty.")]
    EmptyElement(String),
    /// A list is empty that must not be.
    #[error("Configuration '{name}' must not be empty. Valid values include: {valid}")]
    EmptyList {
        /// The config.
        name: String,
        /// What it may hold.
        valid: String,
    },
    /// An entry of `controller.quorum.voters` is not of the form that it must have.
    #[error("Invalid configuration value for {0}. Each entry should be in the form `{{id}}@{{host}}:{{port}}`.")]
    InvalidVoter(String),
    /// An entry of a server list is not of the form that it must have.
    #[error(
        "Failed to parse host name from {entry} for the configuration {name}. Each entry should be in the form \"{{host}}:{{port}}\""
    )]
    InvalidServer {
        /// The config.
        name: String,
        /// The entry.
        entry: String,
    },
    /// Two values of one topic contradict one another.
    #[error("conflict topic config setting {low_name} ({low}) > {high_name} ({high})")]
    Conflict {
        /// The config that must be the lower one.
        low_name: &'static str,
        /// Its value.
        low: i64,
        /// The config that must be the higher one.
        high_name: &'static str,
        /// Its value.
        high: i64,
    },
    /// Tiered storage, which this broker does not have.
    #[error(
        "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage."
    )]
    RemoteStorageDisabled,
    /// Configs that must be set at start.
    #[error("Cannot update these configs dynamically: [{0}]")]
    NotDynamic(String),
    /// Configs that belong to one broker, changed for all.
    #[error("Cannot update these configs at default cluster level, broker id must be specified: [{0}]")]
    PerBrokerOnly(String),
    /// Security configs that belong to a listener, changed without naming it.
    #[error("These security configs can be dynamically updated only per-listener using the listener prefix: [{0}]")]
    PerListenerOnly(String),
    /// A broker-level rule across types.
    #[error("requirement failed: {0}")]
    Requirement(String),
    /// A subscription's interval is out of range.
    #[error("Invalid value {0} for interval.ms, interval must be between 100 and 3600000 (1 hour)")]
    InvalidInterval(String),
    /// A subscription's match pattern is malformed.
    #[error("Illegal client matching pattern: {0}")]
    IllegalMatch(String),
    /// A group's bound is not inside of the broker's.
    #[error("{name} must be {} {bound_name}", if *.at_least { "greater than or equal to" } else { "less than or equal to" })]
    GroupBound {
        /// The group's config.
        name: String,
        /// The broker's config that bounds it.
        bound_name: String,
        /// Whether the bound is the lower one.
        at_least: bool,
    },
}

impl ConfigError {
    pub(crate) fn invalid(name: &str, value: impl Into<String>, reason: impl Into<String>) -> ConfigError {
        ConfigError::InvalidValue { name: name.to_owned(), value: value.into(), reason: reason.into() }
    }
}
