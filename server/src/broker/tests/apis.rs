//! Every API in every version that is advertised.

use corelog_protocol::messages::alter_configs_request::AlterConfigsRequest;
use corelog_protocol::messages::api_versions_request::ApiVersionsRequest;
use corelog_protocol::messages::consumer_group_describe_request::ConsumerGroupDescribeRequest;
use corelog_protocol::messages::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use corelog_protocol::messages::create_partitions_request::CreatePartitionsRequest;
use corelog_protocol::messages::create_topics_request::CreateTopicsRequest;
use corelog_protocol::messages::delete_groups_request::DeleteGroupsRequest;
use corelog_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use corelog_protocol::messages::delete_topics_request::DeleteTopicsRequest;
use corelog_protocol::messages::describe_cluster_request::DescribeClusterRequest;
use corelog_protocol::messages::describe_configs_request::{DescribeConfigsRequest, DescribeConfigsResource};
use corelog_protocol::messages::describe_groups_request::DescribeGroupsRequest;
use corelog_protocol::messages::describe_log_dirs_request::DescribeLogDirsRequest;
use corelog_protocol::messages::describe_producers_request::{DescribeProducersRequest, TopicRequest};
use corelog_protocol::messages::describe_topic_partitions_request::DescribeTopicPartitionsRequest;
use corelog_protocol::messages::fetch_request::FetchRequest;
use corelog_protocol::messages::find_coordinator_request::FindCoordinatorRequest;
use corelog_protocol::messages::heartbeat_request::HeartbeatRequest;
use corelog_protocol::messages::incremental_alter_configs_request::IncrementalAlterConfigsRequest;
use corelog_protocol::messages::init_producer_id_request::InitProducerIdRequest;
use corelog_protocol::messages::join_group_request::JoinGroupRequest;
use corelog_protocol::messages::leave_group_request::LeaveGroupRequest;
use corelog_protocol::messages::list_groups_request::ListGroupsRequest;
use corelog_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use corelog_protocol::messages::metadata_request::{MetadataRequest, MetadataRequestTopic};
use corelog_protocol::messages::offset_commit_request::OffsetCommitRequest;
use corelog_protocol::messages::offset_delete_request::OffsetDeleteRequest;
use corelog_protocol::messages::offset_fetch_request::OffsetFetchRequest;
use corelog_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use corelog_protocol::messages::produce_request::ProduceRequest;
use corelog_protocol::messages::sync_group_request::SyncGroupRequest;
use corelog_protocol::{ErrorCode, Request};

use super::client::{Client, batch, broker, produce};
use crate::handlers::table;

/// APIs that are not advertised where nobody wants clients' metrics.
const TELEMETRY_APIS: usize = 2;

/// Asks in every version that is served; returns the answers, oldest version first.
pub async fn ask_all<R: Request>(client: &mut Client, asked: &mut Vec<i16>, request: R) -> Vec<R::Response> {
    let api = table::find(R::KEY).expect("an API that is served");
    asked.push(R::KEY.code());
    let mut answers = Vec::new();
    for version in api.version_min..=api.version_max {
        if api.serves(version) {
            answers.push(client.ask(&request, version).await);
        }
    }
    answers
}

fn all_succeed(mut codes: impl Iterator<Item = i16>) -> bool {
    codes.all(|code| code == ErrorCode::None.code())
}

