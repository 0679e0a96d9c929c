//! One request after another: epochs, fencing, static members, timeouts, topics that change.

use std::collections::BTreeSet;

use corelog_protocol::Text;

use super::world::{Topics, context, given, heartbeat, join};
use crate::groups::consumer::assignment::{Assignment, partition_count};
use crate::groups::consumer::pattern::Resolution;
use crate::groups::consumer::{
    CommitClaim, CommitScope, ConsumerGroup, ConsumerGroupError, ConsumerGroupState, ConsumerSettings, check_heartbeat,
};

/// Without a pause between targets, so that every request sees the newest.
fn settings() -> ConsumerSettings {
    ConsumerSettings { assignment_interval_ms: 0, ..ConsumerSettings::default() }
}

fn group() -> ConsumerGroup {
    ConsumerGroup::new("g".into())
}

#[test]
fn two_members_share_step_by_step_and_the_second_waits_for_the_first() {
    let (topics, settings, mut group) = (Topics::with(&[("t", 6)]), settings(), group());
    let at = |now_ms| context(now_ms, &topics, &settings);
    let a = group.heartbeat(&join("a", &["t"]), &at(1)).unwrap().answer;
    assert_eq!((a.member_epoch, partition_count(&given(&a).unwrap())), (2, 6));
    assert_eq!((a.heartbeat_interval_ms, group.state()), (5000, ConsumerGroupState::Stable));
    let b = group.heartbeat(&join("b", &["t"]), &at(2)).unwrap().answer;
    assert_eq!((b.member_epoch, given(&b)), (3, Some(Assignment::new())), "nothing is free yet");
    assert_eq!(group.state(), ConsumerGroupState::Reconciling);

    // The first is told to give up half, stays in its epoch until it has, and the second gets them then.
    let a = group.heartbeat(&heartbeat("a", 2, None), &at(3)).unwrap().answer;
    let kept = given(&a).unwrap();
    assert_eq!((a.member_epoch, partition_count(&kept)), (2, 3));
    let b = group.heartbeat(&heartbeat("b", 3, Some(&Assignment::new())), &at(4)).unwrap().answer;
    assert_eq!(given(&b), None, "still held by the first");
    let a = group.heartbeat(&heartbeat("a", 2, Some(&kept)), &at(5)).unwrap().answer;
    assert_eq!(a.member_epoch, 3);
    let b = group.heartbeat(&heartbeat("b", 3, None), &at(6)).unwrap().answer;
    assert_eq!(partition_count(&given(&b).unwrap()), 3);
    assert_eq!(group.state(), ConsumerGroupState::Stable);
    let quiet = group.heartbeat(&heartbeat("b", 3, None), &at(7)).unwrap();
    assert!(quiet.changes.records.is_empty() && quiet.answer.assignment.is_none());
}

#[test]
fn epochs_are_fenced_and_a_lost_answer_is_forgiven_once() {
    let (topics, settings, mut group) = (Topics::with(&[("t", 2)]), settings(), group());
    let at = |now_ms| context(now_ms, &topics, &settings);
    let unknown = group.heartbeat(&heartbeat("a", 2, None), &at(0)).unwrap_err();
    assert!(matches!(unknown, ConsumerGroupError::UnknownMember { .. }));
    let owned = given(&group.heartbeat(&join("a", &["t"]), &at(1)).unwrap().answer).unwrap();
    let fenced = |error| matches!(error, ConsumerGroupError::FencedEpoch { .. });
    assert!(fenced(group.heartbeat(&heartbeat("a", 3, None), &at(2)).unwrap_err()));
    let mut wider = heartbeat("a", 2, None);
    wider.subscribed_topic_names = Some(vec!["t".into(), "u".into()]);
    assert_eq!(group.heartbeat(&wider, &at(3)).unwrap().answer.member_epoch, 3);
    assert!(group.heartbeat(&heartbeat("a", 2, Some(&owned)), &at(4)).is_ok(), "the answer may have been lost");
    assert!(fenced(group.heartbeat(&heartbeat("a", 2, None), &at(5)).unwrap_err()));
    assert!(group.heartbeat(&join("a", &["t"]), &at(6)).is_ok(), "a fenced member joins again");
}

