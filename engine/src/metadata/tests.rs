//! The state machine against what Kafka 4.3.1 answers to the same requests, and its records through codec, image and snapshot.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::config::{ConfigMap, ConfigScope, TopicSettings};
use crate::ids::{LeaderEpoch, LogId, PartitionKey, TopicNumber};
use crate::metadata::codec::{RecordError, decode, encode};
use crate::metadata::quotas::NamedEntity;
use crate::metadata::snapshot::{Replay, parts};

struct Cluster {
    state: MetadataState,
    log: Vec<Vec<MetadataRecord>>,
    ids: u8,
}

impl Cluster {
    fn new(statics: &[(&str, &str)], logs: u32) -> Cluster {
        let statics = statics.iter().map(|(name, value)| (Arc::from(*name), Arc::from(*value))).collect::<ConfigMap>();
        let settings = MetadataSettings { broker_id: 1, statics: Arc::new(statics), logs };
        let state = MetadataState { image: MetadataImage::default(), settings };
        let mut cluster = Cluster { state, log: Vec::new(), ids: 0 };
        let decision = cluster.state.start_broker(TopicId([7; 16]));
        assert_eq!(cluster.commit(decision), TopicId([7; 16]));
        cluster
    }

    fn commit<T>(&mut self, decision: Decision<T>) -> T {
        for record in &decision.records {
            assert_eq!(decode(&encode(record)).as_ref(), Ok(record));
        }
        if !decision.records.is_empty() {
            self.state.image.apply(&decision.records).expect("records that the state machine decided apply");
            self.log.push(decision.records);
        }
        decision.answer
    }

    fn create(&mut self, topic: NewTopic) -> Result<CreatedTopic, String> {
        let mut ids = self.ids;
        let fresh = || {
            ids += 1;
            TopicId([ids; 16])
        };
        let decision = self.state.create_topics(&[topic], false, fresh);
        self.ids = ids;
        self.commit(decision).remove(0).map_err(|error| error.to_string())
    }

    fn alter(
        &mut self,
        scope: ConfigScope,
        name: &str,
        operation: AlterOperation,
        config: &str,
        value: &str,
    ) -> String {
        let resource = ConfigResource { scope, name: name.to_owned() };
        let updates = vec![ConfigUpdate { name: config.to_owned(), operation, value: Some(value.to_owned()) }];
        let decision = self.state.alter_configs(&[ResourceUpdate { resource, updates }], false, false);
        self.commit(decision).remove(0).err().map(|error| error.to_string()).unwrap_or_default()
    }

    fn quota(&mut self, entity: NamedEntity, key: &str, value: Option<f64>) -> String {
        let operations = vec![(key.to_owned(), value)];
        let decision = self.state.alter_client_quotas(&[QuotaAlteration { entity, operations }], false);
        self.commit(decision).remove(0).1.err().map(|error| error.to_string()).unwrap_or_default()
    }

    fn credential(&mut self, user: &str, mechanism: i8, iterations: i32) -> String {
        let (salt, salted_password) = (vec![1; 8], vec![2; 32]);
        let upsertion = CredentialUpsertion { user: user.to_owned(), mechanism, iterations, salt, salted_password };
        let decision = self.state.alter_credentials(&[], &[upsertion]);
        self.commit(decision).remove(0).1.err().map(|error| error.to_string()).unwrap_or_default()
    }

    fn add_partitions(&mut self, topic: &str, count: i32, assignments: Option<Vec<Vec<i32>>>) -> String {
        let request = NewPartitions { topic: topic.to_owned(), count, assignments };
        let decision = self.state.create_partitions(&[request], false);
        self.commit(decision).remove(0).err().map(|error| error.to_string()).unwrap_or_default()
    }
}

fn topic(name: &str, partitions: i32, replication_factor: i32) -> NewTopic {
    NewTopic { name: name.to_owned(), partitions, replication_factor, ..NewTopic::default() }
}

fn with_config(name: &str, config: &str, value: Option<&str>) -> NewTopic {
    NewTopic { configs: vec![(config.to_owned(), value.map(str::to_owned))], ..topic(name, 1, 1) }
}

