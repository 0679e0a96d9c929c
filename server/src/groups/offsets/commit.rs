//! Owns `OffsetCommit`: who may commit, and what.

use corelog_protocol::messages::offset_commit_request::{OffsetCommitRequest, OffsetCommitRequestTopic};
use corelog_protocol::messages::offset_commit_response::{
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use corelog_protocol::{ErrorCode, Uuid};

use super::committed::CommittedOffset;
use super::store::record;
use crate::groups::consumer::{CommitClaim, CommitScope};
use crate::groups::coordinator::Coordinator;
use crate::groups::group::Group;
use crate::groups::moment::Moment;
use crate::groups::records::GroupRecord;

/// The first version whose clients know that a group may not be there.
const VERSION_GROUP_ID_NOT_FOUND: i16 = 9;
/// The first version that names topics by id.
pub const VERSION_TOPIC_IDS: i16 = 10;

impl Coordinator {
    /// A client commits. Topics must carry their names, whatever the version, and their ids where they are known. Who commits what it
    /// may not, commits nothing.
    pub fn commit(&mut self, request: &OffsetCommitRequest, version: i16, now: Moment) -> OffsetCommitResponse {
        let decided = self.may_commit(request, version).and_then(|scope| {
            self.hear_of_committer(request, now);
            self.decide(request, version, scope, now)
        });
        match decided {
            Ok((topics, records)) => {
                self.effects_mut().records = records;
                OffsetCommitResponse { topics, ..Default::default() }
            }
            Err(error) => refuse_all(request, error),
        }
    }

    /// What is answered and written for each partition.
    fn decide(
        &self,
        request: &OffsetCommitRequest,
        version: i16,
        scope: CommitScope,
        now: Moment,
    ) -> Result<(Vec<OffsetCommitResponseTopic>, Vec<GroupRecord>), ErrorCode> {
        let (group, state) = (&request.group_id, self.group(&request.group_id));
        let metadata_bytes_max = self.settings().offset_metadata_bytes_max;
        let mut records = Vec::new();
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in &request.topics {
            // Of a topic that was named, Kafka does not know since when somebody holds it.
            let held_id = if version >= VERSION_TOPIC_IDS { topic.topic_id } else { Uuid::ZERO };
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for partition in &topic.partitions {
                let index = partition.partition_index;
                // Kafka counts UTF-16 units.
                let length = partition.committed_metadata.as_ref().map_or(0, |text| text.encode_utf16().count());
                if length > metadata_bytes_max {
                    partitions.push(answer(index, ErrorCode::OffsetMetadataTooLarge));
                    continue;
                }
                if let Some(state) = state {
                    state.may_commit_partition(scope, &request.member_id, held_id, index)?;
                }
                let offset = CommittedOffset::asked(partition, topic.topic_id, now.unix_ms, request.retention_time_ms);
                records.push(record(group, &topic.name, index, &offset));
                partitions.push(answer(index, ErrorCode::None));
            }
            topics.push(OffsetCommitResponseTopic { name: topic.name.clone(), topic_id: topic.topic_id, partitions });
        }
        Ok((topics, records))
    }

    /// A group that is not there may still hold offsets for clients that are no members of anything.
    fn may_commit(&self, request: &OffsetCommitRequest, version: i16) -> Result<CommitScope, ErrorCode> {
        let claim = CommitClaim {
            member: &request.member_id,
            instance_id: request.group_instance_id.as_ref(),
            epoch: request.generation_id_or_member_epoch,
            is_transactional: false,
            version,
        };
        match self.group(&request.group_id) {
            Some(group) => group.may_commit(&claim),
            None if claim.epoch < 0 => Ok(CommitScope::All),
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