#[test]
fn static_members_come_back_to_what_they_had() {
    let (topics, settings, mut group) = (Topics::with(&[("t", 4)]), settings(), group());
    let at = |now_ms| context(now_ms, &topics, &settings);
    let with_instance =
        |mut request: corelog_protocol::messages::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest| {
            request.instance_id = Some("i".into());
            request
        };
    let first = group.heartbeat(&with_instance(join("a", &["t"])), &at(1)).unwrap().answer;
    let taken = group.heartbeat(&with_instance(join("b", &["t"])), &at(2)).unwrap_err();
    assert!(matches!(taken, ConsumerGroupError::UnreleasedInstance { .. }));
    let other = group.heartbeat(&with_instance(heartbeat("b", 2, None)), &at(3)).unwrap_err();
    assert!(matches!(other, ConsumerGroupError::FencedInstance { .. }));
    let away = group.heartbeat(&with_instance(heartbeat("a", -2, None)), &at(4)).unwrap();
    assert_eq!((away.answer.member_epoch, away.changes.records.len()), (-2, 1));
    let back = group.heartbeat(&with_instance(join("b", &["t"])), &at(5)).unwrap().answer;
    assert_eq!((given(&back), back.member_epoch, group.epoch()), (given(&first), 2, 2), "nobody noticed");
    group.heartbeat(&with_instance(heartbeat("b", -1, None)), &at(6)).unwrap();
    assert_eq!((group.state(), group.epoch()), (ConsumerGroupState::Empty, 3));
}

#[test]
fn silent_members_go_and_those_that_do_not_give_up_partitions() {
    let (topics, settings, mut group) = (Topics::with(&[("t", 2)]), settings(), group());
    let at = |now_ms| context(now_ms, &topics, &settings);
    let mut slow = join("a", &["t"]);
    slow.rebalance_timeout_ms = 10_000;
    let step = group.heartbeat(&slow, &at(0)).unwrap();
    assert_eq!(step.wake_ms, Some(45_000));
    group.heartbeat(&join("b", &["t"]), &at(1_000)).unwrap();
    let step = group.heartbeat(&heartbeat("a", 2, None), &at(2_000)).unwrap();
    assert_eq!(step.wake_ms, Some(12_000), "told to give up one of two");
    assert!(group.tick(&at(11_999)).changes.records.is_empty());
    let step = group.tick(&at(12_000));
    assert_eq!((step.changes.records.len(), step.wake_ms), (4, Some(46_000)));
    assert_eq!(group.members().keys().map(Text::as_str).collect::<Vec<_>>(), ["b"]);
    group.tick(&at(46_000));
    assert!(group.is_empty() && group.first_deadline_ms().is_none());
}

#[test]
fn topics_that_come_grow_and_go_are_noticed_at_the_next_heartbeat() {
    let (mut topics, settings, mut group) = (Topics::default(), settings(), group());
    let beat = |group: &mut ConsumerGroup, topics: &Topics, now_ms, epoch| {
        let answer = group
            .heartbeat(&heartbeat("a", epoch, Some(&Assignment::new())), &context(now_ms, topics, &settings))
            .unwrap()
            .answer;
        (answer.member_epoch, given(&answer).map(|given| partition_count(&given)))
    };
    group.heartbeat(&join("a", &["t"]), &context(0, &topics, &settings)).unwrap();
    topics.create("other", 1);
    assert_eq!(beat(&mut group, &topics, 1, 2), (2, None), "not one that is subscribed to");
    topics.create("t", 3);
    assert_eq!(beat(&mut group, &topics, 2, 2), (3, Some(3)));
    topics.grow("t", 2);
    assert_eq!(beat(&mut group, &topics, 3, 3), (4, Some(5)));
    topics.delete("t");
    assert_eq!(beat(&mut group, &topics, 4, 4), (5, Some(0)));
}