fn assigned(assignments: &[(i32, &[i32])]) -> NewTopic {
    let assignments = assignments.iter().map(|(index, replicas)| (*index, replicas.to_vec())).collect();
    NewTopic { assignments, ..topic("assigned", -1, -1) }
}

#[test]
fn topics_are_refused_in_kafkas_words() {
    let mut cluster = Cluster::new(&[], 2);
    cluster.create(topic("t1", 2, 1)).expect("created");
    cluster.create(topic("a.b", 1, 1)).expect("created");
    let long = "z".repeat(250);
    for (new, message) in [
        (topic("t1", 2, 1), "Topic 't1' already exists."),
        (topic("a_b", 1, 1), "Topic 'a_b' collides with existing topic: a.b"),
        (topic("", 1, 1), "Topic name is invalid: the empty string is not allowed"),
        (topic("..", 1, 1), "Topic name is invalid: '..' is not allowed"),
        (
            topic("x y", 1, 1),
            "Topic name is invalid: 'x y' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
        ),
        (
            topic(&long, 1, 1),
            &*format!("Topic name is invalid: the length of '{long}' is longer than the max allowed length 249"),
        ),
        (topic("p0", 0, 1), "Number of partitions was set to an invalid non-positive value."),
        (topic("pm", -2, 1), "Number of partitions was set to an invalid non-positive value."),
        (
            topic("r2", 1, 2),
            "Unable to replicate the partition 2 time(s): The target replication factor of 2 cannot be reached because only 1 \
             broker(s) are registered or some brokers have all their log directories cordoned.",
        ),
        (topic("r0", 1, 0), "Replication factor must be larger than 0, or -1 to use the default value."),
        (topic("big", 20_000, 1), "Excessively large number of partitions per request."),
        (topic("__cluster_metadata", 1, 1), "Creation of internal topic __cluster_metadata is prohibited."),
        (assigned(&[(0, &[1]), (2, &[1])]), "partitions should be a consecutive 0-based integer sequence"),
        (
            assigned(&[(0, &[2])]),
            "The manual partition assignment includes broker 2, but no such broker is registered.",
        ),
        (assigned(&[(0, &[1, 1])]), "The manual partition assignment includes the broker 1 more than once."),
        (assigned(&[(0, &[])]), "The manual partition assignment includes an empty replica list."),
        (
            assigned(&[(0, &[1]), (1, &[1, 2])]),
            "The manual partition assignment includes broker 2, but no such broker is registered.",
        ),
        (with_config("c", "foo", Some("1")), "Unknown topic config name: foo"),
        (
            with_config("c", "retention.ms", Some("x")),
            "Invalid value x for configuration retention.ms: Not a number of type LONG",
        ),
        (with_config("c", "retention.ms", None), "Null value not supported for topic configs: retention.ms"),
    ] {
        assert_eq!(cluster.create(new.clone()).expect_err("refused"), message, "{}", new.name);
    }
    assert_eq!(cluster.state.image.topic_count(), 2);
    assert_eq!(cluster.create(assigned(&[(1, &[1]), (0, &[1])])).expect("created").partitions, 2);
}

#[test]
fn partition_changes_are_refused_in_kafkas_words() {
    let mut cluster = Cluster::new(&[], 2);
    cluster.create(topic("t1", 2, 1)).expect("created");
    for (count, assignments, message) in [
        (2, None, "Topic already has 2 partition(s)."),
        (1, None, "The topic t1 currently has 2 partition(s); 1 would not be an increase."),
        (-1, None, "The topic t1 currently has 2 partition(s); -1 would not be an increase."),
        (
            4,
            Some(vec![vec![1]]),
            "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.",
        ),
        (
            3,
            Some(vec![vec![5]]),
            "The manual partition assignment includes broker 5, but no such broker is registered.",
        ),
        (3, Some(vec![vec![1, 1]]), "The manual partition assignment includes the broker 1 more than once."),
        (3, Some(vec![vec![]]), "The manual partition assignment includes an empty replica list."),
        (30_000, None, "Excessively large number of partitions per request."),
    ] {
        assert_eq!(cluster.add_partitions("t1", count, assignments), message);
    }
    assert_eq!(cluster.add_partitions("nope", 3, None), "This server does not host this topic-partition.");
    assert_eq!(cluster.add_partitions("t1", 3, Some(vec![vec![1]])), "");
    assert_eq!(cluster.add_partitions("t1", 5, None), "");
    assert_eq!(cluster.state.image.topic("t1").map(|topic| topic.partitions.len()), Some(5));
    assert_eq!(cluster.state.image.partition_count(), 5);
}

