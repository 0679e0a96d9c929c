//! The engine as a whole: what was answered survives stops and starts, also with another number of shards.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use corelog_rt::testing::{run_shards, temp_dir};
use corelog_rt::{dir, time};
use futures_util::FutureExt;

use super::*;
use crate::batch::BatchBuilder;
use crate::config::ConfigScope;
use crate::ids::{LeaderEpoch, Offset, PartitionKey, ShardId};
use crate::limits::METADATA_SNAPSHOT_BYTES_MIN;
use crate::metadata::{
    AlterOperation, ConfigResource, ConfigUpdate, METADATA_KEY, NewPartitions, NewTopic, ResourceUpdate, TopicReference,
};
use crate::partition::Acks;

pub(super) fn settings(data_dir: &Path, shards: usize) -> EngineSettings {
    EngineSettings {
        shards,
        memory_bytes: 32 << 20,
        segment_bytes: Some(4 << 20),
        ..EngineSettings::new(data_dir.to_owned(), 1)
    }
}

/// Starts an engine, runs `act` on shard 0, stops it.
fn engine<F, Fut>(settings: EngineSettings, act: F)
where
    F: Fn(Rc<Shard>) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let shards = settings.shards;
    let engine = Engine::new(settings);
    run_shards(shards, move |shard| engine_of(engine.clone(), shard, act.clone()));
}

/// Runs one shard of an engine, on shard 0 `act`, then stops.
pub(super) async fn engine_of<F, Fut>(engine: Engine, shard: usize, act: F)
where
    F: Fn(Rc<Shard>) -> Fut,
    Fut: Future<Output = ()>,
{
    let main = |shard: Rc<Shard>| async move {
        if shard.id() == ShardId(0) {
            act(Rc::clone(&shard)).await;
            shard.stop().await;
        }
        shard.stopped().await;
    };
    engine.run(shard, main).await.expect("an engine that starts");
}

/// Tries to start an engine of one shard that must not start.
fn refused(settings: EngineSettings) -> BootError {
    let (sender, receiver) = corelog_rt::sync::cross::channel();
    let engine = Engine::new(settings);
    corelog_rt::testing::run(move || async move {
        let main = async |_| panic!("an engine that must not start");
        let error = engine.run(0, main).await.expect_err("it must not start");
        sender.send(error).expect("the test waits");
    });
    receiver.now_or_never().expect("the run has ended").expect("it sent the error")
}

fn topic(name: &str, partitions: i32) -> NewTopic {
    NewTopic { name: name.to_owned(), partitions, replication_factor: 1, ..NewTopic::default() }
}

pub(super) async fn create(shard: &Rc<Shard>, name: &str, partitions: i32) {
    let answers = shard.create_topics(vec![topic(name, partitions)], false).await;
    assert!(matches!(answers.as_slice(), [Ok(_)]), "{answers:?}");
}

fn key(shard: &Rc<Shard>, name: &str, partition: i32) -> PartitionKey {
    shard.image().topic(name).and_then(|topic| topic.key(partition)).expect("a partition that is there")
}

/// Appends one record, and waits until it is durable.
pub(super) async fn append(shard: &Rc<Shard>, name: &str, partition: i32, value: String) -> Offset {
    let key = key(shard, name, partition);
    let owner = shard.owner(key).expect("a partition that is there");
    let work = move |shard: Rc<Shard>| async move {
        let partition = shard.partition(key).expect("its owner has it");
        let now_ms = time::unix_ms();
        let mut builder = BatchBuilder::new();
        builder.push(now_ms, None, Some(value.as_bytes()), &[]).expect("a small record");
        let batch = builder.build().expect("one record");
        let appended = partition.append(&batch, now_ms).expect("appended");
        partition.committed(appended.commit, Acks::All).await.expect("durable");
        appended.base_offset
    };
    shard.run(owner, work).await.expect("the shard serves")
}

