//! Core-direct listeners: clients take each shard for a broker, on a port of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use corelog_protocol::messages::alter_partition_reassignments_request::{
    AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
};
use corelog_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest,
};
use corelog_protocol::messages::describe_cluster_request::DescribeClusterRequest;
use corelog_protocol::messages::describe_configs_request::{DescribeConfigsRequest, DescribeConfigsResource};
use corelog_protocol::messages::describe_log_dirs_request::DescribeLogDirsRequest;
use corelog_protocol::messages::describe_topic_partitions_request::{DescribeTopicPartitionsRequest, TopicRequest};
use corelog_protocol::messages::find_coordinator_request::FindCoordinatorRequest;
use corelog_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use corelog_protocol::messages::list_groups_request::ListGroupsRequest;
use corelog_protocol::messages::metadata_request::{MetadataRequest, MetadataRequestTopic};
use corelog_protocol::messages::metadata_response::MetadataResponse;
use corelog_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};

use super::client::{Client, batch, broker, produce};

const SETS: &[&str] =
    &["listeners=PLAINTEXT://127.0.0.1:0", "corelog.direct.port.offset=4000", "offsets.topic.num.partitions=4"];
const IDS: [i32; 2] = [1, 10_001];
const BROKER: i8 = 4;

async fn metadata(client: &mut Client) -> MetadataResponse {
    let topic = MetadataRequestTopic { name: Some("t".into()), ..Default::default() };
    client.ask(&MetadataRequest { topics: Some(vec![topic]), ..Default::default() }, 12).await
}

fn at_port(address: SocketAddr, port: i32) -> SocketAddr {
    SocketAddr::new(address.ip(), u16::try_from(port).expect("a port"))
}

/// The partitions of `t` that a broker says it has, in order.
async fn log_dirs(client: &mut Client) -> Vec<i32> {
    let answer = client.ask(&DescribeLogDirsRequest { topics: None }, 4).await;
    let topics = answer.results[0].topics.iter().filter(|topic| topic.name == "t");
    topics.flat_map(|topic| topic.partitions.iter().map(|partition| partition.partition_index)).collect()
}

async fn groups(client: &mut Client) -> Vec<String> {
    let answer = client.ask(&ListGroupsRequest::default(), 4).await;
    assert_eq!(answer.error_code, 0);
    let mut groups: Vec<String> = answer.groups.iter().map(|group| group.group_id.to_string()).collect();
    groups.sort();
    groups
}

#[test]
fn each_shard_is_a_broker_with_what_it_leads() {
    broker(2, SETS, |address| async move {
        let mut shared = Client::connect(address).await;
        shared.create_topic("t", 4).await;
        let told = metadata(&mut shared).await;
        let port = i32::from(address.port()) + 4000;
        let brokers: Vec<_> = told.brokers.iter().map(|broker| (broker.node_id, broker.port)).collect();
        assert_eq!((brokers, told.controller_id), (vec![(IDS[0], port), (IDS[1], port + 1)], IDS[0]));
        let cluster = shared.ask(&DescribeClusterRequest { endpoint_type: 1, ..Default::default() }, 1).await;
        assert_eq!(cluster.brokers.iter().map(|broker| broker.broker_id).collect::<Vec<_>>(), IDS);

        let mut led: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for partition in &told.topics[0].partitions {
            led.entry(partition.leader_id).or_default().push(partition.partition_index);
            assert_eq!(partition.replica_nodes, [partition.leader_id]);
            assert_eq!(partition.isr_nodes, [partition.leader_id]);
        }
        assert_eq!(led.keys().copied().collect::<Vec<_>>(), IDS, "four partitions are on both shards");
        let topics = vec![TopicRequest { name: "t".into() }];
        let request = DescribeTopicPartitionsRequest { topics, response_partition_limit: 10, cursor: None };
        for partition in &shared.ask(&request, 0).await.topics[0].partitions {
            assert!(led[&partition.leader_id].contains(&partition.partition_index));
            assert_eq!(partition.replica_nodes, [partition.leader_id]);
        }
        assert_eq!(log_dirs(&mut shared).await, [0, 1, 2, 3], "whoever came by the shared port sees one broker");
        for told in &told.brokers {
            let mut direct = Client::connect(at_port(address, told.port)).await;
            let own = &led[&told.node_id];
            assert_eq!(log_dirs(&mut direct).await, *own);
            for index in 0..4 {
                // What another shard leads is served as well: metadata may be old.
                let answer = direct.ask(&produce("t", -1, &[(index, batch(1, b"value"))]), 9).await;
                assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
            }
        }
    });
}

