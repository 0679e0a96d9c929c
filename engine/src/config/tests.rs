//! The registry against what Kafka 4.3.1 answers to the same requests.

use std::sync::Arc;

use super::resolve::{check_broker, check_client_metrics, check_group, check_topic, is_list, parse_broker};
use super::*;

fn map(pairs: &[(&str, &str)]) -> ConfigMap {
    pairs.iter().map(|(name, text)| (Arc::from(*name), Arc::from(*text))).collect()
}

fn topic_error(pairs: &[(&str, &str)]) -> String {
    let empty = ConfigMap::new();
    let layers = BrokerLayers { dynamic: &empty, dynamic_default: &empty, statics: &empty };
    check_topic(&map(pairs), &layers).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn facts_are_well_formed_sorted_and_their_defaults_valid() {
    for scope in [ConfigScope::Topic, ConfigScope::Broker, ConfigScope::Group, ConfigScope::ClientMetrics] {
        let table = definitions(scope);
        assert!(table.windows(2).all(|pair| pair[0].name < pair[1].name), "{scope:?} is sorted");
        for facts in table {
            if let Some(text) = facts.default_text() {
                let value = value::parse(facts, text).expect(facts.name);
                assert_eq!(value.to_string(), text, "{} prints its default as Kafka does", facts.name);
            }
        }
    }
    assert_eq!(definitions(ConfigScope::Topic).len(), 35);
    assert_eq!(definitions(ConfigScope::Broker).len(), 377);
}

#[test]
fn every_synonym_names_a_broker_config_of_the_same_kind_of_value() {
    for facts in definitions(ConfigScope::Topic) {
        for synonym in synonyms::behind_topic(facts.name) {
            let broker = definition(ConfigScope::Broker, synonym.name).expect(synonym.name);
            let numeric = |kind| matches!(kind, ConfigType::Int | ConfigType::Long);
            assert!(broker.kind == facts.kind || (numeric(broker.kind) && numeric(facts.kind)), "{}", facts.name);
        }
    }
}

#[test]
fn invalid_topic_values_are_refused_in_kafkas_words() {
    for (name, text, message) in [
        (
            "cleanup.policy",
            "foo",
            "Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete",
        ),
        ("cleanup.policy", "compact,,delete", "Configuration 'cleanup.policy' values must not be empty."),
        ("retention.ms", "x", "Invalid value x for configuration retention.ms: Not a number of type LONG"),
        ("retention.ms", "-5", "Invalid value -5 for configuration retention.ms: Value must be at least -1"),
        ("retention.ms", "", "Invalid value  for configuration retention.ms: Not a number of type LONG"),
        (
            "compression.gzip.level",
            "12",
            "Invalid value 12 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1",
        ),
        (
            "compression.lz4.level",
            "18",
            "Invalid value 18 for configuration compression.lz4.level: Value must be no more than 17",
        ),
        (
            "compression.type",
            "foo",
            "Invalid value foo for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer",
        ),
        (
            "min.cleanable.dirty.ratio",
            "1.5",
            "Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more than 1",
        ),
        (
            "preallocate",
            "yes",
            "Invalid value yes for configuration preallocate: Expected value to be either true or false",
        ),
        (
            "max.message.bytes",
            "2147483648",
            "Invalid value 2147483648 for configuration max.message.bytes: Not a number of type INT",
        ),
        (
            "leader.replication.throttled.replicas",
            "1:2,*",
            "Invalid value [1:2, *] for configuration leader.replication.throttled.replicas: leader.replication.throttled.replicas must \
             be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
        ),
        ("foo.bar", "1", "Unknown topic config name: foo.bar"),
        (
            "remote.storage.enable",
            "true",
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.",
        ),
    ] {
        let shown = topic_error(&[(name, text)]);
        assert_eq!(shown, message.replace("Invalid value 1:2,*", "Invalid value [1:2, *]"), "{name}={text}");
    }
    assert_eq!(
        topic_error(&[("min.compaction.lag.ms", "10"), ("max.compaction.lag.ms", "5")]),
        "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)"
    );
    for (name, text) in [
        ("cleanup.policy", ""),
        ("cleanup.policy", "compact, delete"),
        ("retention.ms", " +7 "),
        ("preallocate", "TRUE"),
    ] {
        assert_eq!(topic_error(&[(name, text)]), "", "{name}={text}");
    }
}

#[test]
fn dynamic_broker_changes_are_checked_as_kafka_checks_them() {
    let error =
        |pairs: &[(&str, &str)], per_broker| check_broker(&map(pairs), per_broker).err().map(|error| error.to_string());
    assert_eq!(
        error(&[("num.partitions", "3")], true).as_deref(),
        Some("Cannot update these configs dynamically: [num.partitions]")
    );
    assert_eq!(
        error(&[("listeners", "PLAINTEXT://:1")], false).as_deref(),
        Some("Cannot update these configs at default cluster level, broker id must be specified: [listeners]")
    );
    assert_eq!(
        error(&[("ssl.keystore.location", "x")], false).as_deref(),
        Some(
            "These security configs can be dynamically updated only per-listener using the listener prefix: [ssl.keystore.location]"
        )
    );
    assert_eq!(
        error(&[("log.roll.ms", "0")], false).as_deref(),
        Some("requirement failed: log.roll.ms must be greater than or equal to 1")
    );
    assert_eq!(
        error(&[("leader.replication.throttled.rate", "-1")], true).as_deref(),
        Some("Invalid value -1 for configuration leader.replication.throttled.rate: Value must be at least 0")
    );
    for fine in [("log.retention.ms", "-7"), ("my.custom", "1"), ("message.max.bytes", " 5000000 ")] {
        assert_eq!(error(&[fine], false), None);
    }
    assert_eq!(error(&[("listener.name.x.ssl.keystore.location", "y")], true), None);
}

#[test]
fn group_and_subscription_changes_are_checked_as_kafka_checks_them() {
    let empty = ConfigMap::new();
    let layers = BrokerLayers { dynamic: &empty, dynamic_default: &empty, statics: &empty };
    let group = |pairs: &[(&str, &str)]| check_group(&map(pairs), &layers).err().map(|error| error.to_string());
    assert_eq!(
        group(&[("consumer.session.timeout.ms", "5")]).as_deref(),
        Some("consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms")
    );
    assert_eq!(group(&[("foo", "5")]).as_deref(), Some("Unknown group config name: foo"));
    assert_eq!(
        group(&[("consumer.session.timeout.ms", "50000"), ("share.auto.offset.reset", "by_duration:P1D")]),
        None
    );
    assert!(group(&[("share.auto.offset.reset", "none")]).is_some());
    let metrics = |pairs: &[(&str, &str)]| check_client_metrics(&map(pairs)).err().map(|error| error.to_string());
    assert_eq!(
        metrics(&[("interval.ms", "50")]).as_deref(),
        Some("Invalid value 50 for interval.ms, interval must be between 100 and 3600000 (1 hour)")
    );
    assert_eq!(metrics(&[("match", "a=b")]).as_deref(), Some("Illegal client matching pattern: a=b"));
    assert_eq!(metrics(&[("match", "client_id=x.*,client_source_port=90")]), None);
    assert_eq!(metrics(&[("foo", "1")]).as_deref(), Some("Unknown client metrics configuration: foo"));
}

#[test]
fn unknown_broker_name_is_refused_with_the_nearest() {
    for (wrong, right) in [
        ("num.partition", "num.partitions"),
        ("log.retention.hour", "log.retention.hours"),
        ("advertised.listener", "advertised.listeners"),
        ("corelog.shard", "corelog.shards"),
        ("auto.craete.topics.enable", "auto.create.topics.enable"),
    ] {
        let error = parse_broker(wrong, "1").expect_err("an unknown name");
        assert_eq!(error, ConfigError::UnknownBrokerConfig { name: wrong.to_owned(), nearest: Some(right) });
    }
    assert_eq!(nearest(ConfigScope::Broker, "zzzzzzzzzzzz"), None);
    assert!(parse_broker("leader.replication.throttled.rate", "1").is_err(), "it cannot be set at start");
}

#[test]
fn topic_description_equals_kafkas() {
    let own =
        map(&[("retention.ms", "1000"), ("cleanup.policy", "delete , compact"), ("min.cleanable.dirty.ratio", "0.10")]);
    let dynamic = map(&[("log.retention.ms", "5000")]);
    let dynamic_default = map(&[("log.retention.ms", "-7"), ("message.max.bytes", " 5000000 ")]);
    let statics = map(&[("log.retention.hours", "10"), ("log.roll.ms", "100000"), ("compression.type", "gzip")]);
    let layers = BrokerLayers { dynamic: &dynamic, dynamic_default: &dynamic_default, statics: &statics };
    let described = layers.describe_topic(&own);
    let shown = |name: &str| {
        let config = described.iter().find(|config| config.name == name).expect(name);
        let synonyms: Vec<String> = config
            .synonyms
            .iter()
            .map(|synonym| {
                format!("{}={}:{}", synonym.name, synonym.value.clone().unwrap_or_default(), synonym.source as i8)
            })
            .collect();
        format!("{} {} [{}]", config.value.clone().unwrap_or_default(), config.source as i8, synonyms.join(" "))
    };
    assert_eq!(
        shown("retention.ms"),
        "1000 1 [retention.ms=1000:1 log.retention.ms=5000:2 log.retention.ms=-7:3 log.retention.hours=10:4 log.retention.hours=168:5]"
    );
    assert_eq!(
        shown("cleanup.policy"),
        "delete,compact 1 [cleanup.policy=delete,compact:1 log.cleanup.policy=delete:5]"
    );
    assert_eq!(
        shown("min.cleanable.dirty.ratio"),
        "0.1 1 [min.cleanable.dirty.ratio=0.1:1 log.cleaner.min.cleanable.ratio=0.5:5]"
    );
    assert_eq!(shown("max.message.bytes"), "5000000 3 [message.max.bytes= 5000000 :3 message.max.bytes=1048588:5]");
    assert_eq!(shown("segment.ms"), "100000 4 [log.roll.ms=100000:4 log.roll.hours=168:5]");
    assert_eq!(shown("compression.type"), "gzip 4 [compression.type=gzip:4 compression.type=producer:5]");
    assert_eq!(shown("flush.ms"), "9223372036854775807 5 []");
    assert_eq!(shown("segment.jitter.ms"), "0 5 []");
    assert!(described.iter().all(|config| config.name != "internal.segment.bytes"));
}

#[test]
fn broker_descriptions_equal_kafkas() {
    let dynamic = map(&[("foo", "x"), ("listener.name.x.ssl.keystore.location", "y")]);
    let dynamic_default = map(&[("log.segment.bytes", "2000000"), ("my.custom", "1")]);
    let statics = map(&[("node.id", "1"), ("ssl.keystore.password", "secret")]);
    let layers = BrokerLayers { dynamic: &dynamic, dynamic_default: &dynamic_default, statics: &statics };
    let all = layers.describe_broker();
    let config = |name: &str| all.iter().find(|config| config.name == name).expect(name);
    assert_eq!((config("node.id").value.as_deref(), config("node.id").source), (Some("1"), ConfigSource::StaticBroker));
    assert_eq!((config("foo").value.clone(), config("foo").sensitive, config("foo").kind), (None, true, None));
    assert_eq!(config("listener.name.x.ssl.keystore.location").value.as_deref(), Some("y"));
    assert!(config("listener.name.x.ssl.keystore.location").read_only);
    assert_eq!(
        (config("ssl.keystore.password").value.clone(), config("ssl.keystore.password").sensitive),
        (None, true)
    );
    assert_eq!(config("log.segment.bytes").source, ConfigSource::DynamicDefaultBroker);
    assert!(!config("log.segment.bytes").read_only);
    let defaults = layers.describe_broker_default();
    assert_eq!(
        defaults.iter().map(|config| config.name.as_str()).collect::<Vec<_>>(),
        ["log.segment.bytes", "my.custom"]
    );
    assert_eq!(defaults[0].synonyms.len(), 1);
}

#[test]
fn negative_broker_retention_means_for_ever() {
    let empty = ConfigMap::new();
    let dynamic = map(&[("log.retention.ms", "-7")]);
    let layers = BrokerLayers { dynamic: &dynamic, dynamic_default: &empty, statics: &empty };
    let settings = TopicSettings::resolve(&empty, &layers);
    assert_eq!(settings.retention_ms, None);
    assert_eq!(settings.batch_bytes_max, 1_048_588);
    assert!(settings.delete && !settings.compact && !settings.write_caching);
    let own = map(&[
        ("retention.ms", "5"),
        ("cleanup.policy", "compact"),
        ("write.caching", "true"),
        ("compression.type", "zstd"),
    ]);
    let settings = TopicSettings::resolve(&own, &layers);
    assert_eq!(settings.retention_ms, Some(5));
    assert!(!settings.delete && settings.compact && settings.write_caching);
    assert_eq!((settings.dirty_ppm_min, settings.delete_retention_ms), (500_000, 86_400_000));
    assert_eq!(
        (settings.compaction_lag_ms_min, settings.compaction_lag_ms_max, settings.segment_ms),
        (0, i64::MAX, 604_800_000)
    );
    assert_eq!(settings.compression, topic_settings::TopicCompression::Zstd(3));
    assert!(is_list(ConfigScope::Topic, "cleanup.policy") && !is_list(ConfigScope::ClientMetrics, "metrics"));
}
