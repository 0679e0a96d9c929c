//! Owns which broker configs stand behind a topic's, and which names of one broker config there are, in the order that they win.
//!
//! Plain tables.

/// One broker config that stands behind a topic's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerSynonym {
    /// The broker config.
    pub name: &'static str,
    /// What its number is multiplied with to give the topic's.
    pub factor: i64,
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;

const RETENTION_TIME: &[&str] = &["log.retention.ms", "log.retention.minutes", "log.retention.hours"];
const ROLL_TIME: &[&str] = &["log.roll.ms", "log.roll.hours"];
const ROLL_JITTER: &[&str] = &["log.roll.jitter.ms", "log.roll.jitter.hours"];
const FLUSH_TIME: &[&str] = &["log.flush.interval.ms", "log.flush.scheduler.interval.ms"];

/// The broker configs behind the topic config `name`; the first that is set wins. Empty where there is none.
pub fn behind_topic(name: &str) -> Vec<BrokerSynonym> {
    let plain = |name| vec![BrokerSynonym { name, factor: 1 }];
    let several =
        |names: &[&'static str]| names.iter().map(|name| BrokerSynonym { name, factor: factor(name) }).collect();
    match name {
        "retention.ms" => several(RETENTION_TIME),
        "segment.ms" => several(ROLL_TIME),
        "segment.jitter.ms" => several(ROLL_JITTER),
        "flush.ms" => several(FLUSH_TIME),
        "flush.messages" => plain("log.flush.interval.messages"),
        "max.message.bytes" => plain("message.max.bytes"),
        "delete.retention.ms" => plain("log.cleaner.delete.retention.ms"),
        "min.compaction.lag.ms" => plain("log.cleaner.min.compaction.lag.ms"),
        "max.compaction.lag.ms" => plain("log.cleaner.max.compaction.lag.ms"),
        "min.cleanable.dirty.ratio" => plain("log.cleaner.min.cleanable.ratio"),
        "file.delete.delay.ms" => plain("log.segment.delete.delay.ms"),
        "segment.bytes" => plain("log.segment.bytes"),
        "segment.index.bytes" => plain("log.index.size.max.bytes"),
        "retention.bytes" => plain("log.retention.bytes"),
        "index.interval.bytes" => plain("log.index.interval.bytes"),
        "cleanup.policy" => plain("log.cleanup.policy"),
        "preallocate" => plain("log.preallocate"),
        "message.timestamp.type" => plain("log.message.timestamp.type"),
        "message.timestamp.before.max.ms" => plain("log.message.timestamp.before.max.ms"),
        "message.timestamp.after.max.ms" => plain("log.message.timestamp.after.max.ms"),
        "local.retention.ms" => plain("log.local.retention.ms"),
        "local.retention.bytes" => plain("log.local.retention.bytes"),
        "unclean.leader.election.enable" => plain("unclean.leader.election.enable"),
        "min.insync.replicas" => plain("min.insync.replicas"),
        "compression.type" => plain("compression.type"),
        "compression.gzip.level" => plain("compression.gzip.level"),
        "compression.lz4.level" => plain("compression.lz4.level"),
        "compression.zstd.level" => plain("compression.zstd.level"),
        "write.caching" => plain("write.caching"),
        _ => Vec::new(),
    }
}

/// Every name under which the broker config `name` may be set, in the order that they win; itself alone where there is no other.
pub fn of_broker(name: &str) -> Vec<&str> {
    for group in [RETENTION_TIME, ROLL_TIME, ROLL_JITTER] {
        if group.contains(&name) {
            return group.to_vec();
        }
    }
    if name == "log.flush.interval.ms" {
        return FLUSH_TIME.to_vec();
    }
    match listener_base(name) {
        Some(base) => vec![name, base],
        None => vec![name],
    }
}

/// `ssl.keystore.location` of `listener.name.external.ssl.keystore.location`.
pub fn listener_base(name: &str) -> Option<&str> {
    name.strip_prefix("listener.name.")?.split_once('.').map(|(_, base)| base)
}

fn factor(name: &str) -> i64 {
    match name.rsplit_once('.') {
        Some((_, "minutes")) => MINUTE_MS,
        Some((_, "hours")) => HOUR_MS,
        _ => 1,
    }
}
