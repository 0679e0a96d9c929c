//! Owns what a partition obeys of its topic's configs.

use crate::batch::{Codec, Compression, Rules, TimestampType};
use crate::config::TopicSettings;
use crate::config::topic_settings::TopicCompression;
use crate::ids::Offset;
use crate::log::Compaction;

/// Settings of one partition; the shard replaces them when configs change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionSettings {
    /// What clients' batches must be like.
    pub rules: Rules,
    /// How batches are stored: none as the producer sent them.
    pub compression: Option<Compression>,
    /// Whether acks=all, and readers, wait for `written` alone.
    pub write_caching: bool,
    /// How it is compacted (`cleanup.policy` includes `compact`); none if it is not.
    pub compaction: Option<Compaction>,
    /// Whether retention applies (`cleanup.policy` includes `delete`).
    pub delete: bool,
    /// `retention.ms`, none for ever.
    pub retention_ms: Option<i64>,
    /// `retention.bytes`, none without bound.
    pub retention_bytes: Option<u64>,
    /// `producer.id.expiration.ms`.
    pub producer_expiration_ms: i64,
}

impl Default for PartitionSettings {
    /// Kafka's defaults.
    fn default() -> PartitionSettings {
        PartitionSettings {
            rules: Rules::default(),
            compression: None,
            write_caching: false,
            compaction: None,
            delete: true,
            retention_ms: Some(7 * 24 * 3_600_000),
            retention_bytes: None,
            producer_expiration_ms: 24 * 3_600_000,
        }
    }
}

impl PartitionSettings {
    /// What a topic's configs mean to its partitions; `producer_expiration_ms` is the broker's.
    pub fn of_topic(topic: &TopicSettings, producer_expiration_ms: i64) -> PartitionSettings {
        let timestamp_type =
            if topic.log_append_time { TimestampType::LogAppendTime } else { TimestampType::CreateTime };
        PartitionSettings {
            rules: Rules {
                bytes_max: topic.batch_bytes_max,
                timestamp_type,
                timestamp_before_ms_max: topic.timestamp_before_ms_max,
                timestamp_after_ms_max: topic.timestamp_after_ms_max,
                compacted: topic.compact,
            },
            compression: compression_of(topic.compression),
            write_caching: topic.write_caching,
            compaction: compaction_of(topic),
            delete: topic.delete,
            retention_ms: topic.retention_ms,
            retention_bytes: topic.retention_bytes,
            producer_expiration_ms,
        }
    }
}

fn compaction_of(topic: &TopicSettings) -> Option<Compaction> {
    topic.compact.then_some(Compaction {
        // Where the partition is at that moment; see `Partition::compaction`.
        until: Offset::ZERO,
        dirty_ppm_min: topic.dirty_ppm_min,
        lag_ms_min: topic.compaction_lag_ms_min,
        lag_ms_max: topic.compaction_lag_ms_max,
        batch_bytes_max: topic.batch_bytes_max,
        tombstone_ms: topic.delete_retention_ms,
        roll_ms: topic.segment_ms.min(topic.compaction_lag_ms_max),
    })
}

fn compression_of(compression: TopicCompression) -> Option<Compression> {
    let (codec, level) = match compression {
        TopicCompression::Producer => return None,
        TopicCompression::Uncompressed => (Codec::None, None),
        TopicCompression::Gzip(level) => (Codec::Gzip, Some(level)),
        TopicCompression::Snappy => (Codec::Snappy, None),
        TopicCompression::Lz4(level) => (Codec::Lz4, Some(level)),
        TopicCompression::Zstd(level) => (Codec::Zstd, Some(level)),
    };
    Some(Compression { codec, level })
}
