//! Groups that change between the protocols while members are in them.

use bytes::{BufMut, Bytes, BytesMut};
use corelog_protocol::Text;
use corelog_protocol::messages::heartbeat_request::HeartbeatRequest;
use corelog_protocol::messages::join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol};
use corelog_protocol::messages::sync_group_request::SyncGroupRequest;

use super::world::{Topics, context, given, heartbeat, join};
use crate::groups::consumer::assignment::{Assignment, partition_count};
use crate::groups::consumer::embedded;
use crate::groups::consumer::{
    ClassicGroupFacts, ClassicMemberFacts, ConsumerGroup, ConsumerGroupError, ConsumerSettings, MigrationPolicy,
};
use crate::groups::records::GroupRecord;

fn settings() -> ConsumerSettings {
    ConsumerSettings { assignment_interval_ms: 0, ..ConsumerSettings::default() }
}

/// The subscription of a consumer that owns these partitions.
pub fn subscription(topics: &[&str], owned: &[(&str, Vec<i32>)]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(1);
    bytes.put_i32(i32::try_from(topics.len()).unwrap());
    let text = |bytes: &mut BytesMut, text: &str| {
        bytes.put_i16(i16::try_from(text.len()).unwrap());
        bytes.put_slice(text.as_bytes());
    };
    for topic in topics {
        text(&mut bytes, topic);
    }
    bytes.put_i32(-1);
    bytes.put_i32(i32::try_from(owned.len()).unwrap());
    for (topic, partitions) in owned {
        text(&mut bytes, topic);
        bytes.put_i32(i32::try_from(partitions.len()).unwrap());
        for partition in partitions {
            bytes.put_i32(*partition);
        }
    }
    bytes.freeze()
}

pub fn classic_join(member: &str, topics: &[&str], owned: &[(&str, Vec<i32>)]) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: "g".into(),
        member_id: member.into(),
        session_timeout_ms: 30_000,
        rebalance_timeout_ms: 60_000,
        protocol_type: "consumer".into(),
        protocols: vec![JoinGroupRequestProtocol { name: "range".into(), metadata: subscription(topics, owned) }],
        ..Default::default()
    }
}

pub fn classic_sync(member: &str, generation: i32) -> SyncGroupRequest {
    SyncGroupRequest {
        group_id: "g".into(),
        generation_id: generation,
        member_id: member.into(),
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        ..Default::default()
    }
}

pub fn classic_heartbeat(member: &str, generation: i32) -> HeartbeatRequest {
    HeartbeatRequest { group_id: "g".into(), member_id: member.into(), generation_id: generation, ..Default::default() }
}

fn classic_group(topics: &Topics) -> ClassicGroupFacts {
    let all: Assignment = topics.all().map(|(_, id, count)| (id, (0..count).collect())).collect();
    let member = ClassicMemberFacts {
        id: "c".into(),
        client_id: "old".into(),
        client_host: "/127.0.0.1".into(),
        rebalance_timeout_ms: 60_000,
        session_timeout_ms: 30_000,
        protocols: vec![("range".into(), subscription(&["t"], &[]))],
        assignment: embedded::assignment_bytes(&all, 1, topics),
        instance_id: None,
    };
    ClassicGroupFacts { id: "g".into(), generation: 7, protocol: Some("range".into()), members: vec![member] }
}

