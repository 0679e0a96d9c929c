//! Groups of the classic protocol and their offsets, over the wire.

use bytes::Bytes;
use corelog_protocol::messages::delete_groups_request::DeleteGroupsRequest;
use corelog_protocol::messages::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use corelog_protocol::messages::describe_groups_request::DescribeGroupsRequest;
use corelog_protocol::messages::find_coordinator_request::FindCoordinatorRequest;
use corelog_protocol::messages::heartbeat_request::HeartbeatRequest;
use corelog_protocol::messages::join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol};
use corelog_protocol::messages::join_group_response::JoinGroupResponse;
use corelog_protocol::messages::leave_group_request::{LeaveGroupRequest, MemberIdentity};
use corelog_protocol::messages::list_groups_request::ListGroupsRequest;
use corelog_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use corelog_protocol::messages::offset_fetch_request::{OffsetFetchRequest, OffsetFetchRequestGroup};
use corelog_protocol::messages::sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment};
use corelog_protocol::{ErrorCode, Text};
use corelog_rt::{task, time};

use super::client::{Client, batch, broker, produce};

const QUICK: &[&str] = &["group.initial.rebalance.delay.ms=0", "offsets.topic.num.partitions=3"];

async fn coordinated(client: &mut Client) {
    let request = FindCoordinatorRequest { coordinator_keys: vec!["g".into()], ..Default::default() };
    assert_eq!(client.ask(&request, 4).await.coordinators[0].error_code, 0);
}

fn join_request(member_id: &Text) -> JoinGroupRequest {
    let protocol =
        JoinGroupRequestProtocol { name: "range".into(), metadata: Bytes::from_static(b"\0\0\0\0\0\x01\0\x01t") };
    JoinGroupRequest {
        group_id: "g".into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 10_000,
        member_id: member_id.clone(),
        protocol_type: "consumer".into(),
        protocols: vec![protocol],
        ..Default::default()
    }
}

/// Joins as KIP-394 has it: first for an id, then with it.
async fn join(client: &mut Client) -> JoinGroupResponse {
    let first = client.ask(&join_request(&Text::default()), 9).await;
    assert_eq!(first.error_code, ErrorCode::MemberIdRequired.code());
    client.ask(&join_request(&first.member_id), 9).await
}

