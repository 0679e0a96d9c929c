//! Owns the checks of a heartbeat that need no group (`ConsumerGroupHeartbeat`, KIP-848).

use corelog_protocol::messages::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;

use super::assignors::Assignor;
use super::error::ConsumerGroupError;
use super::member::{EPOCH_AWAY, EPOCH_LEFT};
use super::settings::ConsumerSettings;

/// Checks a heartbeat of this version before its group is looked for.
///
/// # Errors
/// `InvalidRequest`, `UnsupportedAssignor`.
pub fn check_heartbeat(
    request: &ConsumerGroupHeartbeatRequest,
    version: i16,
    settings: &ConsumerSettings,
) -> Result<(), ConsumerGroupError> {
    let invalid = |text| Err(ConsumerGroupError::InvalidRequest(text));
    let empty = |text: &Option<corelog_protocol::Text>| text.as_ref().is_some_and(|text| is_blank(text));
    // From version 1 on the client draws its id; before, it gets one with its first answer (KIP-1082).
    if request.member_id.is_empty() && (version >= 1 || request.member_epoch > 0 || request.member_epoch == EPOCH_LEFT)
    {
        return invalid("MemberId can't be empty.");
    }
    if is_blank(&request.group_id) {
        return invalid("GroupId can't be empty.");
    }
    if empty(&request.instance_id) {
        return invalid("InstanceId can't be empty.");
    }
    if empty(&request.rack_id) {
        return invalid("RackId can't be empty.");
    }
    if request.member_epoch == 0 {
        if request.rebalance_timeout_ms == -1 {
            return invalid("RebalanceTimeoutMs must be provided in first request.");
        }
        if !request.topic_partitions.as_ref().is_some_and(Vec::is_empty) {
            return invalid("TopicPartitions must be empty when (re-)joining.");
        }
        if request.subscribed_topic_names.is_none() && request.subscribed_topic_regex.is_none() {
            return invalid("Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.");
        }
    } else if request.member_epoch == EPOCH_AWAY && request.instance_id.is_none() {
        return invalid("InstanceId can't be null.");
    } else if request.member_epoch < EPOCH_AWAY {
        return invalid("MemberEpoch is invalid.");
    }
    let Some(wanted) = &request.server_assignor else { return Ok(()) };
    if Assignor::named(wanted).is_some_and(|assignor| settings.assignors.contains(&assignor)) {
        return Ok(());
    }
    let supported: Vec<&str> = settings.assignors.iter().map(|assignor| assignor.name()).collect();
    Err(ConsumerGroupError::UnsupportedAssignor { wanted: wanted.clone(), supported: supported.join(", ") })
}

/// Whether there is nothing in it but what Java's `trim` takes away.
fn is_blank(text: &str) -> bool {
    text.chars().all(|character| character <= ' ')
}
