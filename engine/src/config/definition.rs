//! Owns what the registry knows about one config: its facts, not its value.
//!
//! Plain data, read by every shard.

use super::validator::Validator;

/// Which kind of resource a config belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConfigScope {
    /// A topic.
    Topic,
    /// A broker, or with an empty name all of them.
    Broker,
    /// A consumer, share or streams group.
    Group,
    /// A client-metrics subscription.
    ClientMetrics,
}

/// A config's type, in Kafka's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigType {
    /// `true` or `false`, in any case.
    Boolean,
    /// Trimmed text.
    String,
    /// 32 bits, signed.
    Int,
    /// 16 bits, signed.
    Short,
    /// 64 bits, signed.
    Long,
    /// 64-bit floating point.
    Double,
    /// Comma-separated texts.
    List,
    /// The name of a Java class: kept as text.
    Class,
    /// Text that is never shown.
    Password,
}

impl ConfigType {
    /// Kafka's number for the type in `DescribeConfigs` answers; 0 there means "unknown".
    pub fn wire_id(self) -> i8 {
        match self {
            ConfigType::Boolean => 1,
            ConfigType::String => 2,
            ConfigType::Int => 3,
            ConfigType::Short => 4,
            ConfigType::Long => 5,
            ConfigType::Double => 6,
            ConfigType::List => 7,
            ConfigType::Class => 8,
            ConfigType::Password => 9,
        }
    }

    /// The type's name as Kafka prints it in messages.
    pub fn kafka_name(self) -> &'static str {
        match self {
            ConfigType::Boolean => "BOOLEAN",
            ConfigType::String => "STRING",
            ConfigType::Int => "INT",
            ConfigType::Short => "SHORT",
            ConfigType::Long => "LONG",
            ConfigType::Double => "DOUBLE",
            ConfigType::List => "LIST",
            ConfigType::Class => "CLASS",
            ConfigType::Password => "PASSWORD",
        }
    }
}

/// How much a config matters to those who run a broker, in Kafka's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// Look at it.
    High,
    /// Sometimes worth a look.
    Medium,
    /// Rarely touched.
    Low,
}

/// How a config may change while the broker runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateMode {
    /// Set at start alone.
    ReadOnly,
    /// Changeable for one broker.
    PerBroker,
    /// Changeable for one broker or for all.
    ClusterWide,
    /// Changeable alone: it cannot be set at start.
    DynamicOnly,
    /// Belongs to a topic, group or subscription, where every config can be changed.
    Any,
    /// Accepted but never listed.
    Internal,
}

/// Whether a config changes what this broker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The broker obeys it.
    Acts,
    /// It is validated, stored and described, and changes nothing.
    Stored,
}

/// What holds where nothing is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Kafka demands that it be set.
    Required,
    /// No value.
    Null,
    /// This text, which parses.
    Value(&'static str),
}

/// The facts of one config.
#[derive(Clone, Debug)]
pub struct ConfigDefinition {
    /// Kafka's name, or ours.
    pub name: &'static str,
    /// Its type.
    pub kind: ConfigType,
    /// Its default.
    pub preset: Preset,
    /// Which values are valid.
    pub valid: Validator,
    /// How much it matters.
    pub importance: Importance,
    /// How it changes.
    pub update: UpdateMode,
    /// Whether it does anything here.
    pub effect: Effect,
    /// What it does, in a line; empty for a stored one that has no more to say.
    pub summary: &'static str,
}

impl ConfigDefinition {
    /// Whether its value must never be shown.
    pub fn is_sensitive(&self) -> bool {
        self.kind == ConfigType::Password
    }

    /// The text for people: what it does, and that it does nothing here where that is so.
    pub fn documentation(&self) -> String {
        match (self.effect, self.summary) {
            (Effect::Acts, summary) => summary.to_owned(),
            (Effect::Stored, "") => "Accepted and stored; this broker does not use it.".to_owned(),
            (Effect::Stored, summary) => format!("{summary} Accepted and stored; this broker does not use it."),
        }
    }

    /// The default's text, if there is one.
    pub fn default_text(&self) -> Option<&'static str> {
        match self.preset {
            Preset::Value(text) => Some(text),
            Preset::Required | Preset::Null => None,
        }
    }
}