fn sync_request(joined: &JoinGroupResponse, assignments: &[(&Text, &'static [u8])]) -> SyncGroupRequest {
    let assignment = |(member_id, assignment): &(&Text, &'static [u8])| SyncGroupRequestAssignment {
        member_id: (*member_id).clone(),
        assignment: Bytes::from_static(assignment),
    };
    SyncGroupRequest {
        group_id: "g".into(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        assignments: assignments.iter().map(assignment).collect(),
        ..Default::default()
    }
}

fn commit_request(member_id: &Text, generation: i32, topic: &str, offset: i64) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition {
        partition_index: 0,
        committed_offset: offset,
        committed_leader_epoch: 3,
        committed_metadata: Some("note".into()),
    };
    OffsetCommitRequest {
        group_id: "g".into(),
        generation_id_or_member_epoch: generation,
        member_id: member_id.clone(),
        topics: vec![OffsetCommitRequestTopic {
            name: topic.into(),
            partitions: vec![partition],
            ..Default::default()
        }],
        ..Default::default()
    }
}

async fn fetch_all(client: &mut Client) -> Vec<(Text, i64)> {
    let group = OffsetFetchRequestGroup { group_id: "g".into(), topics: None, ..Default::default() };
    let answer = client.ask(&OffsetFetchRequest { groups: vec![group], ..Default::default() }, 9).await;
    let group = &answer.groups[0];
    assert_eq!(group.error_code, 0);
    let each = group
        .topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(|found| (topic.name.clone(), found.committed_offset)));
    each.collect()
}

#[test]
fn two_members_share_a_group_until_it_is_deleted() {
    broker(2, QUICK, |address| async move {
        let (mut one, mut two) = (Client::connect(address).await, Client::connect(address).await);
        one.create_topic("t", 1).await;
        coordinated(&mut one).await;
        let joined = join(&mut one).await;
        assert_eq!((joined.error_code, joined.generation_id, joined.members.len()), (0, 1, 1));
        assert_eq!(joined.leader, joined.member_id.as_str());
        let synced = one.ask(&sync_request(&joined, &[(&joined.member_id, b"all")]), 5).await;
        assert_eq!((synced.error_code, &synced.assignment[..]), (0, &b"all"[..]));
        let commit = commit_request(&joined.member_id, 1, "t", 5);
        assert_eq!(one.ask(&commit, 8).await.topics[0].partitions[0].error_code, 0);
        let unknown = commit_request(&joined.member_id, 1, "nowhere", 5);
        let code = one.ask(&unknown, 8).await.topics[0].partitions[0].error_code;
        assert_eq!(code, ErrorCode::UnknownTopicOrPartition.code());
        let stale = commit_request(&joined.member_id, 0, "t", 4);
        let code = one.ask(&stale, 8).await.topics[0].partitions[0].error_code;
        assert_eq!(code, ErrorCode::IllegalGeneration.code());

        // The second comes: the first hears of it by its heartbeat, and both join the next generation.
        let joining = task::spawn(async move { (join(&mut two).await, two) });
        let beat = HeartbeatRequest {
            group_id: "g".into(),
            generation_id: 1,
            member_id: joined.member_id.clone(),
            ..Default::default()
        };
        while one.ask(&beat, 4).await.error_code != ErrorCode::RebalanceInProgress.code() {
            time::sleep(std::time::Duration::from_millis(1)).await;
        }
        let again = one.ask(&join_request(&joined.member_id), 9).await;
        let (other, mut two) = joining.await;
        assert_eq!((again.generation_id, other.generation_id), (2, 2));
        assert_eq!((again.members.len(), other.members.len()), (2, 0));
        two.send(&sync_request(&other, &[]), 5).await;
        let given = [(&again.member_id, &b"one"[..]), (&other.member_id, &b"two"[..])];
        assert_eq!(&one.ask(&sync_request(&again, &given), 5).await.assignment[..], b"one");
        assert_eq!(&two.receive::<SyncGroupRequest>().await.assignment[..], b"two");

        let described = one.ask(&DescribeGroupsRequest { groups: vec!["g".into()], ..Default::default() }, 6).await;
        let group = &described.groups[0];
        assert_eq!(
            (group.group_state.as_str(), group.protocol_data.as_str(), group.members.len()),
            ("Stable", "range", 2)
        );
        assert!(group.members.iter().all(|member| member.client_host == "/127.0.0.1"));
        let delete = DeleteGroupsRequest { groups_names: vec!["g".into()] };
        assert_eq!(one.ask(&delete, 2).await.results[0].error_code, ErrorCode::NonEmptyGroup.code());
        let leaving =
            [again.member_id, other.member_id].map(|member_id| MemberIdentity { member_id, ..Default::default() });
        let leave = LeaveGroupRequest { group_id: "g".into(), members: leaving.to_vec(), ..Default::default() };
        assert!(one.ask(&leave, 5).await.members.iter().all(|member| member.error_code == 0));
        let listed = one.ask(&ListGroupsRequest { states_filter: vec!["empty".into()], ..Default::default() }, 5).await;
        assert_eq!((listed.groups[0].group_id.as_str(), listed.groups[0].group_type.as_str()), ("g", "classic"));
        assert_eq!(fetch_all(&mut one).await, [("t".into(), 5)]);
        assert_eq!(one.ask(&delete, 2).await.results[0].error_code, 0);
        assert_eq!(fetch_all(&mut one).await, []);
        assert!(one.ask(&ListGroupsRequest::default(), 5).await.groups.is_empty());
    });
}

#[test]
fn offsets_go_with_their_topic() {
    broker(2, QUICK, |address| async move {
        let mut client = Client::connect(address).await;
        coordinated(&mut client).await;
        for topic in ["kept", "gone"] {
            client.create_topic(topic, 1).await;
            let commit = commit_request(&Text::default(), -1, topic, 7);
            assert_eq!(client.ask(&commit, 9).await.topics[0].partitions[0].error_code, 0);
        }
        assert_eq!(fetch_all(&mut client).await.len(), 2);
        let topics = vec![DeleteTopicState { name: Some("gone".into()), ..Default::default() }];
        client.ask(&DeleteTopicsRequest { topics, ..Default::default() }, 6).await;
        while fetch_all(&mut client).await != [("kept".into(), 7)] {
            time::sleep(std::time::Duration::from_millis(1)).await;
        }
    });
}

#[test]
fn the_topic_of_offsets_is_the_brokers_own() {
    broker(1, QUICK, |address| async move {
        let mut client = Client::connect(address).await;
        coordinated(&mut client).await;
        let answer = client.ask(&produce("__consumer_offsets", -1, &[(0, batch(1, b"x"))]), 9).await;
        let code = answer.responses[0].partition_responses[0].error_code;
        assert_eq!(code, ErrorCode::InvalidTopicException.code());
    });
}