#[test]
fn patterns_are_checked_resolved_and_resolved_again() {
    let (mut topics, settings, mut group) = (Topics::with(&[("log-a", 1), ("x", 1)]), settings(), group());
    let mut request = join("a", &[]);
    request.subscribed_topic_names = None;
    request.subscribed_topic_regex = Some("log-(".into());
    let refused = group.heartbeat(&request, &context(0, &topics, &settings)).unwrap_err();
    assert!(refused.to_string().starts_with("SubscribedTopicRegex `log-(` is not a valid regular expression: "));
    assert!(group.is_empty());

    request.subscribed_topic_regex = Some("log-.*".into());
    let step = group.heartbeat(&request, &context(0, &topics, &settings)).unwrap();
    assert_eq!((step.answer.member_epoch, given(&step.answer)), (1, Some(Assignment::new())));
    let resolve = |group: &mut ConsumerGroup, topics: &Topics, request, now_ms| {
        let mut work = Resolution::new(request);
        while !work.step(topics, 10) {}
        group.resolved(work.finish(), topics, now_ms)
    };
    resolve(&mut group, &topics, step.resolve.unwrap(), 5);
    let step = group.heartbeat(&heartbeat("a", 1, None), &context(10, &topics, &settings)).unwrap();
    assert_eq!((step.answer.member_epoch, given(&step.answer).map(|given| partition_count(&given))), (2, Some(1)));
    topics.create("log-b", 2);
    let early = group.heartbeat(&heartbeat("a", 2, None), &context(9_000, &topics, &settings)).unwrap();
    assert!(early.resolve.is_none(), "not more often than every ten seconds");
    let step = group.heartbeat(&heartbeat("a", 2, None), &context(11_000, &topics, &settings)).unwrap();
    resolve(&mut group, &topics, step.resolve.unwrap(), 11_001);
    let step = group.heartbeat(&heartbeat("a", 2, None), &context(11_002, &topics, &settings)).unwrap();
    assert_eq!(given(&step.answer).map(|given| partition_count(&given)), Some(3));
    let left = group.heartbeat(&heartbeat("a", -1, None), &context(11_003, &topics, &settings)).unwrap();
    assert_eq!(left.changes.records.len(), 5, "position, target, facts, pattern, epoch");
}

#[test]
fn targets_wait_for_their_interval_and_full_groups_refuse() {
    let topics = Topics::with(&[("t", 4)]);
    let settings = ConsumerSettings { size_max: 2, ..ConsumerSettings::default() };
    let at = |now_ms| context(now_ms, &topics, &settings);
    let mut group = group();
    group.heartbeat(&join("a", &["t"]), &at(10_000)).unwrap();
    group.heartbeat(&join("b", &["t"]), &at(10_500)).unwrap();
    assert_eq!((group.epoch(), group.target_epoch(), group.state()), (3, 2, ConsumerGroupState::Assigning));
    group.heartbeat(&heartbeat("b", 2, None), &at(11_000)).unwrap();
    assert_eq!((group.epoch(), group.target_epoch()), (3, 3));
    assert_eq!(group.heartbeat(&join("c", &["t"]), &at(11_000)).unwrap_err(), ConsumerGroupError::Full(2));
    assert!(group.heartbeat(&join("b", &["t"]), &at(11_000)).is_ok());
}

