//! Owns what the engine obeys of a topic's configs, resolved and typed.
//!
//! Every shard resolves it anew for its partitions when the metadata image changes. Pure functions.

use super::resolve::{BrokerLayers, ConfigMap};
use super::value::ConfigValue;

/// How stored batches are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicCompression {
    /// As the producer sent them.
    Producer,
    /// Not at all.
    Uncompressed,
    /// With gzip at a level of 1 to 9; -1 for the codec's default.
    Gzip(i32),
    /// With snappy.
    Snappy,
    /// With lz4 at a level of 1 to 17.
    Lz4(i32),
    /// With zstd at a level of -131072 to 22.
    Zstd(i32),
}

/// What the engine obeys of a topic's configs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSettings {
    /// Whether old records go by time and size.
    pub delete: bool,
    /// Whether records that a later one of their key replaces may go.
    pub compact: bool,
    /// `min.cleanable.dirty.ratio`, in millionths.
    pub dirty_ppm_min: u32,
    /// How long a record stays uncompacted at least, in milliseconds.
    pub compaction_lag_ms_min: i64,
    /// How long a record stays uncompacted at most, in milliseconds.
    pub compaction_lag_ms_max: i64,
    /// How long compaction keeps tombstones, in milliseconds.
    pub delete_retention_ms: i64,
    /// How long records may keep a log file from being rolled, in milliseconds.
    pub segment_ms: i64,
    /// How long a record stays, in milliseconds; `None` for ever.
    pub retention_ms: Option<i64>,
    /// How much a partition keeps; `None` without bound.
    pub retention_bytes: Option<u64>,
    /// The largest batch that is accepted.
    pub batch_bytes_max: usize,
    /// Whether records take the broker's time at append.
    pub log_append_time: bool,
    /// How far a timestamp may lie before the broker's clock, in milliseconds.
    pub timestamp_before_ms_max: i64,
    /// How far a timestamp may lie after the broker's clock, in milliseconds.
    pub timestamp_after_ms_max: i64,
    /// The codec of stored batches.
    pub compression: TopicCompression,
    /// How many replicas must hold a write before acks=all succeeds.
    pub replicas_in_sync_min: i32,
    /// Whether acks=all answers once a batch is written, before it is synced.
    pub write_caching: bool,
}

impl TopicSettings {
    /// What holds for a topic that sets `own`.
    pub fn resolve(own: &ConfigMap, layers: &BrokerLayers<'_>) -> TopicSettings {
        let value = |name: &str| layers.topic_value(own, name);
        let number = |name: &str, absent: i64| value(name).and_then(|value| value.as_integer()).unwrap_or(absent);
        let policy = value("cleanup.policy");
        let has_policy = |wanted: &str| {
            policy
                .as_ref()
                .and_then(ConfigValue::as_list)
                .is_some_and(|list| list.iter().any(|policy| policy == wanted))
        };
        let retention_ms = number("retention.ms", -1);
        TopicSettings {
            delete: has_policy("delete"),
            compact: has_policy("compact"),
            dirty_ppm_min: value("min.cleanable.dirty.ratio")
                .and_then(|value| value.as_double())
                .map_or(500_000, |ratio| (ratio.clamp(0.0, 1.0) * 1e6).round() as u32),
            compaction_lag_ms_min: number("min.compaction.lag.ms", 0),
            compaction_lag_ms_max: number("max.compaction.lag.ms", i64::MAX),
            delete_retention_ms: number("delete.retention.ms", 86_400_000),
            segment_ms: number("segment.ms", 604_800_000),
            retention_ms: (retention_ms >= 0).then_some(retention_ms),
            retention_bytes: u64::try_from(number("retention.bytes", -1)).ok(),
            batch_bytes_max: usize::try_from(number("max.message.bytes", 1_048_588)).unwrap_or(0),
            log_append_time: value("message.timestamp.type")
                .is_some_and(|kind| kind.as_text() == Some("LogAppendTime")),
            timestamp_before_ms_max: number("message.timestamp.before.max.ms", i64::MAX),
            timestamp_after_ms_max: number("message.timestamp.after.max.ms", i64::MAX),
            compression: compression(value("compression.type").as_ref(), |name| number(name, -1) as i32),
            replicas_in_sync_min: number("min.insync.replicas", 1) as i32,
            write_caching: value("write.caching") == Some(ConfigValue::Boolean(true)),
        }
    }
}

fn compression(kind: Option<&ConfigValue>, level: impl Fn(&str) -> i32) -> TopicCompression {
    match kind.and_then(ConfigValue::as_text) {
        Some("uncompressed") => TopicCompression::Uncompressed,
        Some("gzip") => TopicCompression::Gzip(level("compression.gzip.level")),
        Some("snappy") => TopicCompression::Snappy,
        Some("lz4") => TopicCompression::Lz4(level("compression.lz4.level")),
        Some("zstd") => TopicCompression::Zstd(level("compression.zstd.level")),
        _ => TopicCompression::Producer,
    }
}