#[test]
fn config_changes_are_refused_in_kafkas_words() {
    use AlterOperation::{Append, Delete, Set, Subtract};
    use ConfigScope::{Broker, ClientMetrics, Group, Topic};
    let mut cluster = Cluster::new(&[], 1);
    cluster.create(topic("t1", 2, 1)).expect("created");
    for (scope, name, operation, config, value, message) in [
        (Topic, "t1", Set, "foo", "1", "Unknown topic config name: foo"),
        (Topic, "t1", Delete, "foo", "", ""),
        (Topic, "t1", Append, "retention.ms", "1", "Can't APPEND to key retention.ms because its type is not LIST."),
        (Topic, "t1", Subtract, "foo", "1", "Can't SUBTRACT to key foo because its type is not LIST."),
        (Topic, "t1", Append, "cleanup.policy", "compact", ""),
        (
            Topic,
            "t1",
            Append,
            "cleanup.policy",
            "bar",
            "Invalid value bar for configuration cleanup.policy: String must be one of: compact, delete",
        ),
        (Topic, "none", Set, "retention.ms", "1", "The topic 'none' does not exist."),
        (Topic, "", Set, "retention.ms", "1", "Default topic resources are not allowed."),
        (Broker, "1", Set, "num.partitions", "3", "Cannot update these configs dynamically: [num.partitions]"),
        (Broker, "1", Set, "foo", "x", ""),
        (Broker, "2", Set, "log.retention.ms", "1", "Unexpected broker id, expected 1, but received 2"),
        (Broker, "x", Set, "log.retention.ms", "1", "Node id must be an integer, but it is: x"),
        (Broker, "", Append, "log.cleanup.policy", "compact", ""),
        (Group, "", Set, "consumer.session.timeout.ms", "50000", "Default group resources are not allowed."),
        (Group, "g", Set, "consumer.session.timeout.ms", "50000", ""),
        (ClientMetrics, "", Set, "interval.ms", "1000", "Subscription name can't be empty"),
        (ClientMetrics, "m", Set, "foo", "1", "Unknown client metrics configuration: foo"),
        (ClientMetrics, "m", Append, "metrics", "a", "Can't APPEND to key metrics because its type is not LIST."),
        (ClientMetrics, "m", Set, "interval.ms", "1000", ""),
    ] {
        assert_eq!(cluster.alter(scope, name, operation, config, value), message, "{scope:?} {name} {config}={value}");
    }
    let image = &cluster.state.image;
    assert_eq!(image.configs(Topic, "t1").get("cleanup.policy").map(AsRef::as_ref), Some("delete,compact"));
    assert_eq!(image.configs(Broker, "").get("log.cleanup.policy").map(AsRef::as_ref), Some("delete,compact"));
    assert_eq!(cluster.alter(Topic, "t1", Subtract, "cleanup.policy", "delete"), "");
    let settings = TopicSettings::resolve(
        cluster.state.image.configs(Topic, "t1"),
        &cluster.state.image.broker_layers(1, &ConfigMap::new()),
    );
    assert!(settings.compact && !settings.delete);
}

