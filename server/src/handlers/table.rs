//! The APIs that are served, their versions and handlers: what `ApiVersions` advertises and what is dispatched.
//!
//! Constant. An API that is not here is not advertised, and a request for it closes its connection, as in Kafka.

use corelog_protocol::ApiKey;

use super::dispatch::{Handling, answered};
use super::groups::{
    consumer_group_describe, consumer_group_heartbeat, delete_groups, describe_groups, heartbeat, join_group,
    leave_group, list_groups, offset_commit, offset_delete, offset_fetch, sync_group,
};
use super::{
    acls, alter_configs, alter_replica_log_dirs, api_versions, client_quotas, create_partitions, create_topics,
    delete_records, delete_topics, describe_cluster, describe_configs, describe_log_dirs, describe_producers,
    describe_quorum, describe_topic_partitions, elect_leaders, fetch, find_coordinator, init_producer_id,
    list_config_resources, list_offsets, metadata, offset_for_leader_epoch, partition_reassignments, produce,
    scram_credentials, telemetry, transaction_listing, unregister_broker, update_features,
};

/// One API.
#[derive(Clone, Copy)]
pub struct Api {
    /// Which.
    pub key: ApiKey,
    /// The first version that is advertised.
    pub version_min: i16,
    /// The last version that is advertised and served.
    pub version_max: i16,
    /// Its handler.
    pub handling: Handling,
}

impl Api {
    const fn new(key: ApiKey, version_min: i16, version_max: i16, handling: Handling) -> Api {
        assert!(key.min_version() <= version_min && version_max <= key.max_version());
        Api { key, version_min, version_max, handling }
    }

    /// Whether a request of this version is handled. Produce before version 3 is advertised, because older librdkafka
    /// turns compression off without it, but it is not served: its record format is gone.
    pub fn serves(&self, version: i16) -> bool {
        self.version_min <= version && version <= self.version_max && self.key.can_decode(version)
    }
}

/// A handler that answers every request.
macro_rules! deferred {
    ($handle:path) => {
        Handling::Deferred(|broker, request| answered(broker, request, $handle))
    };
}

