//! Owns `OffsetCommit`: who may commit, and what.

use corelog_protocol::ErrorCode;
use corelog_protocol::messages::offset_commit_request::{OffsetCommitRequest, OffsetCommitRequestTopic};
use corelog_protocol::messages::offset_commit_response::{
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};

use super::committed::CommittedOffset;
use super::store::record;
use crate::groups::consumer::CommitClaim;
use crate::groups::coordinator::Coordinator;
use crate::groups::group::Group;
use crate::groups::moment::Moment;

/// The first version whose clients know that a group may not be there.
const VERSION_GROUP_ID_NOT_FOUND: i16 = 9;

impl Coordinator {
    /// A client commits. Topics must carry their names, whatever the version, and their ids where they are known.
    pub fn commit(&mut self, request: &OffsetCommitRequest, version: i16, now: Moment) -> OffsetCommitResponse {
        if let Err(error) = self.may_commit(request, version) {
            return refuse_all(request, error);
        }
        self.hear_of_committer(request, now);
        let metadata_bytes_max = self.settings().offset_metadata_bytes_max;
        let group = request.group_id.clone();
        let claim = CommitClaim {
            member: &request.member_id,
            instance_id: request.group_instance_id.as_ref(),
            epoch: request.generation_id_or_member_epoch,
            is_transactional: false,
            version,
        };
        let mut records = Vec::new();
        let state = self.group(&request.group_id);
        let mut one_topic = |topic: &OffsetCommitRequestTopic| {
            let partitions = topic.partitions.iter().map(|partition| {
                let index = partition.partition_index;
                // Kafka counts UTF-16 units.
                let length = partition.committed_metadata.as_ref().map_or(0, |text| text.encode_utf16().count());
                if length > metadata_bytes_max {
                    return answer(index, ErrorCode::OffsetMetadataTooLarge);
                }
                let held = state.map(|group| group.may_commit_partition(&claim, topic.topic_id, index));
                if let Some(Err(error)) = held {
                    return answer(index, error);
                }
                let offset = CommittedOffset::asked(partition, topic.topic_id, now.unix_ms, request.retention_time_ms);
                records.push(record(&group, &topic.name, index, &offset));
                answer(index, ErrorCode::None)
            });
            let partitions = partitions.collect();
            OffsetCommitResponseTopic { name: topic.name.clone(), topic_id: topic.topic_id, partitions }
        };
        let topics = request.topics.iter().map(&mut one_topic).collect();
        self.effects_mut().records = records;
        OffsetCommitResponse { topics, ..Default::default() }
    }

    /// A group that is not there may still hold offsets for clients that are no members of anything.
    fn may_commit(&self, request: &OffsetCommitRequest, version: i16) -> Result<(), ErrorCode> {
        match self.group(&request.group_id) {
            Some(group) => group.may_commit(
                &request.member_id,
                request.group_instance_id.as_ref(),
                request.generation_id_or_member_epoch,
                version,
            ),
            None if request.generation_id_or_member_epoch < 0 => Ok(()),
            None if version >= VERSION_GROUP_ID_NOT_FOUND => Err(ErrorCode::GroupIdNotFound),
            None => Err(ErrorCode::IllegalGeneration),
        }
    }

    fn hear_of_committer(&mut self, request: &OffsetCommitRequest, now: Moment) {
        self.with_group(&request.group_id, now, |group, context| match group {
            Group::Classic(group) => group.hear_of_committer(&request.member_id, context),
            // Only heartbeats count.
            Group::Consumer(_) => {}
        });
    }
}

fn answer(partition_index: i32, error: ErrorCode) -> OffsetCommitResponsePartition {
    OffsetCommitResponsePartition { partition_index, error_code: error.code() }
}

/// The answer to a commit of which nothing is accepted.
pub fn refuse_all(request: &OffsetCommitRequest, error: ErrorCode) -> OffsetCommitResponse {
    let topic = |topic: &OffsetCommitRequestTopic| OffsetCommitResponseTopic {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions: topic.partitions.iter().map(|partition| answer(partition.partition_index, error)).collect(),
    };
    OffsetCommitResponse { topics: request.topics.iter().map(topic).collect(), ..Default::default() }
}