#[test]
fn malformed_heartbeats_are_refused_with_kafkas_words() {
    let settings = settings();
    let text = |change: &dyn Fn(
        &mut corelog_protocol::messages::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest,
    ),
                version| {
        let mut request = join("a", &["t"]);
        change(&mut request);
        check_heartbeat(&request, version, &settings).map_err(|error| error.to_string()).err().unwrap_or_default()
    };
    assert_eq!(text(&|_| (), 1), "");
    assert_eq!(text(&|request| request.member_id = Text::default(), 0), "");
    assert_eq!(text(&|request| request.member_id = Text::default(), 1), "MemberId can't be empty.");
    assert_eq!(text(&|request| request.group_id = Text::default(), 1), "GroupId can't be empty.");
    assert_eq!(
        text(&|request| request.rebalance_timeout_ms = -1, 1),
        "RebalanceTimeoutMs must be provided in first request."
    );
    assert_eq!(text(&|request| request.topic_partitions = None, 1), "TopicPartitions must be empty when (re-)joining.");
    assert_eq!(text(&|request| request.member_epoch = -3, 1), "MemberEpoch is invalid.");
    assert_eq!(text(&|request| request.member_epoch = -2, 1), "InstanceId can't be null.");
    let assignor = text(&|request| request.server_assignor = Some("best".into()), 1);
    assert_eq!(assignor, "ServerAssignor best is not supported. Supported assignors: uniform, range.");
}

#[test]
fn commits_pass_in_the_epoch_or_since_it() {
    let (topics, settings, mut group) = (Topics::with(&[("t", 2)]), settings(), group());
    let at = |now_ms| context(now_ms, &topics, &settings);
    let (a, b) = (Text::from("a"), Text::from("b"));
    let claim =
        |member, epoch, version| CommitClaim { member, instance_id: None, epoch, is_transactional: false, version };
    assert_eq!(group.check_commit(&claim(&b, -1, 9)), Ok(CommitScope::All), "an administrator, while there is nobody");
    group.heartbeat(&join("a", &["t"]), &at(0)).unwrap();
    assert_eq!(group.check_commit(&claim(&a, 2, 9)), Ok(CommitScope::All));
    assert_eq!(group.check_commit(&claim(&a, 2, 8)), Err(ConsumerGroupError::CommitVersion));
    assert!(matches!(group.check_commit(&claim(&b, 2, 9)), Err(ConsumerGroupError::UnknownMember { .. })));
    assert!(matches!(group.check_commit(&claim(&a, 3, 9)), Err(ConsumerGroupError::StaleEpoch { .. })));
    let mut wider = heartbeat("a", 2, None);
    wider.subscribed_topic_names = Some(vec!["t".into(), "u".into()]);
    group.heartbeat(&wider, &at(1)).unwrap();
    assert_eq!(group.check_commit(&claim(&a, 2, 9)), Ok(CommitScope::HeldSince(2)));
    assert!(group.check_held_since(&a, 2, topics.id("t"), 0).is_ok());
    assert!(group.check_held_since(&a, 1, topics.id("t"), 0).is_err());
    assert!(group.check_held_since(&a, 2, topics.id("t"), 9).is_err());
    assert!(group.check_fetch(Some(&a), 3).is_ok() && group.check_fetch(Some(&a), 2).is_err());
    assert!(group.check_fetch(None, -1).is_ok());
}

#[test]
fn records_rebuild_the_group_and_tombstones_delete_it() {
    let (topics, settings, mut group) = (Topics::with(&[("t", 4)]), settings(), group());
    let at = |now_ms| context(now_ms, &topics, &settings);
    let mut log = Vec::new();
    for request in [join("a", &["t"]), join("b", &["t"]), heartbeat("a", 2, None), heartbeat("b", -1, None)] {
        log.extend(group.heartbeat(&request, &at(1)).unwrap().changes.records);
    }
    log.extend(group.fence(&BTreeSet::from([Text::from("a")]), &at(2)).changes.records);
    log.extend(group.heartbeat(&join("c", &["t"]), &at(3)).unwrap().changes.records);
    let mut again = ConsumerGroup::new("g".into());
    for record in &log {
        again.replay(record);
    }
    assert_eq!(again.snapshot(), group.snapshot());
    let mut from_snapshot = ConsumerGroup::new("g".into());
    for record in &group.snapshot() {
        from_snapshot.replay(record);
    }
    assert_eq!(from_snapshot.snapshot(), group.snapshot());
    for record in group.tombstones() {
        again.replay(&record);
    }
    assert!(again.is_gone());
}