#[test]
fn each_shard_is_a_broker_with_the_groups_that_it_coordinates() {
    broker(2, SETS, |address| async move {
        let mut shared = Client::connect(address).await;
        shared.create_topic("t", 1).await;
        let names: Vec<String> = (0..8).map(|number| format!("group-{number}")).collect();
        let coordinator_keys = names.iter().map(|name| name.as_str().into()).collect();
        let found = shared.ask(&FindCoordinatorRequest { coordinator_keys, ..Default::default() }, 4).await;
        let mut coordinated: BTreeMap<(i32, i32), Vec<String>> = BTreeMap::new();
        for (name, coordinator) in names.iter().zip(&found.coordinators) {
            coordinated.entry((coordinator.node_id, coordinator.port)).or_default().push(name.clone());
            let mut direct = Client::connect(at_port(address, coordinator.port)).await;
            let partition = OffsetCommitRequestPartition { committed_offset: 3, ..Default::default() };
            let topics =
                vec![OffsetCommitRequestTopic { name: "t".into(), partitions: vec![partition], ..Default::default() }];
            let request = OffsetCommitRequest {
                group_id: name.as_str().into(),
                generation_id_or_member_epoch: -1,
                topics,
                ..Default::default()
            };
            assert_eq!(direct.ask(&request, 8).await.topics[0].partitions[0].error_code, 0);
        }
        assert_eq!(coordinated.keys().map(|(id, _)| *id).collect::<Vec<_>>(), IDS, "eight groups are on both shards");
        for ((_, port), own) in &coordinated {
            assert_eq!(groups(&mut Client::connect(at_port(address, *port)).await).await, *own);
        }
        assert_eq!(groups(&mut shared).await, names, "whoever came by the shared port sees one broker");
    });
}

#[test]
fn ids_of_shards_stand_for_the_broker() {
    broker(2, SETS, |address| async move {
        let mut client = Client::connect(address).await;
        let configs =
            vec![AlterableConfig { name: "num.io.threads".into(), value: Some("9".into()), ..Default::default() }];
        let resource = AlterConfigsResource { resource_type: BROKER, resource_name: "10001".into(), configs };
        let request = IncrementalAlterConfigsRequest { resources: vec![resource], ..Default::default() };
        let answer = client.ask(&request, 1).await;
        assert_eq!(answer.responses[0].error_code, 0, "{:?}", answer.responses[0].error_message);
        for (name, error_code) in [("1", 0), ("10001", 0), ("20001", 42)] {
            let resource =
                DescribeConfigsResource { resource_type: BROKER, resource_name: name.into(), ..Default::default() };
            let request = DescribeConfigsRequest { resources: vec![resource], ..Default::default() };
            let described = client.ask(&request, 4).await.results.swap_remove(0);
            assert_eq!(described.error_code, error_code, "{name}: {:?}", described.error_message);
            let threads = described.configs.iter().find(|config| config.name == "num.io.threads");
            assert_eq!(threads.and_then(|config| config.value.as_deref()), (error_code == 0).then_some("9"), "{name}");
        }
        let assigned = |name: &str, id| CreatableTopic {
            name: name.into(),
            num_partitions: -1,
            replication_factor: -1,
            assignments: vec![CreatableReplicaAssignment { partition_index: 0, broker_ids: vec![id] }],
            ..Default::default()
        };
        let topics = vec![assigned("t", IDS[1]), assigned("elsewhere", 20_001)];
        let created = client.ask(&CreateTopicsRequest { topics, ..Default::default() }, 7).await;
        let codes: Vec<bool> = created.topics.iter().map(|topic| topic.error_code == 0).collect();
        assert_eq!(codes, [true, false], "there is no third shard");
        let partition = ReassignablePartition { partition_index: 0, replicas: Some(vec![IDS[1]]) };
        let topic = ReassignableTopic { name: "t".into(), partitions: vec![partition] };
        let request = AlterPartitionReassignmentsRequest { topics: vec![topic], ..Default::default() };
        assert_eq!(client.ask(&request, 0).await.responses[0].partitions[0].error_code, 0);
        assert!(IDS.contains(&metadata(&mut client).await.topics[0].partitions[0].leader_id));
    });
}
