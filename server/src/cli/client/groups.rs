//! Consumer groups: their coordinators, what they are, and their offsets.
//!
//! Runs on the tool's shard; called by the commands of `group`. A coordinator that is still loading is asked again for a while.

use std::time::Duration;

use bytes::Bytes;
use corelog_protocol::messages::consumer_protocol_assignment::ConsumerProtocolAssignment;
use corelog_protocol::messages::delete_groups_request::DeleteGroupsRequest;
use corelog_protocol::messages::find_coordinator_request::FindCoordinatorRequest;
use corelog_protocol::messages::list_groups_request::ListGroupsRequest;
use corelog_protocol::messages::list_groups_response::ListedGroup;
use corelog_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use corelog_protocol::messages::offset_fetch_request::{OffsetFetchRequest, OffsetFetchRequestGroup};
use corelog_protocol::messages::{consumer_group_describe_request, consumer_group_describe_response};
use corelog_protocol::messages::{describe_groups_request, describe_groups_response};
use corelog_protocol::{ApiKey, Decoder, ErrorCode, Message, Request};
use corelog_rt::time;

use super::cluster::{Cluster, RETRY_PAUSE};
use super::error::{ClientError, check};

/// How long a coordinator may take to come about and to load.
const COORDINATOR_TIME_MAX: Duration = Duration::from_secs(15);
/// Kafka's number for groups among what has a coordinator.
const KEY_TYPE_GROUP: i8 = 0;
/// The newest version of requests that name topics; newer ones know only their ids.
const VERSION_OF_NAMES_MAX: i16 = 9;

/// A partition by its topic's name.
pub type Place = (String, i32);

/// What a coordinator says about a group.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// `classic` or `consumer`.
    pub kind: &'static str,
    /// Kafka's word for what it is doing.
    pub state: String,
    /// How partitions are assigned; empty without members.
    pub assignor: String,
    /// Number of the newest change of the group; `None` in the classic protocol, which does not tell it.
    pub epoch: Option<i32>,
    /// Id of the broker that coordinates it.
    pub coordinator: i32,
    /// Its members.
    pub members: Vec<Member>,
}

/// A member of a group.
#[derive(Debug, Clone, Default)]
pub struct Member {
    /// Given by the coordinator, or by the member itself.
    pub id: String,
    /// The name of a static member.
    pub instance: Option<String>,
    /// What the client calls itself.
    pub client: String,
    /// Where it connects from.
    pub host: String,
    /// What it owns.
    pub places: Vec<Place>,
}

/// What is committed for a partition.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The partition.
    pub place: Place,
    /// Offset of the next record to read.
    pub offset: i64,
    /// What the member wrote beside it.
    pub metadata: String,
}