#[test]
fn replacing_change_takes_back_what_it_does_not_name() {
    let mut cluster = Cluster::new(&[], 1);
    cluster.create(with_config("t", "retention.ms", Some("5"))).expect("created");
    let resource = ConfigResource { scope: ConfigScope::Topic, name: "t".to_owned() };
    let set = ConfigUpdate {
        name: "max.message.bytes".to_owned(),
        operation: AlterOperation::Set,
        value: Some("9".to_owned()),
    };
    let update = ResourceUpdate { resource: resource.clone(), updates: vec![set] };
    let twice = cluster.state.alter_configs(&[update.clone(), update.clone()], true, false);
    assert!(twice.records.is_empty() && twice.answer.iter().all(Result::is_err), "a resource comes once");
    let checked = cluster.state.alter_configs(std::slice::from_ref(&update), true, true);
    assert!(checked.records.is_empty() && checked.answer.iter().all(Result::is_ok), "only validated");
    let decision = cluster.state.alter_configs(&[update], true, false);
    assert_eq!(cluster.commit(decision), [Ok(())]);
    let names: Vec<&str> = cluster.state.image.configs(ConfigScope::Topic, "t").keys().map(AsRef::as_ref).collect();
    assert_eq!(names, ["max.message.bytes"]);
}

#[test]
fn partitions_spread_over_the_logs_and_epochs_follow_the_term() {
    let mut cluster = Cluster::new(&[("num.partitions", "8")], 4);
    cluster.create(topic("many", -1, -1)).expect("created");
    let image = &cluster.state.image;
    let many = image.topic("many").expect("there");
    for log in 0..4 {
        assert_eq!(many.partitions.iter().filter(|partition| partition.log == LogId(log)).count(), 2);
    }
    let key = many.key(3).expect("there");
    assert_eq!(image.log_of(key), Some(many.partitions[3].log));
    assert_eq!(image.log_of(PartitionKey { partition: 8, ..key }), None);
    assert_eq!(image.leader_epoch(&many.partitions[0]), LeaderEpoch(0));
    let restart = cluster.state.start_broker(TopicId([9; 16]));
    assert_eq!(cluster.commit(restart), TopicId([7; 16]), "the cluster keeps its id");
    cluster.create(topic("later", 1, 1)).expect("created");
    let image = &cluster.state.image;
    let epoch = |name: &str| image.leader_epoch(&image.topic(name).expect("there").partitions[0]);
    assert_eq!((epoch("many"), epoch("later")), (LeaderEpoch(1), LeaderEpoch(0)));
}

#[test]
fn topics_are_deleted_by_name_and_by_id_and_their_numbers_never_come_back() {
    let mut cluster = Cluster::new(&[], 1);
    let first = cluster.create(topic("one", 1, 1)).expect("created");
    cluster.create(topic("two", 1, 1)).expect("created");
    let by_id = TopicReference::Id(first.id);
    let both = cluster.state.delete_topics(&[TopicReference::Name("one".to_owned()), by_id.clone()]);
    assert!(both.records.is_empty(), "a topic that is named twice is not deleted");
    assert_eq!(
        both.answer[0].clone().expect_err("refused").to_string(),
        "The provided topic name maps to an ID that was already supplied."
    );
    let unknown = TopicReference::Name("nope".to_owned());
    let decision = cluster.state.delete_topics(&[by_id, unknown, TopicReference::Id(TopicId([99; 16]))]);
    let answers = cluster.commit(decision);
    assert_eq!(answers[0].as_ref().expect("deleted").name.as_ref(), "one");
    assert_eq!(answers[1], Err(MetadataError::UnknownTopicOrPartition(super::error::UnknownTopic::NotHosted)));
    assert_eq!(answers[2], Err(MetadataError::UnknownTopicId));
    cluster.create(topic("one", 1, 1)).expect("created again");
    assert_eq!(cluster.state.image.topic("one").map(|topic| topic.number), Some(TopicNumber(3)));
    assert_eq!(cluster.state.image.partition_count(), 2);
    let forbidden = Cluster::new(&[("delete.topic.enable", "false")], 1);
    let decision = forbidden.state.delete_topics(&[TopicReference::Name("x".to_owned())]);
    assert_eq!(decision.answer, [Err(MetadataError::TopicDeletionDisabled)]);
}

#[test]
fn producer_ids_come_in_blocks_that_never_overlap() {
    let mut cluster = Cluster::new(&[], 1);
    let first = cluster.state.allocate_producer_ids();
    assert_eq!(cluster.commit(first), (0, 1000));
    let second = cluster.state.allocate_producer_ids();
    assert_eq!(cluster.commit(second), (1000, 1000));
}