/// The values of all records of a partition.
pub(super) async fn values(shard: &Rc<Shard>, name: &str, partition: i32) -> Vec<String> {
    let key = key(shard, name, partition);
    let owner = shard.owner(key).expect("a partition that is there");
    let work = move |shard: Rc<Shard>| async move {
        let partition = shard.partition(key).expect("its owner has it");
        let marks = partition.watermarks();
        let mut values = Vec::new();
        let mut next = marks.log_start();
        while next < marks.high() {
            let found = partition.log().read(key, next, marks.high(), 1 << 20, true).await.expect("readable");
            let bytes: Vec<u8> = found.slices.iter().flat_map(|slice| slice.iter().copied()).collect();
            for batch in crate::batch::Batches::new(&bytes) {
                let (header, batch) = batch.expect("a whole batch");
                let records = crate::batch::record_bytes(&header, batch, 1 << 20).expect("records");
                for record in crate::batch::Records::new(&header, &records) {
                    let value = record.expect("a record").value.unwrap_or_default();
                    values.push(String::from_utf8_lossy(value).into_owned());
                }
            }
            next = found.next_offset;
        }
        values
    };
    shard.run(owner, work).await.expect("the shard serves")
}

pub(super) fn set(scope: ConfigScope, resource: &str, name: &str, value: &str) -> Vec<ResourceUpdate> {
    let update = ConfigUpdate { name: name.to_owned(), operation: AlterOperation::Set, value: Some(value.to_owned()) };
    vec![ResourceUpdate { resource: ConfigResource { scope, name: resource.to_owned() }, updates: vec![update] }]
}

#[test]
fn topics_configs_and_producer_ids_survive_a_restart() {
    let data_dir = temp_dir();
    engine(settings(&data_dir, 2), |shard| async move {
        create(&shard, "kept", 3).await;
        create(&shard, "gone", 4).await;
        assert_eq!(shard.next_producer_id().await, Ok(0));
        assert_eq!(shard.next_producer_id().await, Ok(1));
        let changes = set(ConfigScope::Topic, "kept", "retention.ms", "77");
        assert_eq!(shard.alter_configs(changes, false, false).await, [Ok(())]);
        let changes = set(ConfigScope::Broker, "", "message.max.bytes", "5000");
        assert_eq!(shard.alter_configs(changes, false, false).await, [Ok(())]);
        let more = NewPartitions { topic: "kept".to_owned(), count: 5, assignments: None };
        assert_eq!(shard.create_partitions(vec![more], false).await, [Ok(())]);
        let answers = shard.delete_topics(vec![TopicReference::Name("gone".to_owned())]).await;
        assert!(matches!(answers.as_slice(), [Ok(_)]));
        assert_eq!(append(&shard, "kept", 4, "one".to_owned()).await, Offset(0));
    });
    engine(settings(&data_dir, 2), |shard| async move {
        assert_eq!(shard.image().topic_count(), 1);
        assert_eq!(shard.image().partition_count(), 5);
        let number = key(&shard, "kept", 0).topic;
        let topic = shard.topic_settings(number).expect("there");
        assert_eq!((topic.retention_ms, topic.batch_bytes_max), (Some(77), 5000));
        assert_eq!(shard.next_producer_id().await, Ok(1000), "what was left of a block is not given out again");
        assert_eq!(values(&shard, "kept", 4).await, ["one"]);
        for partition in shard.partitions() {
            assert_eq!(partition.leader_epoch(), LeaderEpoch(1));
            assert_eq!((partition.settings().rules.bytes_max, partition.settings().retention_ms), (5000, Some(77)));
        }
        create(&shard, "gone", 1).await;
        assert_eq!(values(&shard, "gone", 0).await, Vec::<String>::new());
    });
}

#[test]
fn partitions_spread_over_shards_and_live_only_on_their_own() {
    let data_dir = temp_dir();
    engine(settings(&data_dir, 3), |shard| async move {
        create(&shard, "spread", 9).await;
        for target in 0..3 {
            let keys: Vec<PartitionKey> = (0..9).map(|partition| key(&shard, "spread", partition)).collect();
            let there = shard
                .run(ShardId(target), move |shard: Rc<Shard>| async move {
                    let own = |key: &&PartitionKey| shard.partition(**key).is_some();
                    assert!(keys.iter().all(|key| (shard.owner(*key) == Some(shard.id())) == own(&key)));
                    keys.iter().filter(own).count()
                })
                .await;
            assert_eq!(there, Ok(3));
        }
    });
}

