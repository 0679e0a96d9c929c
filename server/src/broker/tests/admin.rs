//! What administrators change, asked for on one connection and told on another, whichever shard has it.

use corelog_protocol::messages::alter_client_quotas_request::{
    AlterClientQuotasRequest, EntityData, EntryData, OpData,
};
use corelog_protocol::messages::alter_partition_reassignments_request::{
    AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
};
use corelog_protocol::messages::alter_replica_log_dirs_request::AlterReplicaLogDirsRequest;
use corelog_protocol::messages::alter_user_scram_credentials_request::{
    AlterUserScramCredentialsRequest, ScramCredentialDeletion, ScramCredentialUpsertion,
};
use corelog_protocol::messages::api_versions_request::ApiVersionsRequest;
use corelog_protocol::messages::api_versions_response::ApiVersionsResponse;
use corelog_protocol::messages::create_acls_request::CreateAclsRequest;
use corelog_protocol::messages::delete_acls_request::DeleteAclsRequest;
use corelog_protocol::messages::describe_acls_request::DescribeAclsRequest;
use corelog_protocol::messages::describe_client_quotas_request::{ComponentData, DescribeClientQuotasRequest};
use corelog_protocol::messages::describe_quorum_request::{DescribeQuorumRequest, PartitionData, TopicData};
use corelog_protocol::messages::describe_transactions_request::DescribeTransactionsRequest;
use corelog_protocol::messages::describe_user_scram_credentials_request::DescribeUserScramCredentialsRequest;
use corelog_protocol::messages::elect_leaders_request::{ElectLeadersRequest, TopicPartitions};
use corelog_protocol::messages::get_telemetry_subscriptions_request::GetTelemetrySubscriptionsRequest;
use corelog_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use corelog_protocol::messages::list_config_resources_request::ListConfigResourcesRequest;
use corelog_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsRequest;
use corelog_protocol::messages::list_transactions_request::ListTransactionsRequest;
use corelog_protocol::messages::push_telemetry_request::PushTelemetryRequest;
use corelog_protocol::messages::unregister_broker_request::UnregisterBrokerRequest;
use corelog_protocol::messages::update_features_request::{FeatureUpdateKey, UpdateFeaturesRequest};
use corelog_protocol::{ErrorCode, Text};

use super::apis::ask_all;
use super::client::{Client, broker};

/// Asks in every version of the APIs of this file.
pub async fn ask_everything(client: &mut Client, asked: &mut Vec<i16>) {
    ask_all(client, asked, DescribeAclsRequest { resource_type_filter: 1, ..Default::default() }).await;
    ask_all(client, asked, CreateAclsRequest::default()).await;
    ask_all(client, asked, DeleteAclsRequest::default()).await;
    ask_all(client, asked, AlterReplicaLogDirsRequest::default()).await;
    ask_all(client, asked, ElectLeadersRequest::default()).await;
    ask_all(client, asked, AlterPartitionReassignmentsRequest::default()).await;
    ask_all(client, asked, ListPartitionReassignmentsRequest::default()).await;
    ask_all(client, asked, DescribeClientQuotasRequest::default()).await;
    ask_all(client, asked, AlterClientQuotasRequest::default()).await;
    ask_all(client, asked, DescribeUserScramCredentialsRequest::default()).await;
    ask_all(client, asked, AlterUserScramCredentialsRequest::default()).await;
    ask_all(client, asked, DescribeQuorumRequest::default()).await;
    ask_all(client, asked, UpdateFeaturesRequest::default()).await;
    ask_all(client, asked, UnregisterBrokerRequest { broker_id: 99 }).await;
    ask_all(client, asked, DescribeTransactionsRequest::default()).await;
    ask_all(client, asked, ListTransactionsRequest::default()).await;
    ask_all(client, asked, ListConfigResourcesRequest::default()).await;
    ask_all(client, asked, GetTelemetrySubscriptionsRequest::default()).await;
    ask_all(client, asked, PushTelemetryRequest::default()).await;
}

