//! Owns the configs that coordinators obey, as numbers.
//!
//! Read once at start: none of them can change while the broker runs.

use corelog_engine::config::BrokerLayers;

use crate::limits::{GROUP_MEMBERS_MAX, GROUP_RECORD_BYTES_MAX};

/// What coordinators obey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSettings {
    /// `group.min.session.timeout.ms`.
    pub session_ms_min: i32,
    /// `group.max.session.timeout.ms`.
    pub session_ms_max: i32,
    /// `group.initial.rebalance.delay.ms`.
    pub initial_rebalance_delay_ms: i32,
    /// `group.max.size`, and no more than a bound of ours.
    pub members_max: usize,
    /// `offset.metadata.max.bytes`.
    pub offset_metadata_bytes_max: usize,
    /// `offsets.retention.minutes`, in milliseconds.
    pub offsets_retention_ms: i64,
    /// `offsets.retention.check.interval.ms`.
    pub offsets_check_interval_ms: u64,
    /// The largest record of a group, in bytes: what `__consumer_offsets` takes.
    pub record_bytes_max: usize,
}

impl Default for GroupSettings {
    /// Kafka's defaults.
    fn default() -> GroupSettings {
        GroupSettings {
            session_ms_min: 6_000,
            session_ms_max: 1_800_000,
            initial_rebalance_delay_ms: 3_000,
            members_max: GROUP_MEMBERS_MAX,
            offset_metadata_bytes_max: 4096,
            offsets_retention_ms: 10_080 * 60_000,
            offsets_check_interval_ms: 600_000,
            record_bytes_max: GROUP_RECORD_BYTES_MAX,
        }
    }
}

impl GroupSettings {
    /// What the broker's configs say.
    pub fn of(layers: &BrokerLayers<'_>) -> GroupSettings {
        let otherwise = GroupSettings::default();
        let number = |name: &str| layers.value(name).and_then(|value| value.as_integer());
        let ms = |name, otherwise| number(name).and_then(|ms| i32::try_from(ms).ok()).unwrap_or(otherwise);
        let count = |name, otherwise| number(name).and_then(|count| usize::try_from(count).ok()).unwrap_or(otherwise);
        GroupSettings {
            session_ms_min: ms("group.min.session.timeout.ms", otherwise.session_ms_min),
            session_ms_max: ms("group.max.session.timeout.ms", otherwise.session_ms_max),
            initial_rebalance_delay_ms: ms("group.initial.rebalance.delay.ms", otherwise.initial_rebalance_delay_ms),
            members_max: count("group.max.size", otherwise.members_max).min(GROUP_MEMBERS_MAX),
            offset_metadata_bytes_max: count("offset.metadata.max.bytes", otherwise.offset_metadata_bytes_max),
            offsets_retention_ms: number("offsets.retention.minutes")
                .map_or(otherwise.offsets_retention_ms, |minutes| minutes.saturating_mul(60_000)),
            offsets_check_interval_ms: number("offsets.retention.check.interval.ms")
                .and_then(|ms| u64::try_from(ms).ok())
                .unwrap_or(otherwise.offsets_check_interval_ms),
            record_bytes_max: otherwise.record_bytes_max,
        }
    }
}
