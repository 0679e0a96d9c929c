//! Owns what an engine is started with, and how its memory is divided.
//!
//! Built once before any shard exists, then shared unchanged by all.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{BrokerLayers, ConfigMap, ConfigValue};
use crate::ids::LogId;
use crate::log::{CompactionOptions, LogOptions, SettleOptions};

/// What an engine is started with.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// The directory that holds everything.
    pub data_dir: PathBuf,
    /// This broker's id, from 0.
    pub broker_id: i32,
    /// Number of shards, at least 1. Another number than at the last start is fine.
    pub shards: usize,
    /// Memory budget of all shards together, in bytes.
    pub memory_bytes: u64,
    /// Bytes of a segment file; the log's default where `None`.
    pub segment_bytes: Option<u64>,
    /// What was set at start, by the names of the config registry.
    pub statics: Arc<ConfigMap>,
    /// Settings of the logs that are no configs: everything but ids, sizes and caches is taken from here.
    pub log: LogOptions,
}

impl EngineSettings {
    /// Settings for one shard with defaults, without any config set.
    pub fn new(data_dir: PathBuf, broker_id: i32) -> EngineSettings {
        EngineSettings {
            data_dir,
            broker_id,
            shards: 1,
            memory_bytes: 512 << 20,
            segment_bytes: None,
            statics: Arc::default(),
            log: LogOptions::new(LogId(0)),
        }
    }

    /// One shard's part of the memory budget, in bytes.
    pub fn shard_memory_bytes(&self) -> u64 {
        self.memory_bytes / self.shards.max(1) as u64
    }

    /// The directory of a log.
    pub fn log_dir(&self, log: LogId) -> PathBuf {
        self.data_dir.join(format!("log-{log}"))
    }

    /// The options of a log on a shard that has `logs` of them: what the logs of a shard hold in memory is divided among them.
    ///
    /// | part of the shard's budget | for |
    /// |---|---|
    /// | 1/4 | written commits that consumers near the end read |
    /// | 1/4 | blocks read from the device |
    /// | 1/8 | commits that are not durable yet |
    /// | 1/32 | footers of sealed segments |
    /// | 1/32 | the keys that compaction goes by, `log.cleaner.dedupe.buffer.size` at most |
    /// | the rest | requests and answers of connections, partitions, the metadata image |
    pub(crate) fn log_options(&self, log: LogId, logs: usize) -> LogOptions {
        let part = |divisor: u64| {
            let bytes = self.shard_memory_bytes() / divisor / logs.max(1) as u64;
            usize::try_from(bytes).unwrap_or(usize::MAX).max(1 << 20)
        };
        let segment_bytes = self.segment_bytes.unwrap_or(self.log.segment_bytes);
        let commit_bytes_max = self.log.commit_bytes_max.min((segment_bytes / 4) as usize);
        LogOptions {
            log,
            segment_bytes,
            commit_bytes_max,
            queued_bytes_max: part(8),
            tail_cache_bytes: part(4),
            block_cache_bytes: part(4),
            footer_cache_bytes: part(32),
            settle: SettleOptions {
                is_on: self.log.settle.is_on
                    && self.static_value("corelog.settle.enable") != Some(ConfigValue::Boolean(false)),
                reserve_files: self
                    .static_number("corelog.settle.reserve.files")
                    .and_then(|files| files.try_into().ok())
                    .unwrap_or(self.log.settle.reserve_files),
                sort_after: match self.static_number("corelog.settle.sort.after.ms") {
                    Some(ms) => u64::try_from(ms).ok().map(Duration::from_millis),
                    None => self.log.settle.sort_after,
                },
                ..self.log.settle
            },
            compaction: CompactionOptions {
                is_on: self.log.compaction.is_on
                    && self.static_value("log.cleaner.enable") != Some(ConfigValue::Boolean(false)),
                interval: Duration::from_millis(self.static_ms("log.cleaner.backoff.ms")),
                map_bytes_max: part(32).min(self.static_ms("log.cleaner.dedupe.buffer.size") as usize).max(1 << 20),
            },
            ..self.log.clone()
        }
    }

    /// A broker config as it was set at start, as a number, of milliseconds mostly; configs that cannot change afterwards are read so.
    pub(crate) fn static_ms(&self, name: &str) -> u64 {
        self.static_number(name).and_then(|value| u64::try_from(value).ok()).unwrap_or(1).max(1)
    }

    fn static_number(&self, name: &str) -> Option<i64> {
        self.static_value(name).and_then(|value| value.as_integer())
    }

    fn static_value(&self, name: &str) -> Option<ConfigValue> {
        let nothing = ConfigMap::new();
        let layers = BrokerLayers { dynamic: &nothing, dynamic_default: &nothing, statics: &self.statics };
        layers.value(name)
    }
}
