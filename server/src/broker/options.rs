//! The broker's configs that connections and handlers obey, as numbers.
//!
//! Read once at start, on every shard, from what was set at start.

use std::net::IpAddr;
use std::time::Duration;

use corelog_engine::config::{BrokerLayers, ConfigMap};

use crate::limits::GROUPS_MEMORY_DIVISOR;
use crate::limits::TELEMETRY_CLIENTS_MAX;
use crate::metrics::sample::Bounds;
use crate::net::quota::ConnectionLimits;
use crate::telemetry::clients::Limits;

/// What part of a shard's memory requests may take, beside what the engine takes.
const REQUESTS_MEMORY_DIVISOR: u64 = 8;
/// What part of a shard's memory answers of fetches may take.
const ANSWERS_MEMORY_DIVISOR: u64 = 8;

/// What part of a shard's memory metrics of clients may take.
const TELEMETRY_MEMORY_DIVISOR: u64 = 64;

/// What connections and handlers obey.
#[derive(Clone, Debug)]
pub struct Options {
    /// `socket.request.max.bytes`.
    pub request_bytes_max: usize,
    /// `connections.max.idle.ms`; none for ever.
    pub idle_max: Option<Duration>,
    /// `fetch.max.bytes`.
    pub fetch_bytes_max: usize,
    /// `max.incremental.fetch.session.cache.slots`, of one shard.
    pub fetch_sessions_max: usize,
    /// Memory of one shard for requests, in bytes.
    pub requests_memory_bytes: u64,
    /// Memory of one shard for answers of fetches, in bytes.
    pub answers_memory_bytes: u64,
    /// Memory of one shard for groups, in bytes.
    pub groups_memory_bytes: usize,
    /// What bounds the page of metrics.
    pub metrics: Bounds,
    /// What bounds the metrics that clients push.
    pub telemetry: Limits,
}

impl Options {
    /// What `statics` say, for one of `shards` with `shard_memory_bytes` each.
    pub fn new(statics: &ConfigMap, shards: usize, shard_memory_bytes: u64) -> Options {
        let nothing = ConfigMap::new();
        let layers = BrokerLayers { dynamic: &nothing, dynamic_default: &nothing, statics };
        // Every one of these has a default, so a missing number is a value that was refused at start.
        let number = |name| layers.value(name).and_then(|value| value.as_integer()).unwrap_or(0);
        let natural = |name| usize::try_from(number(name)).unwrap_or(0);
        Options {
            request_bytes_max: natural("socket.request.max.bytes"),
            idle_max: u64::try_from(number("connections.max.idle.ms")).ok().map(Duration::from_millis),
            fetch_bytes_max: natural("fetch.max.bytes"),
            fetch_sessions_max: natural("max.incremental.fetch.session.cache.slots").div_ceil(shards.max(1)),
            requests_memory_bytes: shard_memory_bytes / REQUESTS_MEMORY_DIVISOR,
            answers_memory_bytes: shard_memory_bytes / ANSWERS_MEMORY_DIVISOR,
            groups_memory_bytes: usize::try_from(shard_memory_bytes / GROUPS_MEMORY_DIVISOR).unwrap_or(usize::MAX),
            metrics: Bounds {
                partitions_max: natural("corelog.metrics.partitions.max"),
                groups_max: natural("corelog.metrics.groups.max"),
                clients_max: natural("corelog.metrics.clients.max"),
            },
            telemetry: Limits {
                clients_max: TELEMETRY_CLIENTS_MAX.div_ceil(shards.max(1)),
                figures_bytes_max: usize::try_from(shard_memory_bytes / TELEMETRY_MEMORY_DIVISOR).unwrap_or(0),
                push_bytes_max: natural("telemetry.max.bytes"),
            },
        }
    }
}

/// `max.connections` and `max.connections.per.ip`, as they are now.
pub fn connection_limits(layers: &BrokerLayers<'_>) -> ConnectionLimits {
    let count =
        |name| layers.value(name).and_then(|value| value.as_integer()).and_then(|count| u32::try_from(count).ok());
    ConnectionLimits {
        total_max: count("max.connections").unwrap_or(0),
        per_address_max: count("max.connections.per.ip").unwrap_or(0),
        overrides: overrides(layers),
    }
}

/// `max.connections.per.ip.overrides`: addresses, each with its own limit. Host names are not looked up.
fn overrides(layers: &BrokerLayers<'_>) -> Vec<(IpAddr, u32)> {
    let value = layers.value("max.connections.per.ip.overrides");
    let text = value.map(|value| value.to_string()).unwrap_or_default();
    let entry = |entry: &str| {
        let (address, limit) = entry.trim().rsplit_once(':')?;
        Some((address.trim().parse().ok()?, limit.trim().parse().ok()?))
    };
    text.split(',').filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn statics(set: &[(&str, &str)]) -> ConfigMap {
        set.iter().map(|(name, value)| (Arc::from(*name), Arc::from(*value))).collect()
    }

    fn options(set: &[(&str, &str)]) -> Options {
        Options::new(&statics(set), 4, 64 << 20)
    }

    fn limits(set: &[(&str, &str)]) -> ConnectionLimits {
        let (nothing, statics) = (ConfigMap::new(), statics(set));
        connection_limits(&BrokerLayers { dynamic: &nothing, dynamic_default: &nothing, statics: &statics })
    }

    #[test]
    fn kafkas_defaults_hold_where_nothing_is_set() {
        let options = options(&[]);
        assert_eq!(options.request_bytes_max, 104_857_600);
        assert_eq!(options.idle_max, Some(Duration::from_mins(10)));
        assert_eq!(options.fetch_bytes_max, 57_671_680);
        assert_eq!(options.fetch_sessions_max, 250);
        let limits = limits(&[]);
        assert_eq!((limits.total_max, limits.per_address_max), (i32::MAX as u32, i32::MAX as u32));
        assert!(limits.overrides.is_empty());
    }

    #[test]
    fn settings_are_obeyed() {
        let limits = limits(&[("max.connections", "10"), ("max.connections.per.ip.overrides", "127.0.0.1:3,::1:4")]);
        assert_eq!(limits.total_max, 10);
        let loopback = IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(limits.overrides, [(IpAddr::from([127, 0, 0, 1]), 3), (loopback, 4)]);
        assert_eq!(options(&[("connections.max.idle.ms", "-1")]).idle_max, None);
    }
}
