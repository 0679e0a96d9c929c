//! Where each partition begins and, unless it is followed, where it ends.
//!
//! Runs on the tool's shard, once per command.

use corelog_protocol::messages::metadata_response::MetadataResponseTopic;

use crate::cli::client::cluster::Cluster;
use crate::cli::client::error::ClientError;
use crate::cli::client::offsets;
use crate::cli::moment::Position;

/// The part of a partition that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The partition.
    pub partition: i32,
    /// Offset of the next record.
    pub next: i64,
    /// Offset after the last record when the command began.
    pub end: i64,
}

/// The span of each of `partitions` from `position`; positions outside of what is there are moved to its bounds.
pub async fn spans(
    cluster: &mut Cluster,
    topic: &MetadataResponseTopic,
    partitions: &[i32],
    position: Position,
    committed: bool,
) -> Result<Vec<Span>, ClientError> {
    let starts = offsets::list(cluster, topic, partitions, offsets::EARLIEST, committed).await?;
    let ends = offsets::list(cluster, topic, partitions, offsets::LATEST, committed).await?;
    let times = match position {
        Position::Time(timestamp_ms) => Some(offsets::list(cluster, topic, partitions, timestamp_ms, committed).await?),
        _ => None,
    };
    let span = |&partition: &i32| {
        let start = starts.get(&partition).copied().unwrap_or(0);
        let end = ends.get(&partition).copied().unwrap_or(start).max(start);
        let by_time = times.as_ref().and_then(|times| times.get(&partition)).copied();
        Span { partition, next: first(position, start, end, by_time), end }
    };
    Ok(partitions.iter().map(span).collect())
}

fn first(position: Position, start: i64, end: i64, by_time: Option<i64>) -> i64 {
    match position {
        Position::Beginning => start,
        Position::End => end,
        Position::Offset(offset) => offset.clamp(start, end),
        Position::BeforeEnd(count) => end.saturating_sub(count).max(start),
        // Without a record so late reading begins at the end.
        Position::Time(_) => by_time.filter(|&offset| offset >= 0).map_or(end, |offset| offset.clamp(start, end)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_moved_to_what_is_there() {
        for (position, by_time, offset) in [
            (Position::Beginning, None, 10),
            (Position::End, None, 20),
            (Position::Offset(15), None, 15),
            (Position::Offset(5), None, 10),
            (Position::Offset(25), None, 20),
            (Position::BeforeEnd(3), None, 17),
            (Position::BeforeEnd(30), None, 10),
            (Position::Time(1), Some(12), 12),
            (Position::Time(1), Some(-1), 20),
        ] {
            assert_eq!(first(position, 10, 20, by_time), offset, "{position:?}");
        }
    }
}
