//! Which names of settings exist and which values they take, by the engine's registry.
//!
//! Pure; runs before any shard exists; called by `config::layers`.

use corelog_engine::config::resolve::parse_broker;
use corelog_engine::config::{ConfigError, ConfigScope, nearest};

/// What every name starts with that Kafka does not have.
pub const OUR_PREFIX: &str = "corelog.";

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// No setting has this name; with the nearest that there is.
    UnknownName(Option<&'static str>),
    /// It cannot have this value, for this reason.
    BadValue(String),
}

/// Whether a setting of this name exists.
pub fn is_known(name: &str) -> bool {
    !matches!(check(name, ""), Err(Refused::UnknownName(_)))
}

/// Whether the setting exists and can have the value.
pub fn check(name: &str, value: &str) -> Result<(), Refused> {
    match parse_broker(name, value) {
        Ok(_) => Ok(()),
        Err(ConfigError::UnknownBrokerConfig { nearest: registered, .. }) => {
            let as_ours = || nearest(ConfigScope::Broker, &format!("{OUR_PREFIX}{name}"));
            Err(Refused::UnknownName(registered.or_else(as_ours)))
        }
        Err(ConfigError::InvalidValue { reason, .. }) => Err(Refused::BadValue(reason)),
        Err(other) => Err(Refused::BadValue(other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_kafka_and_ours_exist() {
        for name in ["log.dirs", "corelog.shards", "listener.name.internal.ssl.keystore.location"] {
            assert!(is_known(name), "{name}");
        }
    }

    #[test]
    fn a_name_that_is_missing_gets_the_nearest() {
        for (name, near) in [
            ("log.dir.s", Some("log.dirs")),
            ("shards", Some("corelog.shards")),
            ("corelog.memory.byte", Some("corelog.memory.bytes")),
            ("zzzzzzzzzzzzzzzzzzz", None),
        ] {
            assert_eq!(check(name, ""), Err(Refused::UnknownName(near)));
        }
    }

    #[test]
    fn a_value_that_does_not_parse_is_refused() {
        assert!(matches!(check("num.partitions", "many"), Err(Refused::BadValue(_))));
        assert!(matches!(check("num.partitions", "0"), Err(Refused::BadValue(_))));
        assert_eq!(check("num.partitions", "3"), Ok(()));
    }
}
