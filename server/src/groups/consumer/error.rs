//! Owns why a consumer group refuses a request, with Kafka's code for it and the text that clients show.

use corelog_protocol::{ErrorCode, Text};

/// A request that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConsumerGroupError {
    /// A field is missing or has a value that it cannot have.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// There is no such group, or it is of another kind and cannot become one.
    #[error("Group {0} is not a consumer group.")]
    NotConsumerGroup(Text),
    /// There is no such group.
    #[error("Group {0} not found.")]
    GroupNotFound(Text),
    /// A classic group cannot become a consumer group, because it is not what it seems.
    #[error(
        "Cannot upgrade the classic group {0} to consumer group because the embedded consumer protocol is malformed."
    )]
    MalformedClassicGroup(Text),
    /// There is no such member.
    #[error("Member {member} is not a member of group {group}.")]
    UnknownMember {
        /// The member.
        member: Text,
        /// The group.
        group: Text,
    },
    /// No member has this instance id.
    #[error("Instance id {0} is unknown.")]
    UnknownInstance(Text),
    /// The member does not speak the protocol of the request.
    #[error("Member {0} does not use the classic protocol.")]
    NotClassicMember(Text),
    /// The member is not in the epoch that it believes to be in.
    #[error(
        "The consumer group member has a {} member epoch ({received}) than the one known by the group coordinator ({known}). The member must abandon all its partitions and rejoin.",
        if received > known { "greater" } else { "smaller" }
    )]
    FencedEpoch {
        /// The epoch in the request.
        received: i32,
        /// The epoch that the member is in.
        known: i32,
    },
    /// The member is in a state that a newer version wrote.
    #[error("The consumer group member is in a unknown state. The member must abandon all its partitions and rejoin.")]
    UnknownState,
    /// Another member came with the same instance id.
    #[error("Static member {received} with instance id {instance} was fenced by member {known}.")]
    FencedInstance {
        /// The member in the request.
        received: Text,
        /// Its instance id.
        instance: Text,
        /// The member that has the instance id.
        known: Text,
    },
    /// The instance id is in use.
    #[error(
        "Static member {received} with instance id {instance} cannot join the group because the instance id is owned by {known} member."
    )]
    UnreleasedInstance {
        /// The member in the request.
        received: Text,
        /// Its instance id.
        instance: Text,
        /// The member that has the instance id.
        known: Text,
    },
    /// The group is full.
    #[error("The consumer group has reached its maximum capacity of {0} members.")]
    Full(usize),
    /// The broker does not run the assignor.
    #[error("ServerAssignor {wanted} is not supported. Supported assignors: {supported}.")]
    UnsupportedAssignor {
        /// The assignor in the request.
        wanted: Text,
        /// Those that the broker runs.
        supported: String,
    },
    /// The pattern is none, or is too large.
    #[error("SubscribedTopicRegex `{pattern}` is not a valid regular expression: {reason}.")]
    InvalidPattern {
        /// The pattern.
        pattern: Text,
        /// What is wrong with it.
        reason: super::re2::SyntaxError,
    },
    /// The offsets come from a member that is not in the epoch that it believes to be in.
    #[error("The received member epoch {received} does not match the expected member epoch {known}.")]
    StaleEpoch {
        /// The epoch in the request.
        received: i32,
        /// The epoch that the member is in.
        known: i32,
    },
    /// The request is of a version that does not carry member epochs.
    #[error("OffsetCommit version 9 or above must be used by members using the modern group protocol")]
    CommitVersion,
    /// The request of a classic member names another generation than its epoch.
    #[error("The request generation id {received} is not equal to the member epoch {known} of member {member}.")]
    IllegalGeneration {
        /// The generation in the request.
        received: i32,
        /// The epoch that the member is in.
        known: i32,
        /// The member.
        member: Text,
    },
    /// The protocols of a classic member are not those of the group.
    #[error("Member {0}'s protocols are not supported.")]
    InconsistentProtocol(Text),
    /// A classic member must join again.
    #[error("A new rebalance is triggered in group {group} and member {member} should rejoin to catch up.")]
    RebalanceInProgress {
        /// The group.
        group: Text,
        /// The member.
        member: Text,
    },
    /// A classic member must join again with the id that it is given here.
    #[error("The group member needs to have a valid member id before actually entering a consumer group.")]
    MemberIdRequired(Text),
    /// What the member tells of itself does not fit into a record.
    #[error("The request is too large to be stored.")]
    TooLarge,
    /// Members of the classic protocol may not join: `group.consumer.migration.policy` is `disabled`.
    #[error("Cannot join the consumer group {0} with the classic protocol because the group migration is disabled.")]
    MigrationDisabled(Text),
}

impl ConsumerGroupError {
    /// The code that clients are answered.
    pub fn code(&self) -> ErrorCode {
        match self {
            ConsumerGroupError::InvalidRequest(_) => ErrorCode::InvalidRequest,
            ConsumerGroupError::NotConsumerGroup(_)
            | ConsumerGroupError::GroupNotFound(_)
            | ConsumerGroupError::MalformedClassicGroup(_) => ErrorCode::GroupIdNotFound,
            ConsumerGroupError::UnknownMember { .. }
            | ConsumerGroupError::UnknownInstance(_)
            | ConsumerGroupError::NotClassicMember(_) => ErrorCode::UnknownMemberId,
            ConsumerGroupError::FencedEpoch { .. } | ConsumerGroupError::UnknownState => ErrorCode::FencedMemberEpoch,
            ConsumerGroupError::FencedInstance { .. } => ErrorCode::FencedInstanceId,
            ConsumerGroupError::UnreleasedInstance { .. } => ErrorCode::UnreleasedInstanceId,
            ConsumerGroupError::Full(_) => ErrorCode::GroupMaxSizeReached,
            ConsumerGroupError::UnsupportedAssignor { .. } => ErrorCode::UnsupportedAssignor,
            ConsumerGroupError::InvalidPattern { .. } => ErrorCode::InvalidRegularExpression,
            ConsumerGroupError::StaleEpoch { .. } => ErrorCode::StaleMemberEpoch,
            ConsumerGroupError::CommitVersion => ErrorCode::UnsupportedVersion,
            ConsumerGroupError::IllegalGeneration { .. } => ErrorCode::IllegalGeneration,
            ConsumerGroupError::InconsistentProtocol(_) | ConsumerGroupError::MigrationDisabled(_) => {
                ErrorCode::InconsistentGroupProtocol
            }
            ConsumerGroupError::RebalanceInProgress { .. } => ErrorCode::RebalanceInProgress,
            ConsumerGroupError::MemberIdRequired(_) => ErrorCode::MemberIdRequired,
            ConsumerGroupError::TooLarge => ErrorCode::UnknownServerError,
        }
    }
}
