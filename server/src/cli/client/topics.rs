//! Administration of topics: create, delete, grow, read and change settings.
//!
//! Runs on the tool's shard; called by the commands of `topic`. One outcome per topic, so that one refusal hides no other.

use corelog_protocol::messages::create_partitions_request::{CreatePartitionsRequest, CreatePartitionsTopic};
use corelog_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use corelog_protocol::messages::create_topics_response::CreatableTopicResult;
use corelog_protocol::messages::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use corelog_protocol::messages::describe_configs_request::{DescribeConfigsRequest, DescribeConfigsResource};
use corelog_protocol::messages::describe_configs_response::DescribeConfigsResult;
use corelog_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};

use super::cluster::Cluster;
use super::error::{ClientError, check};

/// Kafka's number for topics among the resources that have settings.
const RESOURCE_TOPIC: i8 = 2;
/// Operation that sets a value.
const OPERATION_SET: i8 = 0;
/// Operation that goes back to the default.
const OPERATION_DELETE: i8 = 1;
/// How long the broker may take.
const TIMEOUT_MS: i32 = 20_000;

/// What a new topic shall be.
#[derive(Debug, Clone)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// Number of partitions; `None` lets the broker choose.
    pub partitions: Option<i32>,
    /// Number of replicas; `None` lets the broker choose.
    pub replication_factor: Option<i16>,
    /// Settings.
    pub configs: Vec<(String, String)>,
}

/// Creates topics, or only checks whether they could be.
pub async fn create(
    cluster: &mut Cluster,
    topics: &[NewTopic],
    validate_only: bool,
) -> Result<Vec<Result<CreatableTopicResult, ClientError>>, ClientError> {
    let config =
        |(name, value): &(String, String)| CreatableTopicConfig { name: name.into(), value: Some(value.into()) };
    let creatable = |topic: &NewTopic| CreatableTopic {
        name: (&topic.name).into(),
        num_partitions: topic.partitions.unwrap_or(-1),
        replication_factor: topic.replication_factor.unwrap_or(-1),
        configs: topic.configs.iter().map(config).collect(),
        ..Default::default()
    };
    let request =
        CreateTopicsRequest { topics: topics.iter().map(creatable).collect(), timeout_ms: TIMEOUT_MS, validate_only };
    let response = cluster.call(&request).await?;
    let outcome = |result: CreatableTopicResult| {
        check(result.error_code, result.error_message.as_deref(), || format!("topic \"{}\"", result.name))?;
        Ok(result)
    };
    Ok(response.topics.into_iter().map(outcome).collect())
}

/// Deletes topics.
pub async fn delete(
    cluster: &mut Cluster,
    names: &[String],
) -> Result<Vec<(String, Result<(), ClientError>)>, ClientError> {
    let state = |name: &String| DeleteTopicState { name: Some(name.into()), ..Default::default() };
    let mut request = DeleteTopicsRequest { timeout_ms: TIMEOUT_MS, ..Default::default() };
    request.topics = names.iter().map(state).collect();
    request.topic_names = names.iter().map(Into::into).collect();
    let response = cluster.call(&request).await?;
    let outcome = |result: corelog_protocol::messages::delete_topics_response::DeletableTopicResult| {
        let name = result.name.as_deref().unwrap_or_default().to_owned();
        let checked = check(result.error_code, result.error_message.as_deref(), || format!("topic \"{name}\""));
        (name, checked)
    };
    Ok(response.responses.into_iter().map(outcome).collect())
}

/// Grows a topic to `count` partitions.
pub async fn grow(cluster: &mut Cluster, name: &str, count: i32) -> Result<(), ClientError> {
    let topic = CreatePartitionsTopic { name: name.into(), count, assignments: None };
    let request = CreatePartitionsRequest { topics: vec![topic], timeout_ms: TIMEOUT_MS, validate_only: false };
    for result in &cluster.call(&request).await?.results {
        check(result.error_code, result.error_message.as_deref(), || format!("topic \"{}\"", result.name))?;
    }
    Ok(())
}

/// Changes settings of a topic: sets some, puts others back to their defaults.
pub async fn alter_configs(
    cluster: &mut Cluster,
    name: &str,
    sets: &[(String, String)],
    removed: &[String],
) -> Result<(), ClientError> {
    let set = |(name, value): &(String, String)| AlterableConfig {
        name: name.into(),
        config_operation: OPERATION_SET,
        value: Some(value.into()),
    };
    let remove = |name: &String| AlterableConfig { name: name.into(), config_operation: OPERATION_DELETE, value: None };
    let resource = AlterConfigsResource {
        resource_type: RESOURCE_TOPIC,
        resource_name: name.into(),
        configs: sets.iter().map(set).chain(removed.iter().map(remove)).collect(),
    };
    let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
    for result in &cluster.call(&request).await?.responses {
        check(result.error_code, result.error_message.as_deref(), || format!("topic \"{}\"", result.resource_name))?;
    }
    Ok(())
}

/// The settings of each topic.
pub async fn configs(cluster: &mut Cluster, names: &[String]) -> Result<Vec<DescribeConfigsResult>, ClientError> {
    let resource = |name: &String| DescribeConfigsResource {
        resource_type: RESOURCE_TOPIC,
        resource_name: name.into(),
        configuration_keys: None,
    };
    let request = DescribeConfigsRequest { resources: names.iter().map(resource).collect(), ..Default::default() };
    let response = cluster.call(&request).await?;
    for result in &response.results {
        check(result.error_code, result.error_message.as_deref(), || {
            format!("settings of topic \"{}\"", result.resource_name)
        })?;
    }
    Ok(response.results)
}