fn quota(user: &str, value: f64) -> AlterClientQuotasRequest {
    let entity = vec![EntityData { entity_type: "user".into(), entity_name: Some(user.into()) }];
    let ops = vec![OpData { key: "producer_byte_rate".into(), value, remove: false }];
    AlterClientQuotasRequest { entries: vec![EntryData { entity, ops }], validate_only: false }
}

#[test]
fn quotas_are_stored_and_told_on_every_shard() {
    broker(2, &[], |address| async move {
        let mut client = Client::connect(address).await;
        let altered = client.ask(&quota("u", 1000.0), 1).await;
        assert_eq!((altered.entries[0].error_code, &altered.entries[0].error_message), (0, &None));
        let refused = client.ask(&quota("u", 0.5), 1).await;
        assert_eq!(refused.entries[0].error_code, ErrorCode::InvalidRequest.code());
        let component = ComponentData { entity_type: "user".into(), match_type: 0, match_: Some("u".into()) };
        let wanted = DescribeClientQuotasRequest { components: vec![component], strict: true };
        for _ in 0..4 {
            let told = Client::connect(address).await.ask(&wanted, 1).await;
            let entries = told.entries.expect("entries");
            assert_eq!((entries.len(), entries[0].values[0].value), (1, 1000.0));
        }
    });
}

#[test]
fn credentials_are_told_without_their_keys_until_they_are_deleted() {
    broker(2, &[], |address| async move {
        let mut client = Client::connect(address).await;
        let upsertion = ScramCredentialUpsertion {
            name: "alice".into(),
            mechanism: 2,
            iterations: 8192,
            salt: vec![1; 16].into(),
            salted_password: vec![2; 64].into(),
        };
        let set = AlterUserScramCredentialsRequest { upsertions: vec![upsertion], ..Default::default() };
        assert_eq!(client.ask(&set, 0).await.results[0].error_code, 0);
        let told = client.ask(&DescribeUserScramCredentialsRequest { users: None }, 0).await;
        let infos = &told.results[0].credential_infos;
        assert_eq!((told.results.len(), infos[0].mechanism, infos[0].iterations), (1, 2, 8192));
        let deletions = vec![ScramCredentialDeletion { name: "alice".into(), mechanism: 2 }];
        let delete = AlterUserScramCredentialsRequest { deletions, ..Default::default() };
        assert_eq!(client.ask(&delete, 0).await.results[0].error_code, 0);
        assert_eq!(client.ask(&delete, 0).await.results[0].error_code, ErrorCode::ResourceNotFound.code());
        assert!(client.ask(&DescribeUserScramCredentialsRequest { users: None }, 0).await.results.is_empty());
    });
}

#[test]
fn partitions_can_only_stay_on_the_only_broker() {
    broker(1, &[], |address| async move {
        let mut client = Client::connect(address).await;
        client.create_topic("t", 1).await;
        let own = client.ask(&ListConfigResourcesRequest { resource_types: vec![4] }, 1).await;
        let own: i32 = own.config_resources[0].resource_name.parse().expect("a broker id");
        for (replicas, error) in [
            (Some(vec![own]), ErrorCode::None),
            (Some(vec![own, own + 1]), ErrorCode::InvalidReplicaAssignment),
            (Some(Vec::new()), ErrorCode::InvalidReplicaAssignment),
            (None, ErrorCode::NoReassignmentInProgress),
        ] {
            let partitions = vec![ReassignablePartition { partition_index: 0, replicas }];
            let topics = vec![ReassignableTopic { name: "t".into(), partitions }];
            let answer = client.ask(&AlterPartitionReassignmentsRequest { topics, ..Default::default() }, 1).await;
            assert_eq!(answer.responses[0].partitions[0].error_code, error.code());
        }
        let listed = client.ask(&ListPartitionReassignmentsRequest::default(), 0).await;
        assert!(listed.topics.is_empty() && listed.error_code == 0);
        let topic_partitions = Some(vec![TopicPartitions { topic: "t".into(), partitions: vec![0, 7] }]);
        let elected = client.ask(&ElectLeadersRequest { topic_partitions, ..Default::default() }, 2).await;
        let codes: Vec<i16> =
            elected.replica_election_results[0].partition_result.iter().map(|result| result.error_code).collect();
        assert_eq!(codes, [ErrorCode::ElectionNotNeeded.code(), ErrorCode::UnknownTopicOrPartition.code()]);
    });
}

