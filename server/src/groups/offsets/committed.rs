//! Owns one committed offset, and its form in a record.

use corelog_protocol::messages::offset_commit_request::OffsetCommitRequestPartition;
use corelog_protocol::messages::offset_commit_value::OffsetCommitValue;
use corelog_protocol::{Text, Uuid};

/// One committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The next offset that the group will read.
    pub offset: i64,
    /// The leader epoch of the last record read; -1 where the client did not say.
    pub leader_epoch: i32,
    /// What the client wants to keep with it.
    pub metadata: Box<str>,
    /// When it was committed, in ms since 1970.
    pub committed_ms: i64,
    /// When it expires, in ms since 1970; -1 where the broker's retention decides.
    pub expires_ms: i64,
    /// The topic's id when it was committed; zero where that is not known.
    pub topic_id: Uuid,
}

impl CommittedOffset {
    /// What a client commits. A retention of -1 is the broker's.
    pub fn asked(
        partition: &OffsetCommitRequestPartition,
        topic_id: Uuid,
        now_ms: i64,
        retention_ms: i64,
    ) -> CommittedOffset {
        let expires_ms = if retention_ms == -1 { -1 } else { now_ms.saturating_add(retention_ms).max(0) };
        CommittedOffset {
            offset: partition.committed_offset,
            leader_epoch: partition.committed_leader_epoch,
            metadata: partition
                .committed_metadata
                .as_ref()
                .map(|metadata| Box::from(metadata.as_str()))
                .unwrap_or_default(),
            committed_ms: now_ms,
            expires_ms,
            topic_id,
        }
    }

    /// What a record tells.
    pub fn from_value(value: &OffsetCommitValue) -> CommittedOffset {
        CommittedOffset {
            offset: value.offset,
            leader_epoch: value.leader_epoch,
            metadata: Box::from(value.metadata.as_str()),
            committed_ms: value.commit_timestamp,
            expires_ms: value.expire_timestamp,
            topic_id: value.topic_id,
        }
    }

    /// Its record's value.
    pub fn to_value(&self) -> OffsetCommitValue {
        OffsetCommitValue {
            offset: self.offset,
            leader_epoch: self.leader_epoch,
            metadata: Text::from(&*self.metadata),
            commit_timestamp: self.committed_ms,
            expire_timestamp: self.expires_ms,
            // The version that carries a time of expiry has neither of these.
            topic_id: self.topic_id,
        }
    }
}