/// The groups of all brokers, only those in `states` and of `types` where any are named.
pub async fn list(cluster: &mut Cluster, states: &[String], types: &[String]) -> Result<Vec<ListedGroup>, ClientError> {
    let filter = |names: &[String]| names.iter().map(Into::into).collect::<Vec<_>>();
    let request = ListGroupsRequest { states_filter: filter(states), types_filter: filter(types) };
    let brokers = cluster.metadata(Some(&[]), false).await?.brokers;
    let mut groups = Vec::new();
    for broker in brokers {
        let began = time::now();
        let response = loop {
            let response = cluster.call_node(broker.node_id, &request, i16::MAX).await?;
            let checked = check(response.error_code, None, || format!("groups of broker {}", broker.node_id));
            match checked {
                Ok(()) => break response,
                Err(error) if error.is_retriable() && began.elapsed() < COORDINATOR_TIME_MAX => {
                    time::sleep(RETRY_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        };
        groups.extend(response.groups);
    }
    Ok(groups)
}

/// What the coordinator says about a group; refused with `GroupIdNotFound` where there is none.
pub async fn describe(cluster: &mut Cluster, group: &str) -> Result<Group, ClientError> {
    let coordinator = coordinator(cluster, group).await?;
    if cluster.supports(coordinator, ApiKey::ConsumerGroupDescribe).await? {
        match describe_consumer(cluster, coordinator, group).await {
            Err(error) if error.code() == Some(ErrorCode::GroupIdNotFound) => {}
            described => return described,
        }
    }
    describe_classic(cluster, coordinator, group).await
}

async fn describe_consumer(cluster: &mut Cluster, coordinator: i32, group: &str) -> Result<Group, ClientError> {
    use consumer_group_describe_response::Member as Told;
    let request = consumer_group_describe_request::ConsumerGroupDescribeRequest {
        group_ids: vec![group.into()],
        include_authorized_operations: false,
    };
    let response = ask(cluster, coordinator, group, &request, i16::MAX, |response| {
        response.groups.first().map_or(0, |group| group.error_code)
    })
    .await?;
    let told = response.groups.into_iter().next().unwrap_or_default();
    let member = |member: Told| Member {
        id: member.member_id.to_string(),
        instance: member.instance_id.as_deref().map(str::to_owned),
        client: member.client_id.to_string(),
        host: member.client_host.to_string(),
        places: member
            .assignment
            .topic_partitions
            .iter()
            .flat_map(|topic| topic.partitions.iter().map(|&partition| (topic.topic_name.to_string(), partition)))
            .collect(),
    };
    Ok(Group {
        name: group.to_owned(),
        kind: "consumer",
        state: told.group_state.to_string(),
        assignor: told.assignor_name.to_string(),
        epoch: Some(told.group_epoch),
        coordinator,
        members: told.members.into_iter().map(member).collect(),
    })
}

async fn describe_classic(cluster: &mut Cluster, coordinator: i32, group: &str) -> Result<Group, ClientError> {
    use describe_groups_response::DescribedGroupMember as Told;
    let request = describe_groups_request::DescribeGroupsRequest {
        groups: vec![group.into()],
        include_authorized_operations: false,
    };
    let response = ask(cluster, coordinator, group, &request, i16::MAX, |response| {
        response.groups.first().map_or(0, |group| group.error_code)
    })
    .await?;
    let told = response.groups.into_iter().next().unwrap_or_default();
    if &*told.group_state == "Dead" {
        // What older brokers say about a group that does not exist.
        check(ErrorCode::GroupIdNotFound.code(), None, || format!("group \"{group}\""))?;
    }
    let member = |member: Told| Member {
        id: member.member_id.to_string(),
        instance: member.group_instance_id.as_deref().map(str::to_owned),
        client: member.client_id.to_string(),
        host: member.client_host.to_string(),
        places: assigned(member.member_assignment),
    };
    Ok(Group {
        name: group.to_owned(),
        kind: "classic",
        state: told.group_state.to_string(),
        assignor: told.protocol_data.to_string(),
        epoch: None,
        coordinator,
        members: told.members.into_iter().map(member).collect(),
    })
}

/// The partitions of an assignment as consumers write it; none where it is something else.
fn assigned(assignment: Bytes) -> Vec<Place> {
    let mut decoder = Decoder::new(assignment);
    let Ok(version) = decoder.int16("Version") else { return Vec::new() };
    let version = version.clamp(0, ConsumerProtocolAssignment::VERSION_MAX);
    let Ok(assignment) = ConsumerProtocolAssignment::decode(&mut decoder, version) else { return Vec::new() };
    let places = |topic: &corelog_protocol::messages::consumer_protocol_assignment::TopicPartition| {
        topic.partitions.iter().map(|&partition| (topic.topic.to_string(), partition)).collect::<Vec<_>>()
    };
    assignment.assigned_partitions.iter().flat_map(places).collect()
}

/// Every offset that a group has, sorted by partition.
pub async fn offsets(cluster: &mut Cluster, group: &str) -> Result<Vec<Committed>, ClientError> {
    let coordinator = coordinator(cluster, group).await?;
    let asked = OffsetFetchRequestGroup { group_id: group.into(), topics: None, ..Default::default() };
    let request = OffsetFetchRequest { groups: vec![asked], require_stable: true, ..Default::default() };
    let response = ask(cluster, coordinator, group, &request, VERSION_OF_NAMES_MAX, |response| {
        let partitions = response.groups.iter().flat_map(|group| &group.topics).flat_map(|topic| &topic.partitions);
        let codes = response.groups.iter().map(|group| group.error_code).chain(partitions.map(|p| p.error_code));
        codes.into_iter().find(|&code| code != 0).unwrap_or(0)
    })
    .await?;
    let mut found = Vec::new();
    for topic in response.groups.iter().flat_map(|group| &group.topics) {
        for partition in topic.partitions.iter().filter(|partition| partition.committed_offset >= 0) {
            found.push(Committed {
                place: (topic.name.to_string(), partition.partition_index),
                offset: partition.committed_offset,
                metadata: partition.metadata.as_deref().unwrap_or_default().to_owned(),
            });
        }
    }
    found.sort_by(|left, right| left.place.cmp(&right.place));
    Ok(found)
}

/// Sets offsets of a group that has no members.
pub async fn commit(cluster: &mut Cluster, group: &str, offsets: &[(Place, i64)]) -> Result<(), ClientError> {
    let coordinator = coordinator(cluster, group).await?;
    let mut topics: Vec<OffsetCommitRequestTopic> = Vec::new();
    for ((topic, partition), offset) in offsets {
        let partition = OffsetCommitRequestPartition {
            partition_index: *partition,
            committed_offset: *offset,
            ..Default::default()
        };
        match topics.iter_mut().find(|known| *known.name == **topic) {
            Some(known) => known.partitions.push(partition),
            None => topics.push(OffsetCommitRequestTopic {
                name: topic.into(),
                partitions: vec![partition],
                ..Default::default()
            }),
        }
    }
    let request = OffsetCommitRequest { group_id: group.into(), topics, ..Default::default() };
    ask(cluster, coordinator, group, &request, VERSION_OF_NAMES_MAX, |response| {
        let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
        partitions.map(|partition| partition.error_code).find(|&code| code != 0).unwrap_or(0)
    })
    .await?;
    Ok(())
}

/// Deletes a group that has no members.
pub async fn delete(cluster: &mut Cluster, group: &str) -> Result<(), ClientError> {
    let coordinator = coordinator(cluster, group).await?;
    let request = DeleteGroupsRequest { groups_names: vec![group.into()] };
    ask(cluster, coordinator, group, &request, i16::MAX, |response| {
        response.results.first().map_or(0, |result| result.error_code)
    })
    .await?;
    Ok(())
}

/// The broker that coordinates a group.
async fn coordinator(cluster: &mut Cluster, group: &str) -> Result<i32, ClientError> {
    cluster.metadata(Some(&[]), false).await?;
    let request =
        FindCoordinatorRequest { key_type: KEY_TYPE_GROUP, coordinator_keys: vec![group.into()], ..Default::default() };
    let began = time::now();
    loop {
        let response = cluster.call(&request).await?;
        let found = response.coordinators.into_iter().next().unwrap_or_default();
        match check(found.error_code, found.error_message.as_deref(), || format!("coordinator of group \"{group}\"")) {
            Ok(()) => return Ok(found.node_id),
            Err(error) if error.is_retriable() && began.elapsed() < COORDINATOR_TIME_MAX => {}
            Err(error) => return Err(error),
        }
        time::sleep(RETRY_PAUSE).await;
    }
}

/// Asks the coordinator until it is ready; `code_of` finds the first error in an answer.
async fn ask<R: Request>(
    cluster: &mut Cluster,
    coordinator: i32,
    group: &str,
    request: &R,
    version_max: i16,
    code_of: impl Fn(&R::Response) -> i16,
) -> Result<R::Response, ClientError> {
    let began = time::now();
    loop {
        let response = cluster.call_node(coordinator, request, version_max).await?;
        match check(code_of(&response), None, || format!("group \"{group}\"")) {
            Ok(()) => return Ok(response),
            Err(error) if error.is_retriable() && began.elapsed() < COORDINATOR_TIME_MAX => {}
            Err(error) => return Err(error),
        }
        time::sleep(RETRY_PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_that_is_none_has_no_partitions() {
        let whole = b"\0\x03\0\0\0\x01\0\x01t\0\0\0\x02\0\0\0\x04\0\0\0\x07\xff\xff\xff\xff";
        assert_eq!(assigned(Bytes::from_static(whole)), [("t".to_owned(), 4), ("t".to_owned(), 7)]);
        for bytes in [&b""[..], b"\0", b"\0\0\x7f\xff\xff\xff", b"text"] {
            assert_eq!(assigned(Bytes::copy_from_slice(bytes)), []);
        }
    }
}
