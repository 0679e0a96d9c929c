//! Owns the newtypes of what is persisted or compared across modules.
//!
//! Plain values: every shard and every module uses them. They never carry behaviour beyond arithmetic on themselves.

use std::fmt;

/// A position in a partition, counted in records. Kafka's offset; -1 stands for "none" on the wire alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub i64);

impl Offset {
    /// The first offset of every partition.
    pub const ZERO: Offset = Offset(0);

    /// The offset `records` further on; saturates at the largest offset.
    pub fn plus(self, records: i64) -> Offset {
        Offset(self.0.saturating_add(records))
    }
}

/// The term of a partition's leader; -1 stands for "unknown" on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaderEpoch(pub i32);

impl LeaderEpoch {
    /// What Kafka's protocol writes where no epoch is known.
    pub const UNKNOWN: LeaderEpoch = LeaderEpoch(-1);
}

/// One pinned executor of this process, counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u16);

/// One log directory; a log keeps its id when the number of shards changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(pub u32);

/// A topic's number: allotted by the metadata state machine, cluster-wide, never reused. 0 is the metadata log itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicNumber(pub u32);

impl TopicNumber {
    /// The cluster's metadata log.
    pub const METADATA: TopicNumber = TopicNumber(0);
}

/// Names one partition inside the engine and on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionKey {
    /// The topic's number.
    pub topic: TopicNumber,
    /// The partition's index inside its topic.
    pub partition: u32,
}

/// Counts the commits of one shard log, from 1 in each log's life; never goes back, also across restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitSequence(pub u64);

/// Counts the segments of one shard log; never goes back, also across restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentSequence(pub u64);

impl fmt::Display for Offset {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl fmt::Display for LeaderEpoch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl fmt::Display for TopicNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl fmt::Display for PartitionKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.topic, self.partition)
    }
}

impl fmt::Display for CommitSequence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl SegmentSequence {
    const SETTLED: u64 = 1 << 63;

    /// The settled segment `number`: these have numbers of their own, so that those of the others stay without gaps.
    pub fn settled(number: u64) -> SegmentSequence {
        SegmentSequence(number | SegmentSequence::SETTLED)
    }

    /// Whether it was written by the settling pass.
    pub fn is_settled(self) -> bool {
        self.0 & SegmentSequence::SETTLED != 0
    }

    /// Its number among its kind.
    pub fn number(self) -> u64 {
        self.0 & !SegmentSequence::SETTLED
    }
}

impl fmt::Display for SegmentSequence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.is_settled() { "settled " } else { "" })?;
        self.number().fmt(out)
    }
}