#[test]
fn classic_group_goes_on_as_consumer_group_and_back() {
    let (topics, settings) = (Topics::with(&[("t", 4)]), settings());
    let at = |now_ms| context(now_ms, &topics, &settings);
    let (mut group, changes) = ConsumerGroup::from_classic(&classic_group(&topics), &topics).unwrap();
    assert!(matches!(&changes.records[0], GroupRecord::GroupMetadata(_, None)), "the classic group is deleted first");
    assert_eq!((group.epoch(), group.target_epoch(), group.members().len()), (7, 7, 1));

    // A consumer member joins; the classic one is told to join again, gives up half, and gets the rest when it syncs.
    let joined = group.heartbeat(&join("n", &["t"]), &at(1)).unwrap().answer;
    assert_eq!((joined.member_epoch, given(&joined)), (8, Some(Assignment::new())));
    assert!(group.classic_heartbeat(&classic_heartbeat("c", 7), &at(2)).unwrap().answer);
    let rejoin = classic_join("c", &["t"], &[("t", vec![0, 1, 2, 3])]);
    let answer = group.classic_join(&rejoin, 9, &at(3)).unwrap().answer;
    assert_eq!((answer.generation_id, answer.protocol_name.as_deref()), (7, Some("range")), "it must give up first");
    let synced = group.classic_sync(&classic_sync("c", 7), &at(4)).unwrap().answer;
    let kept = embedded::assignment(&synced.assignment, &topics).unwrap();
    assert_eq!(partition_count(&kept), 2);
    assert!(group.classic_heartbeat(&classic_heartbeat("c", 7), &at(5)).unwrap().answer);
    let owned = vec![("t", kept.values().flatten().copied().collect())];
    let answer = group.classic_join(&classic_join("c", &["t"], &owned), 9, &at(6)).unwrap().answer;
    assert_eq!(answer.generation_id, 8);
    group.classic_sync(&classic_sync("c", 8), &at(7)).unwrap();
    assert!(!group.classic_heartbeat(&classic_heartbeat("c", 8), &at(8)).unwrap().answer);
    let beat = group.heartbeat(&heartbeat("n", 8, None), &at(9)).unwrap().answer;
    assert_eq!(partition_count(&given(&beat).unwrap()), 2);

    // The consumer member leaves: what is left is a classic group, which rebalances.
    let step = group.heartbeat(&heartbeat("n", -1, None), &at(10)).unwrap();
    assert!(step.downgrade.is_some_and(|downgrade| downgrade.rebalance));
    let Some(GroupRecord::GroupMetadata(_, Some(classic))) = step.changes.records.last() else {
        panic!("no classic group")
    };
    assert_eq!((classic.generation, classic.members.len(), classic.members[0].session_timeout), (8, 1, 30_000));
    let mut replayed = group.clone();
    for record in &step.changes.records {
        replayed.replay(record);
    }
    assert!(replayed.is_gone());
}

#[test]
fn groups_stay_what_they_are_where_the_policy_forbids() {
    let topics = Topics::with(&[("t", 4)]);
    let settings = ConsumerSettings { migration: MigrationPolicy::Upgrade, ..settings() };
    let at = |now_ms| context(now_ms, &topics, &settings);
    let (mut group, _) = ConsumerGroup::from_classic(&classic_group(&topics), &topics).unwrap();
    group.heartbeat(&join("n", &["t"]), &at(1)).unwrap();
    let step = group.heartbeat(&heartbeat("n", -1, None), &at(2)).unwrap();
    assert!(step.downgrade.is_none() && group.members().len() == 1);

    let disabled = ConsumerSettings { migration: MigrationPolicy::Disabled, ..settings.clone() };
    let refused = group.classic_join(&classic_join("d", &["t"], &[]), 9, &context(3, &topics, &disabled));
    assert_eq!(refused.unwrap_err(), ConsumerGroupError::MigrationDisabled("g".into()));
}

#[test]
fn classic_members_are_checked_as_kafka_checks_them() {
    let (topics, settings) = (Topics::with(&[("t", 4)]), settings());
    let at = |now_ms| context(now_ms, &topics, &settings);
    let (mut group, _) = ConsumerGroup::from_classic(&classic_group(&topics), &topics).unwrap();
    group.heartbeat(&join("n", &["t"]), &at(1)).unwrap();
    let required = group.classic_join(&classic_join("", &["t"], &[]), 9, &at(2)).unwrap_err();
    assert!(matches!(required, ConsumerGroupError::MemberIdRequired(_)));
    let mut other = classic_join("d", &["t"], &[]);
    other.protocols[0].name = "mine".into();
    assert_eq!(
        group.classic_join(&other, 9, &at(3)).unwrap_err(),
        ConsumerGroupError::InconsistentProtocol("d".into())
    );
    other = classic_join("d", &["t"], &[]);
    other.protocols[0].metadata = Bytes::from_static(&[0, 1, 0x7f, 0xff, 0xff, 0xff]);
    assert_eq!(
        group.classic_join(&other, 9, &at(4)).unwrap_err(),
        ConsumerGroupError::InconsistentProtocol("d".into())
    );
    let generation = group.classic_heartbeat(&classic_heartbeat("c", 3), &at(5)).unwrap_err();
    assert!(matches!(generation, ConsumerGroupError::IllegalGeneration { received: 3, known: 7, .. }));
    let kind = group.classic_heartbeat(&classic_heartbeat("n", 8), &at(6)).unwrap_err();
    assert_eq!(kind, ConsumerGroupError::NotClassicMember("n".into()));
    let sync = group.classic_sync(&classic_sync("c", 7), &at(7)).unwrap_err();
    assert!(matches!(sync, ConsumerGroupError::RebalanceInProgress { .. }));
    let mut broken = classic_group(&topics);
    broken.members[0].protocols[0].1 = Bytes::new();
    let refused = ConsumerGroup::from_classic(&broken, &topics).map(drop).unwrap_err();
    assert_eq!(refused, ConsumerGroupError::MalformedClassicGroup(Text::from("g")));
}
