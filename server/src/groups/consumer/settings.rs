//! Owns what brokers and groups are set to, as far as consumer groups look at it.
//!
//! Plain values, made by the caller for each request: a change of a config counts from the next request on.

use super::assignors::Assignor;

/// Which way groups may go between the protocols while members are in them (`group.consumer.migration.policy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MigrationPolicy {
    /// None.
    Disabled,
    /// From the classic protocol to the consumer protocol.
    Upgrade,
    /// From the consumer protocol to the classic protocol.
    Downgrade,
    /// Both.
    #[default]
    Bidirectional,
}

impl MigrationPolicy {
    /// The policy of this name, in any case.
    pub fn named(name: &str) -> Option<MigrationPolicy> {
        match name.to_ascii_lowercase().as_str() {
            "disabled" => Some(MigrationPolicy::Disabled),
            "upgrade" => Some(MigrationPolicy::Upgrade),
            "downgrade" => Some(MigrationPolicy::Downgrade),
            "bidirectional" => Some(MigrationPolicy::Bidirectional),
            _ => None,
        }
    }

    /// Whether classic groups may become consumer groups.
    pub fn upgrades(self) -> bool {
        matches!(self, MigrationPolicy::Upgrade | MigrationPolicy::Bidirectional)
    }

    /// Whether consumer groups may become classic groups.
    pub fn downgrades(self) -> bool {
        matches!(self, MigrationPolicy::Downgrade | MigrationPolicy::Bidirectional)
    }
}

/// The settings of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerSettings {
    /// `consumer.heartbeat.interval.ms`: what members are told.
    pub heartbeat_interval_ms: i32,
    /// `consumer.session.timeout.ms`: how long a member may be silent.
    pub session_timeout_ms: i32,
    /// `consumer.assignment.interval.ms`: how long a target stays at least.
    pub assignment_interval_ms: i32,
    /// `group.consumer.regex.refresh.interval.ms`: how old the topics of a pattern may become.
    pub regex_refresh_interval_ms: i64,
    /// `group.consumer.max.size`: members at most.
    pub size_max: usize,
    /// `group.max.size`: members of a classic group at most.
    pub classic_size_max: usize,
    /// `group.consumer.assignors`; the first is what groups use whose members do not choose.
    pub assignors: Vec<Assignor>,
    /// `group.consumer.migration.policy`.
    pub migration: MigrationPolicy,
}

impl Default for ConsumerSettings {
    fn default() -> ConsumerSettings {
        ConsumerSettings {
            heartbeat_interval_ms: 5_000,
            session_timeout_ms: 45_000,
            assignment_interval_ms: 1_000,
            regex_refresh_interval_ms: 600_000,
            size_max: i32::MAX as usize,
            classic_size_max: i32::MAX as usize,
            assignors: vec![Assignor::Uniform, Assignor::Range],
            migration: MigrationPolicy::Bidirectional,
        }
    }
}