fn busy_cluster() -> Cluster {
    let mut cluster = Cluster::new(&[], 3);
    for index in 0..30 {
        cluster.create(topic(&format!("t.{index}"), 1 + index % 7, 1)).expect("created");
    }
    let restart = cluster.state.start_broker(TopicId([1; 16]));
    cluster.commit(restart);
    assert_eq!(cluster.add_partitions("t.3", 9, None), "");
    for index in 0..10 {
        let decision = cluster.state.delete_topics(&[TopicReference::Name(format!("t.{}", index * 3))]);
        cluster.commit(decision);
    }
    cluster.create(with_config("configured", "retention.ms", Some("77"))).expect("created");
    cluster.alter(ConfigScope::Broker, "", AlterOperation::Set, "log.retention.ms", "9");
    cluster.alter(ConfigScope::Group, "g", AlterOperation::Set, "consumer.session.timeout.ms", "50000");
    let block = cluster.state.allocate_producer_ids();
    cluster.commit(block);
    let user =
        |name: &str| NamedEntity::from([("user".to_owned(), Some(name.to_owned())), ("client-id".to_owned(), None)]);
    for (name, value) in [("u", Some(5.0)), ("v", Some(6.0)), ("u", None)] {
        assert_eq!(cluster.quota(user(name), "consumer_byte_rate", value), "");
    }
    for (name, mechanism) in [("alice", 1), ("alice", 2), ("bob", 1)] {
        assert_eq!(cluster.credential(name, mechanism, 4096), "");
    }
    let deletion = CredentialDeletion { user: "bob".to_owned(), mechanism: 1 };
    let decision = cluster.state.alter_credentials(&[deletion], &[]);
    assert_eq!(cluster.commit(decision)[0].1, Ok(()));
    let update = FeatureUpdate { name: "group.version".to_owned(), level: 0, kind: 2 };
    let decision = cluster.state.update_features(&[update], false);
    assert_eq!(cluster.commit(decision), Ok(()));
    let started = Decision { records: vec![MetadataRecord::BrokerStarted { broker: 8 }], answer: () };
    cluster.commit(started);
    let decision = cluster.state.unregister_broker(8);
    assert_eq!(cluster.commit(decision), Ok(()));
    cluster
}

#[test]
fn quotas_are_refused_in_kafkas_words() {
    let mut cluster = Cluster::new(&[], 1);
    let entity = |parts: &[(&str, Option<&str>)]| -> NamedEntity {
        parts.iter().map(|(kind, name)| ((*kind).to_owned(), name.map(str::to_owned))).collect()
    };
    let user = entity(&[("user", Some("u"))]);
    let address = entity(&[("ip", Some("10.0.0.1"))]);
    for (of, key, value, message) in [
        (&entity(&[]), "producer_byte_rate", 1.0, "Invalid empty client quota entity"),
        (&entity(&[("group", None)]), "producer_byte_rate", 1.0, "Unhandled client quota entity type: group"),
        (&entity(&[("user", Some(""))]), "producer_byte_rate", 1.0, "Empty user not supported"),
        (
            &entity(&[("ip", Some("no.such"))]),
            "connection_creation_rate",
            1.0,
            "no.such is not a valid IP or resolvable host.",
        ),
        (&user, "connection_creation_rate", 1.0, "Invalid configuration key connection_creation_rate"),
        (&user, "producer_byte_rate", 0.0, "Quota producer_byte_rate must be greater than 0"),
        (&user, "producer_byte_rate", 1.5, "producer_byte_rate cannot be a fractional value."),
        (&user, "producer_byte_rate", 1e19, "Proposed value for producer_byte_rate is too large for a LONG."),
        (
            &address,
            "connection_creation_rate",
            3e9,
            "Proposed value for connection_creation_rate is too large for an INT.",
        ),
    ] {
        assert_eq!(cluster.quota(of.clone(), key, Some(value)), message);
    }
    assert_eq!(cluster.quota(user.clone(), "request_percentage", Some(0.5)), "");
    assert_eq!(cluster.quota(user, "no.such.key", None), "");
    assert_eq!(cluster.quota(address, "connection_creation_rate", Some(7.0)), "");
    assert_eq!(cluster.state.image.quotas().len(), 2);
}