#[test]
fn every_version_of_every_api_is_answered() {
    broker(2, &[], |address| async move {
        let mut client = Client::connect(address).await;
        let (client, asked) = (&mut client, &mut Vec::new());
        client.create_topic("t", 3).await;
        client.ask(&produce("t", -1, &[0, 1, 2].map(|partition| (partition, batch(2, b"x")))), 9).await;
        ask_all(client, asked, ProduceRequest { acks: 1, ..Default::default() }).await;
        ask_all(client, asked, FetchRequest::default()).await;
        describe_topics(client, asked).await;
        look_up_offsets(client, asked).await;
        ask_all(client, asked, CreateTopicsRequest::default()).await;
        ask_all(client, asked, DeleteTopicsRequest::default()).await;
        ask_all(client, asked, CreatePartitionsRequest::default()).await;
        ask_all(client, asked, AlterConfigsRequest::default()).await;
        ask_all(client, asked, IncrementalAlterConfigsRequest::default()).await;
        ask_all(client, asked, DescribeClusterRequest::default()).await;
        ask_all(client, asked, FindCoordinatorRequest::default()).await;
        ask_of_groups(client, asked).await;
        super::admin::ask_everything(client, asked).await;
        let software = ApiVersionsRequest { client_software_name: "tests".into(), client_software_version: "1".into() };
        let versions = ask_all(client, asked, software).await;
        assert!(
            versions
                .iter()
                .all(|answer| answer.error_code == 0 && answer.api_keys.len() == table::APIS.len() - TELEMETRY_APIS)
        );
        let ids = ask_all(
            client,
            asked,
            InitProducerIdRequest { transactional_id: None, producer_id: -1, producer_epoch: -1, ..Default::default() },
        )
        .await;
        let mut ids: Vec<i64> = ids.iter().map(|answer| answer.producer_id).collect();
        let count = ids.len();
        ids.dedup();
        assert!(ids.len() == count && ids.iter().all(|id| *id >= 0), "{ids:?}");
        asked.sort_unstable();
        let served: Vec<i16> = table::APIS.iter().map(|api| api.key.code()).collect();
        assert_eq!(*asked, served, "an API is served that this test does not ask");
    });
}

async fn ask_of_groups(client: &mut Client, asked: &mut Vec<i16>) {
    let refused = ErrorCode::InvalidGroupId.code();
    let joins = ask_all(client, asked, JoinGroupRequest::default()).await;
    assert!(joins.iter().all(|answer| answer.error_code == refused));
    ask_all(client, asked, SyncGroupRequest::default()).await;
    ask_all(client, asked, HeartbeatRequest::default()).await;
    ask_all(client, asked, LeaveGroupRequest::default()).await;
    ask_all(client, asked, OffsetCommitRequest::default()).await;
    ask_all(client, asked, OffsetFetchRequest::default()).await;
    ask_all(client, asked, OffsetDeleteRequest::default()).await;
    ask_all(client, asked, DescribeGroupsRequest { groups: vec!["g".into()], ..Default::default() }).await;
    let lists = ask_all(client, asked, ListGroupsRequest::default()).await;
    assert!(all_succeed(lists.iter().map(|answer| answer.error_code)));
    let beats = ask_all(client, asked, ConsumerGroupHeartbeatRequest::default()).await;
    assert!(beats.iter().all(|answer| answer.error_code == ErrorCode::InvalidRequest.code()));
    let described =
        ask_all(client, asked, ConsumerGroupDescribeRequest { group_ids: vec!["g".into()], ..Default::default() });
    assert!(described.await.iter().all(|answer| answer.groups[0].error_code == ErrorCode::GroupIdNotFound.code()));
    let deleted = ask_all(client, asked, DeleteGroupsRequest { groups_names: vec!["g".into()] }).await;
    assert!(deleted.iter().all(|answer| answer.results[0].error_code == ErrorCode::GroupIdNotFound.code()));
}