#[test]
fn other_numbers_of_shards_lose_nothing() {
    let data_dir = temp_dir();
    for (round, shards) in [2, 4, 1, 3].into_iter().enumerate() {
        engine(settings(&data_dir, shards), move |shard| async move {
            create(&shard, &format!("topic-{round}"), 6).await;
            for earlier in 0..=round {
                let name = format!("topic-{earlier}");
                for partition in 0..6 {
                    let mut expected: Vec<String> = (earlier..round).map(|written| format!("{written}")).collect();
                    assert_eq!(values(&shard, &name, partition).await, expected);
                    append(&shard, &name, partition, format!("{round}")).await;
                    expected.push(format!("{round}"));
                    assert_eq!(values(&shard, &name, partition).await, expected);
                }
            }
        });
    }
}

#[test]
fn deleted_topic_leaves_nothing_in_the_logs() {
    let data_dir = temp_dir();
    engine(settings(&data_dir, 2), |shard| async move {
        create(&shard, "gone", 8).await;
        for partition in 0..8 {
            append(&shard, "gone", partition, "value".to_owned()).await;
        }
        shard.delete_topics(vec![TopicReference::Name("gone".to_owned())]).await;
        for target in 0..2 {
            let left = shard.run(ShardId(target), |shard: Rc<Shard>| async move {
                let logs: Vec<_> = shard.logs.borrow().values().cloned().collect();
                logs.iter().flat_map(crate::log::ShardLog::partition_keys).filter(|key| *key != METADATA_KEY).count()
            });
            assert_eq!(left.await, Ok(0));
        }
    });
}

#[test]
fn metadata_log_is_cut_behind_a_snapshot() {
    let data_dir = temp_dir();
    let changes = METADATA_SNAPSHOT_BYTES_MIN / 30_000 + 10;
    engine(settings(&data_dir, 1), move |shard| async move {
        create(&shard, "topic", 3).await;
        let starts = |shard: &Rc<Shard>| {
            let log = shard.logs.borrow().values().next().cloned().expect("a log");
            log.partition_range(METADATA_KEY).expect("metadata").0
        };
        assert_eq!(starts(&shard), Offset(0));
        for change in 0..changes {
            let value = format!("{change}:{}", "x".repeat(30_000));
            let changes = set(ConfigScope::Broker, "", "my.long.config", &value);
            assert_eq!(shard.alter_configs(changes, false, false).await, [Ok(())]);
        }
        assert!(starts(&shard) > Offset(0), "the log's start moved up");
    });
    engine(settings(&data_dir, 1), move |shard| async move {
        assert_eq!(shard.image().partition_count(), 3);
        let image = shard.image();
        let value = image.configs(ConfigScope::Broker, "").get("my.long.config").expect("set");
        assert!(value.starts_with(&format!("{}:", changes - 1)));
    });
}

#[test]
fn large_topic_is_created_and_deleted_at_once() {
    let data_dir = temp_dir();
    engine(settings(&data_dir, 2), |shard| async move {
        create(&shard, "large", 9_000).await;
        assert_eq!(shard.image().partition_count(), 9_000);
        assert_eq!(append(&shard, "large", 8_999, "last".to_owned()).await, Offset(0));
    });
    engine(settings(&data_dir, 1), |shard| async move {
        assert_eq!(shard.partitions().len(), 9_000);
        assert_eq!(values(&shard, "large", 8_999).await, ["last"]);
        shard.delete_topics(vec![TopicReference::Name("large".to_owned())]).await;
        assert_eq!(shard.partitions().len(), 0);
    });
}

#[test]
fn directory_in_use_is_refused() {
    let data_dir = temp_dir();
    let same = data_dir.clone();
    engine(settings(&data_dir, 1), move |_shard| {
        let same = same.clone();
        async move {
            let second = Engine::new(settings(&same, 1));
            let error = second.run(0, async |_| panic!("a second engine")).await.expect_err("the directory is in use");
            assert!(matches!(error, BootError::Locked(_)), "{error}");
        }
    });
}

#[test]
fn log_that_is_missing_is_refused() {
    let data_dir = temp_dir();
    engine(settings(&data_dir, 2), |shard| async move { create(&shard, "topic", 4).await });
    let lost: PathBuf = data_dir.join("log-1");
    corelog_rt::testing::run(move || async move { dir::remove_all(&lost).await.expect("removed") });
    assert!(matches!(refused(settings(&data_dir, 1)), BootError::LogMissing { .. }));
    let other = EngineSettings { broker_id: 2, ..settings(&data_dir, 1) };
    assert!(matches!(refused(other), BootError::OtherBroker { found: 1, expected: 2, .. }));
}