#[test]
fn the_quorum_is_this_broker_and_its_log_grows() {
    broker(2, &[], |address| async move {
        let mut client = Client::connect(address).await;
        let partitions = vec![PartitionData { partition_index: 0 }];
        let topics = vec![TopicData { topic_name: "__cluster_metadata".into(), partitions }];
        let request = DescribeQuorumRequest { topics };
        let before = client.ask(&request, 2).await.topics.remove(0).partitions.remove(0);
        client.create_topic("t", 1).await;
        assert_eq!(client.ask(&request, 0).await.topics.len(), 1);
        let answer = client.ask(&request, 2).await;
        let after = &answer.topics[0].partitions[0];
        assert!(after.high_watermark > before.high_watermark && after.current_voters.len() == 1);
        assert_eq!(answer.nodes[0].node_id, after.leader_id);
    });
}

#[test]
fn a_feature_that_cannot_change_is_refused() {
    broker(1, &[], |address| async move {
        let mut client = Client::connect(address).await;
        for (feature, level, error) in [
            ("metadata.version", 30, ErrorCode::None),
            ("metadata.version", 29, ErrorCode::InvalidUpdateVersion),
            ("no.such.version", 1, ErrorCode::InvalidUpdateVersion),
        ] {
            let update = FeatureUpdateKey {
                feature: Text::from(feature),
                max_version_level: level,
                upgrade_type: 1,
                ..Default::default()
            };
            let request = UpdateFeaturesRequest { feature_updates: vec![update], ..Default::default() };
            assert_eq!(client.ask(&request, 2).await.error_code, error.code(), "{feature} {level}");
        }
    });
}

#[test]
fn clients_are_asked_for_metrics_once_somebody_subscribes() {
    broker(2, &[], |address| async move {
        let mut client = Client::connect(address).await;
        let software = ApiVersionsRequest { client_software_name: "tests".into(), client_software_version: "1".into() };
        let is_advertised = |answer: &ApiVersionsResponse| answer.api_keys.iter().any(|api| api.api_key == 71);
        assert!(!is_advertised(&client.ask(&software, 4).await));
        let config = |name: &str, value: &str| AlterableConfig {
            name: name.into(),
            value: Some(value.into()),
            ..Default::default()
        };
        let configs = vec![config("metrics", "a.,b."), config("match", "client_software_name=tests")];
        let resource = AlterConfigsResource { resource_type: 16, resource_name: "s".into(), configs };
        let subscribe = IncrementalAlterConfigsRequest { resources: vec![resource], ..Default::default() };
        assert_eq!(client.ask(&subscribe, 1).await.responses[0].error_code, 0);
        assert!(is_advertised(&client.ask(&software, 4).await));
        let told = client.ask(&GetTelemetrySubscriptionsRequest::default(), 0).await;
        assert_eq!((told.error_code, told.requested_metrics.len(), told.push_interval_ms), (0, 2, 300_000));
        let push = PushTelemetryRequest {
            client_instance_id: told.client_instance_id,
            subscription_id: told.subscription_id,
            terminating: true,
            metrics: vec![1; 10].into(),
            ..Default::default()
        };
        assert_eq!(client.ask(&push, 0).await.error_code, 0);
        assert_eq!(client.ask(&push, 0).await.error_code, ErrorCode::InvalidRequest.code(), "it had ended");
    });
}
