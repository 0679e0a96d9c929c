//! Owns the kinds of records: which key goes with which value, and the version that a value is written in.
//!
//! Plain values, made by the coordinators and by `codec`. A value that is `None` is a tombstone.

use bytes::Bytes;
use corelog_protocol::messages::consumer_group_current_member_assignment_key::ConsumerGroupCurrentMemberAssignmentKey;
use corelog_protocol::messages::consumer_group_current_member_assignment_value::ConsumerGroupCurrentMemberAssignmentValue;
use corelog_protocol::messages::consumer_group_member_metadata_key::ConsumerGroupMemberMetadataKey;
use corelog_protocol::messages::consumer_group_member_metadata_value::ConsumerGroupMemberMetadataValue;
use corelog_protocol::messages::consumer_group_metadata_key::ConsumerGroupMetadataKey;
use corelog_protocol::messages::consumer_group_metadata_value::ConsumerGroupMetadataValue;
use corelog_protocol::messages::consumer_group_partition_metadata_key::ConsumerGroupPartitionMetadataKey;
use corelog_protocol::messages::consumer_group_partition_metadata_value::ConsumerGroupPartitionMetadataValue;
use corelog_protocol::messages::consumer_group_regular_expression_key::ConsumerGroupRegularExpressionKey;
use corelog_protocol::messages::consumer_group_regular_expression_value::ConsumerGroupRegularExpressionValue;
use corelog_protocol::messages::consumer_group_target_assignment_member_key::ConsumerGroupTargetAssignmentMemberKey;
use corelog_protocol::messages::consumer_group_target_assignment_member_value::ConsumerGroupTargetAssignmentMemberValue;
use corelog_protocol::messages::consumer_group_target_assignment_metadata_key::ConsumerGroupTargetAssignmentMetadataKey;
use corelog_protocol::messages::consumer_group_target_assignment_metadata_value::ConsumerGroupTargetAssignmentMetadataValue;
use corelog_protocol::messages::group_metadata_key::GroupMetadataKey;
use corelog_protocol::messages::group_metadata_value::GroupMetadataValue;
use corelog_protocol::messages::legacy_offset_commit_key::LegacyOffsetCommitKey;
use corelog_protocol::messages::legacy_offset_commit_value::LegacyOffsetCommitValue;
use corelog_protocol::messages::offset_commit_key::OffsetCommitKey;
use corelog_protocol::messages::offset_commit_value::OffsetCommitValue;

use super::codec::{EncodedRecord, RecordError, decode_key, decode_value, encode};

/// Declares the enum, and how each kind is written and read, from one table.
macro_rules! records {
    ($($(#[$meta:meta])* $variant:ident = $kind:literal, $key:ident, $value:ident, $write_version:expr;)*) => {
        /// One record of `__consumer_offsets`: a key, and a value unless it is a tombstone.
        #[derive(Clone, Debug, PartialEq)]
        pub enum GroupRecord {
            $($(#[$meta])* $variant($key, Option<$value>),)*
        }

        $(impl From<($key, Option<$value>)> for GroupRecord {
            fn from((key, value): ($key, Option<$value>)) -> GroupRecord {
                GroupRecord::$variant(key, value)
            }
        })*

        impl GroupRecord {
            /// The record as it lies in a batch.
            ///
            /// # Errors
            /// `Encode` if a string in it is longer than the format allows.
            pub fn encode(&self) -> Result<EncodedRecord, RecordError> {
                match self {
                    $(GroupRecord::$variant(key, value) => {
                        let write_version: fn(&$value) -> i16 = $write_version;
                        encode($kind, key, value.as_ref().map(|value| (value, write_version(value))))
                    })*
                }
            }

            /// Reads a record; `None` for one of a kind that we do not know (share and streams groups), which is passed over as Kafka does.
            ///
            /// # Errors
            /// [`RecordError`]: damaged, or of a version that we do not know.
            pub fn decode(key: &Bytes, value: Option<&Bytes>) -> Result<Option<GroupRecord>, RecordError> {
                let (kind, mut decoder) = decode_key(key)?;
                Ok(Some(match kind {
                    $($kind => GroupRecord::$variant(
                        super::codec::whole(&mut decoder)?,
                        value.map(decode_value).transpose()?,
                    ),)*
                    _ => return Ok(None),
                }))
            }
        }
    };
}

records! {
    /// An offset in the form that Kafka wrote before 0.8.2; read, never written.
    LegacyOffsetCommit = 0, LegacyOffsetCommitKey, LegacyOffsetCommitValue, |_| 0;
    /// A committed offset. Only the first version after the first can carry a time of expiry.
    OffsetCommit = 1, OffsetCommitKey, OffsetCommitValue, |value| if value.expire_timestamp >= 0 { 1 } else { 4 };
    /// A group of the classic protocol: its generation and members.
    GroupMetadata = 2, GroupMetadataKey, GroupMetadataValue, |_| 3;
    /// A group of the consumer protocol: its epoch.
    ConsumerGroupMetadata = 3, ConsumerGroupMetadataKey, ConsumerGroupMetadataValue, |_| 0;
    /// What a group of the consumer protocol knew of its topics; gone since Kafka 4.1, only its tombstone is written.
    ConsumerGroupPartitionMetadata = 4, ConsumerGroupPartitionMetadataKey, ConsumerGroupPartitionMetadataValue, |_| 0;
    /// A member of a consumer group: what it told of itself.
    ConsumerGroupMemberMetadata = 5, ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue, |_| 0;
    /// The epoch of a consumer group's target assignment.
    ConsumerGroupTargetAssignmentMetadata = 6, ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue, |_| 0;
    /// What a member of a consumer group shall own.
    ConsumerGroupTargetAssignmentMember = 7, ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupTargetAssignmentMemberValue, |_| 0;
    /// What a member of a consumer group owns.
    ConsumerGroupCurrentMemberAssignment = 8, ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue, |_| 0;
    /// The topics that a regular expression of a consumer group stands for.
    ConsumerGroupRegularExpression = 16, ConsumerGroupRegularExpressionKey, ConsumerGroupRegularExpressionValue, |_| 0;
}