#[test]
fn credentials_are_refused_in_kafkas_words() {
    let mut cluster = Cluster::new(&[], 1);
    for (user, mechanism, iterations, message) in [
        ("", 1, 4096, "Username must not be empty"),
        ("u", 0, 4096, "Unknown SCRAM mechanism"),
        ("u", 1, 4095, "Too few iterations"),
        ("u", 2, 16385, "Too many iterations"),
    ] {
        assert_eq!(cluster.credential(user, mechanism, iterations), message);
    }
    assert_eq!(cluster.credential("u", 1, 4096), "");
    let deletion = |mechanism| CredentialDeletion { user: "u".to_owned(), mechanism };
    let twice = cluster.state.alter_credentials(&[deletion(1), deletion(1)], &[]);
    assert_eq!((twice.records.len(), twice.answer.len()), (0, 1));
    assert_eq!(twice.answer[0].1, Err(credentials::CredentialError::Repeated.into()));
    let missing = cluster.state.alter_credentials(&[deletion(2)], &[]);
    assert_eq!(missing.answer[0].1, Err(credentials::CredentialError::NotThere.into()));
}

#[test]
fn features_change_together_or_not_at_all() {
    let mut cluster = Cluster::new(&[], 1);
    let update = |name: &str, level, kind| FeatureUpdate { name: name.to_owned(), level, kind };
    let group = features::feature("group.version").expect("a feature");
    let epoch = cluster.state.image.features_epoch();
    let decision = cluster.state.update_features(&[update("group.version", 0, 2), update("no.such", 1, 1)], false);
    assert!(cluster.commit(decision).is_err());
    assert_eq!((cluster.state.image.feature_level(group), cluster.state.image.features_epoch()), (1, epoch));
    let decision = cluster.state.update_features(&[update("group.version", 0, 1)], false);
    assert!(cluster.commit(decision).is_err(), "down without saying so");
    let decision = cluster.state.update_features(&[update("group.version", 0, 2)], false);
    assert_eq!(cluster.commit(decision), Ok(()));
    assert_eq!(cluster.state.image.feature_level(group), 0);
    assert!(cluster.state.image.features_epoch() > epoch);
}

#[test]
fn a_partition_of_another_broker_moves_to_this_one() {
    let mut cluster = Cluster::new(&[], 1);
    cluster.create(topic("t", 2, 1)).expect("created");
    let number = cluster.state.image.topic("t").expect("a topic").number;
    let elsewhere = MetadataRecord::Replicas { topic: number, partition: 1, replicas: Arc::from([7]) };
    cluster.commit(Decision { records: vec![elsewhere], answer: () });
    let all = [TopicPartitions { topic: "t".to_owned(), partitions: vec![0, 1] }];
    let elected = cluster.state.elect_leaders(ElectionType::Preferred, &all).answer;
    let not_there = error::ElectionError::PreferredLeaderNotAvailable;
    assert_eq!(elected[0][1], Err(MetadataError::Election(not_there)));
    let here = Reassignment { partition: 1, replicas: Some(vec![1]) };
    let wanted = [TopicPartitions { topic: "t".to_owned(), partitions: vec![here] }];
    let decision = cluster.state.reassign_partitions(&wanted, true);
    assert_eq!(cluster.commit(decision), [[Ok(())]]);
    let elected = cluster.state.elect_leaders(ElectionType::Preferred, &all).answer;
    assert_eq!(elected[0][1], Err(MetadataError::Election(error::ElectionError::NotNeeded)));
}

#[test]
fn a_broker_that_runs_stays_registered() {
    let mut cluster = Cluster::new(&[], 1);
    let decision = cluster.state.unregister_broker(1);
    assert_eq!(cluster.commit(decision), Ok(()));
    assert!(cluster.state.image.brokers().contains(&1));
    assert_eq!(cluster.state.unregister_broker(2).answer, Err(MetadataError::BrokerNotRegistered(2)));
}