async fn describe_topics(client: &mut Client, asked: &mut Vec<i16>) {
    let topic = MetadataRequestTopic { name: Some("t".into()), ..Default::default() };
    let metadata = ask_all(client, asked, MetadataRequest { topics: Some(vec![topic]), ..Default::default() }).await;
    assert!(metadata.iter().all(|answer| answer.topics.len() == 1 && answer.topics[0].partitions.len() == 3));
    let described = DescribeConfigsResource {
        resource_type: 2,
        resource_name: "t".into(),
        configuration_keys: Some(vec!["retention.ms".into()]),
    };
    let configs =
        ask_all(client, asked, DescribeConfigsRequest { resources: vec![described], ..Default::default() }).await;
    let value = |value: &Option<corelog_protocol::Text>| value.as_deref() == Some("604800000");
    assert!(
        configs.iter().all(|answer| answer.results[0].configs.len() == 1 && value(&answer.results[0].configs[0].value))
    );
    let sizes = ask_all(client, asked, DescribeLogDirsRequest { topics: None }).await;
    let is_sized = |answer: &corelog_protocol::messages::describe_log_dirs_response::DescribeLogDirsResponse| {
        let partitions = &answer.results[0].topics[0].partitions;
        partitions.len() == 3 && partitions.iter().all(|partition| partition.partition_size > 0)
    };
    assert!(sizes.iter().all(is_sized));
    let limited = DescribeTopicPartitionsRequest { response_partition_limit: 2, ..Default::default() };
    let page = ask_all(client, asked, limited.clone()).await.remove(0);
    let cursor = page.next_cursor.expect("a third partition");
    assert_eq!((page.topics[0].partitions.len(), cursor.partition_index), (2, 2));
    let cursor = corelog_protocol::messages::describe_topic_partitions_request::Cursor {
        topic_name: cursor.topic_name,
        partition_index: cursor.partition_index,
    };
    let rest = client.ask(&DescribeTopicPartitionsRequest { cursor: Some(cursor), ..limited }, 0).await;
    assert_eq!((rest.topics[0].partitions.len(), rest.next_cursor), (1, None));
    let topics = vec![TopicRequest { name: "t".into(), partition_indexes: vec![0, 1, 2] }];
    let producers = ask_all(client, asked, DescribeProducersRequest { topics }).await;
    assert!(all_succeed(producers[0].topics[0].partitions.iter().map(|partition| partition.error_code)));
}

async fn look_up_offsets(client: &mut Client, asked: &mut Vec<i16>) {
    let partition =
        |(partition_index, timestamp)| ListOffsetsPartition { partition_index, timestamp, ..Default::default() };
    let partitions = [(0, -1), (1, -2), (2, 0)].map(partition).to_vec();
    let topics = vec![ListOffsetsTopic { name: "t".into(), partitions }];
    let offsets = ask_all(client, asked, ListOffsetsRequest { replica_id: -1, topics, ..Default::default() }).await;
    for answer in offsets {
        let found = &answer.topics[0].partitions;
        assert!(all_succeed(found.iter().map(|partition| partition.error_code)));
        assert_eq!([found[0].offset, found[1].offset, found[2].offset], [2, 0, 0]);
    }
    let partitions = vec![OffsetForLeaderPartition { current_leader_epoch: -1, ..Default::default() }];
    let topics = vec![OffsetForLeaderTopic { topic: "t".into(), partitions }];
    let ends = ask_all(client, asked, OffsetForLeaderEpochRequest { replica_id: -1, topics }).await;
    assert!(ends.iter().all(|answer| answer.topics[0].partitions[0].end_offset == 2));
    let partitions = vec![DeleteRecordsPartition { partition_index: 0, offset: 1 }];
    let topics = vec![DeleteRecordsTopic { name: "t".into(), partitions }];
    let deleted = ask_all(client, asked, DeleteRecordsRequest { topics, ..Default::default() }).await;
    assert!(deleted.iter().all(|answer| answer.topics[0].partitions[0].low_watermark == 1));
}

#[test]
fn unknown_version_of_api_versions_is_answered_in_version_0() {
    broker(1, &[], |address| async move {
        let mut client = Client::connect(address).await;
        // Version 99 has the header of the newest: a client id, then no tagged fields.
        client.send_bytes(b"\0\0\0\x0c\0\x12\0\x63\0\0\0\x07\0\x01x\0").await;
        let answer = client.raw_answer().await.expect("an answer");
        assert_eq!(&answer[..], b"\0\0\0\x07\0\x23\0\0\0\x01\0\x12\0\0\0\x04");
    });
}

#[test]
fn unsupported_versions_end_the_connection() {
    broker(1, &[], |address| async move {
        let produce_2 = b"\0\0\0\x15\0\0\0\x02\0\0\0\x07\0\x01x\0\x01\0\0\0\0\0\0\0\0";
        let metadata_99 = b"\0\0\0\x0c\0\x03\0\x63\0\0\0\x07\0\x01x\0";
        let add_partitions_to_txn = b"\0\0\0\x0b\0\x18\0\x00\0\0\0\x07\0\x01x";
        for bytes in [&produce_2[..], metadata_99, add_partitions_to_txn] {
            let mut client = Client::connect(address).await;
            client.send_bytes(bytes).await;
            assert!(client.raw_answer().await.is_none());
        }
    });
}