/// Every API that is served.
pub static APIS: &[Api] = &[
    Api::new(ApiKey::Produce, 0, 13, Handling::TwoStage(produce::handle)),
    Api::new(ApiKey::Fetch, 4, 18, Handling::Deferred(fetch::handle)),
    Api::new(ApiKey::ListOffsets, 1, 11, deferred!(list_offsets::handle)),
    Api::new(ApiKey::Metadata, 0, 13, deferred!(metadata::handle)),
    Api::new(ApiKey::OffsetCommit, 2, 10, deferred!(offset_commit::handle)),
    Api::new(ApiKey::OffsetFetch, 1, 10, deferred!(offset_fetch::handle)),
    Api::new(ApiKey::FindCoordinator, 0, 6, deferred!(find_coordinator::handle)),
    Api::new(ApiKey::JoinGroup, 0, 9, deferred!(join_group::handle)),
    Api::new(ApiKey::Heartbeat, 0, 4, deferred!(heartbeat::handle)),
    Api::new(ApiKey::LeaveGroup, 0, 5, deferred!(leave_group::handle)),
    Api::new(ApiKey::SyncGroup, 0, 5, deferred!(sync_group::handle)),
    Api::new(ApiKey::DescribeGroups, 0, 6, deferred!(describe_groups::handle)),
    Api::new(ApiKey::ListGroups, 0, 5, deferred!(list_groups::handle)),
    Api::new(ApiKey::ApiVersions, 0, 4, deferred!(api_versions::handle)),
    Api::new(ApiKey::CreateTopics, 2, 7, deferred!(create_topics::handle)),
    Api::new(ApiKey::DeleteTopics, 1, 6, deferred!(delete_topics::handle)),
    Api::new(ApiKey::DeleteRecords, 0, 2, deferred!(delete_records::handle)),
    Api::new(ApiKey::InitProducerId, 0, 5, deferred!(init_producer_id::handle)),
    Api::new(ApiKey::OffsetForLeaderEpoch, 2, 4, deferred!(offset_for_leader_epoch::handle)),
    Api::new(ApiKey::DescribeAcls, 1, 3, deferred!(acls::handle_describe)),
    Api::new(ApiKey::CreateAcls, 1, 3, deferred!(acls::handle_create)),
    Api::new(ApiKey::DeleteAcls, 1, 3, deferred!(acls::handle_delete)),
    Api::new(ApiKey::DescribeConfigs, 1, 4, deferred!(describe_configs::handle)),
    Api::new(ApiKey::AlterConfigs, 0, 2, deferred!(alter_configs::handle)),
    Api::new(ApiKey::AlterReplicaLogDirs, 1, 2, deferred!(alter_replica_log_dirs::handle)),
    Api::new(ApiKey::DescribeLogDirs, 1, 5, deferred!(describe_log_dirs::handle)),
    Api::new(ApiKey::CreatePartitions, 0, 3, deferred!(create_partitions::handle)),
    Api::new(ApiKey::DeleteGroups, 0, 2, deferred!(delete_groups::handle)),
    Api::new(ApiKey::ElectLeaders, 0, 2, deferred!(elect_leaders::handle)),
    Api::new(ApiKey::IncrementalAlterConfigs, 0, 1, deferred!(alter_configs::handle_incremental)),
    Api::new(ApiKey::AlterPartitionReassignments, 0, 1, deferred!(partition_reassignments::handle_alter)),
    Api::new(ApiKey::ListPartitionReassignments, 0, 0, deferred!(partition_reassignments::handle_list)),
    Api::new(ApiKey::OffsetDelete, 0, 0, deferred!(offset_delete::handle)),
    Api::new(ApiKey::DescribeClientQuotas, 0, 1, deferred!(client_quotas::handle_describe)),
    Api::new(ApiKey::AlterClientQuotas, 0, 1, deferred!(client_quotas::handle_alter)),
    Api::new(ApiKey::DescribeUserScramCredentials, 0, 0, deferred!(scram_credentials::handle_describe)),
    Api::new(ApiKey::AlterUserScramCredentials, 0, 0, deferred!(scram_credentials::handle_alter)),
    Api::new(ApiKey::DescribeQuorum, 0, 2, deferred!(describe_quorum::handle)),
    Api::new(ApiKey::UpdateFeatures, 0, 2, deferred!(update_features::handle)),
    Api::new(ApiKey::DescribeCluster, 0, 2, deferred!(describe_cluster::handle)),
    Api::new(ApiKey::DescribeProducers, 0, 0, deferred!(describe_producers::handle)),
    Api::new(ApiKey::UnregisterBroker, 0, 0, deferred!(unregister_broker::handle)),
    Api::new(ApiKey::DescribeTransactions, 0, 0, deferred!(transaction_listing::handle_describe)),
    Api::new(ApiKey::ListTransactions, 0, 2, deferred!(transaction_listing::handle_list)),
    Api::new(ApiKey::ConsumerGroupHeartbeat, 0, 1, deferred!(consumer_group_heartbeat::handle)),
    Api::new(ApiKey::ConsumerGroupDescribe, 0, 1, deferred!(consumer_group_describe::handle)),
    Api::new(ApiKey::GetTelemetrySubscriptions, 0, 0, deferred!(telemetry::handle_get)),
    Api::new(ApiKey::PushTelemetry, 0, 0, deferred!(telemetry::handle_push)),
    Api::new(ApiKey::ListConfigResources, 0, 1, deferred!(list_config_resources::handle)),
    Api::new(ApiKey::DescribeTopicPartitions, 0, 0, deferred!(describe_topic_partitions::handle)),
];

/// The entry of an API.
pub fn find(key: ApiKey) -> Option<&'static Api> {
    APIS.iter().find(|api| api.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_api_is_there_once_and_in_kafkas_order() {
        assert!(APIS.windows(2).all(|pair| pair[0].key.code() < pair[1].key.code()));
    }
}