/// Everything that an image says, in a form that compares.
fn shown(image: &MetadataImage) -> String {
    let whole = image.whole();
    let keys =
        |set: &ScramCredential| (set.iterations, set.salt.clone(), set.stored_key.clone(), set.server_key.clone());
    let credentials =
        whole.credentials.iter().map(|(user, set)| (user, set.values().map(|one| keys(one)).collect::<Vec<_>>()));
    let credentials: Vec<_> = credentials.collect();
    let (topics, configs, scalars) = (&whole.topics, &whole.configs, &whole.scalars);
    format!("{topics:?} {configs:?} {:?} {credentials:?} {scalars:?} {}", whole.quotas, image.partition_count())
}

#[test]
fn replay_snapshot_and_deltas_all_give_the_same_image() {
    let cluster = busy_cluster();
    let expected = shown(&cluster.state.image);
    let mut replayed = Replay::default();
    let mut follower = MetadataImage::default();
    let mut leader = MetadataImage::default();
    for batch in &cluster.log {
        assert_eq!(replayed.batch(batch), Ok(false));
        follower.absorb(&leader.apply(batch).expect("applies"));
    }
    assert_eq!(shown(&replayed.finish()), expected);
    assert_eq!(shown(&follower), expected);
    let mut from_snapshot = Replay::default();
    for batch in parts(&cluster.state.image) {
        from_snapshot.batch(&batch).expect("applies");
    }
    assert_eq!(shown(&from_snapshot.finish()), expected);
    let mut whole = MetadataImage::default();
    whole.absorb(&cluster.state.image.whole());
    assert_eq!(shown(&whole), expected);
}

#[test]
fn snapshot_that_was_cut_off_is_forgotten() {
    let cluster = busy_cluster();
    let mut replay = Replay::default();
    for batch in &cluster.log {
        replay.batch(batch).expect("applies");
    }
    let mut cut: Vec<MetadataRecord> = parts(&cluster.state.image).remove(0);
    cut[0] = MetadataRecord::SnapshotPart { part: 0, last: false };
    replay.batch(&cut).expect("applies");
    replay.batch(&[MetadataRecord::ProducerIds { next: 5000 }]).expect("applies");
    let image = replay.finish();
    assert_eq!(image.producer_id_next(), 5000);
    assert_eq!(image.topic_count(), cluster.state.image.topic_count());
}

#[test]
fn records_that_contradict_the_image_are_refused() {
    let mut image = MetadataImage::default();
    let logs = vec![LogId(0)];
    let gap =
        MetadataRecord::Partitions { topic: TopicNumber(1), first: 3, replicas: Arc::from([1]), logs, term_base: 0 };
    assert!(image.apply([&gap]).is_err());
    let name: Arc<str> = Arc::from("t");
    let new = MetadataRecord::Topic { number: TopicNumber(1), id: TopicId([1; 16]), name };
    image.apply([&new]).expect("applies");
    assert!(image.apply([&new]).is_err());
    assert!(image.apply([&gap]).is_err());
    assert!(image.apply([&MetadataRecord::TopicDeleted { number: TopicNumber(2) }]).is_err());
}

#[test]
fn hostile_records_are_refused_without_allocating_what_they_claim() {
    assert_eq!(decode(&[]), Err(RecordError::Truncated));
    assert_eq!(decode(&[2, 1]), Err(RecordError::NewerVersion(2)));
    assert_eq!(decode(&[1, 77]), Err(RecordError::UnknownKind(77)));
    let mut partitions = vec![1, 4];
    partitions.extend_from_slice(&[0; 12]);
    partitions.extend_from_slice(&[0, 0]);
    partitions.extend_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(decode(&partitions), Err(RecordError::Truncated));
    let mut long = encode(&MetadataRecord::ProducerIds { next: 3 });
    long.push(0);
    assert_eq!(decode(&long), Err(RecordError::Trailing));
}

proptest! {
    #[test]
    fn any_bytes_decode_to_an_error_or_to_what_encodes_to_them(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = bytes;
        if let Some(version) = bytes.first_mut() {
            *version = 1;
        }
        if let Some(kind) = bytes.get_mut(1) {
            *kind %= 16;
        }
        if let Ok(record) = decode(&bytes) {
            prop_assert_eq!(encode(&record), bytes);
        }
    }
}
