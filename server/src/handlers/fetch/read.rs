//! Reading the partitions of a fetch on the shards that own them.
//!
//! Called by the Fetch handler, as often as a long poll looks again. Partitions are read in the order given until the
//! limits are reached; the first one with records gives at least one whole batch, however large.

use std::rc::Rc;

use corelog_engine::ids::{LeaderEpoch, Offset, PartitionKey, ShardId};
use corelog_engine::partition::{EpochError, Fetched, Isolation, Partition, ReadRequest};
use corelog_engine::shard::Shard;
use corelog_protocol::messages::fetch_response::{EpochEndOffset, PartitionData};
use corelog_protocol::{ErrorCode, Records};
use futures_util::future::join_all;

use crate::handlers::list_offsets::fetch_code;

/// One partition to read.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    /// The consumer's slot for it.
    pub slot: usize,
    /// The engine's name of it.
    pub key: PartitionKey,
    /// Its index in its topic.
    pub partition: i32,
    /// Where to read from.
    pub offset: i64,
    /// The most bytes of it.
    pub bytes_max: usize,
    /// The leader epoch that the consumer knows, or -1.
    pub leader_epoch: i32,
    /// The epoch of the last record that the consumer has, or -1.
    pub epoch_last: i32,
}

/// What holds for all partitions of a fetch.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes of all partitions together.
    pub bytes_max: usize,
    /// How far the consumer may see.
    pub isolation: Isolation,
}

/// What was read of one partition.
#[derive(Debug)]
pub struct PartitionRead {
    /// The consumer's slot for it.
    pub slot: usize,
    /// The answer.
    pub data: PartitionData,
    /// Offsets that the consumer goes forward by.
    pub records: u64,
}

impl PartitionRead {
    /// Bytes of records.
    pub fn bytes(&self) -> usize {
        self.data.records.as_ref().map_or(0, Records::len)
    }

    /// Whether the client must hear of it at once, records or not.
    pub fn is_urgent(&self) -> bool {
        self.data.error_code != ErrorCode::None.code() || self.data.diverging_epoch.epoch >= 0
    }
}

/// Reads the partitions of all shards, which work at the same time, each with its part of the bytes.
pub async fn read(shard: &Rc<Shard>, groups: &[(ShardId, Vec<Read>)], limits: Limits) -> Vec<PartitionRead> {
    if let [(target, reads)] = groups
        && *target == shard.id()
    {
        return read_here(shard, reads, limits).await;
    }
    let part = Limits { bytes_max: limits.bytes_max / groups.len().max(1), ..limits };
    let ask = |(target, reads): &(ShardId, Vec<Read>)| {
        let (target, reads) = (*target, reads.clone());
        async move {
            let slots: Vec<(usize, i32)> = reads.iter().map(|read| (read.slot, read.partition)).collect();
            let answer =
                shard.run(target, move |shard: Rc<Shard>| async move { read_here(&shard, &reads, part).await });
            let stopped = |(slot, partition)| failed(slot, partition, ErrorCode::NotLeaderOrFollower, limits.isolation);
            answer.await.unwrap_or_else(|_| slots.into_iter().map(stopped).collect())
        }
    };
    let mut all: Vec<PartitionRead> = join_all(groups.iter().map(ask)).await.into_iter().flatten().collect();
    keep_within(&mut all, limits.bytes_max);
    all
}

/// Every shard gave at least one batch; beyond the limit only the first of all stays.
fn keep_within(reads: &mut [PartitionRead], bytes_max: usize) {
    let mut bytes = 0;
    for read in reads.iter_mut().filter(|read| read.bytes() > 0) {
        if bytes > 0 && bytes + read.bytes() > bytes_max {
            read.data.records = Some(Records::empty());
            read.records = 0;
        }
        bytes += read.bytes();
    }
}

async fn read_here(shard: &Shard, reads: &[Read], limits: Limits) -> Vec<PartitionRead> {
    let mut bytes_left = limits.bytes_max;
    let mut at_least_one = true;
    let mut done = Vec::with_capacity(reads.len());
    for read in reads {
        let bytes_max = read.bytes_max.min(bytes_left);
        let answer = match shard.partition(read.key) {
            Some(partition) => read_one(&partition, read, bytes_max, at_least_one, limits.isolation).await,
            None => failed(read.slot, read.partition, ErrorCode::NotLeaderOrFollower, limits.isolation),
        };
        bytes_left = bytes_left.saturating_sub(answer.bytes());
        at_least_one &= answer.bytes() == 0;
        done.push(answer);
    }
    done
}

async fn read_one(
    partition: &Partition,
    read: &Read,
    bytes_max: usize,
    at_least_one: bool,
    isolation: Isolation,
) -> PartitionRead {
    let failed = |error| failed(read.slot, read.partition, error, isolation);
    match partition.check_epoch(LeaderEpoch(read.leader_epoch)) {
        Err(EpochError::Fenced) => return failed(ErrorCode::FencedLeaderEpoch),
        Err(EpochError::Unknown) => return failed(ErrorCode::UnknownLeaderEpoch),
        Ok(()) => {}
    }
    let from = Offset(read.offset);
    if read.epoch_last >= 0 {
        match partition.diverging(from, LeaderEpoch(read.epoch_last)) {
            Ok(None) => {}
            Ok(Some(end)) => {
                let mut answer = failed(ErrorCode::None);
                answer.data.diverging_epoch = EpochEndOffset { epoch: end.leader_epoch.0, end_offset: end.end.0 };
                return answer;
            }
            Err(error) => return failed(fetch_code(&error)),
        }
    }
    match partition.read(ReadRequest { from, bytes_max, isolation, at_least_one }).await {
        Ok(fetched) => {
            let records = (fetched.records.next_offset.0 - from.0).max(0) as u64;
            PartitionRead { slot: read.slot, data: found(read.partition, fetched, isolation), records }
        }
        Err(error) => {
            let code = fetch_code(&error);
            if code == ErrorCode::KafkaStorageError {
                tracing::error!(partition = %read.key, offset = read.offset, "a fetch cannot be served: {error}");
            }
            failed(code)
        }
    }
}

fn found(partition_index: i32, fetched: Fetched, isolation: Isolation) -> PartitionData {
    PartitionData {
        partition_index,
        high_watermark: fetched.high_watermark.0,
        last_stable_offset: fetched.stable.0,
        log_start_offset: fetched.log_start.0,
        aborted_transactions: aborted(isolation),
        records: Some(Records::from(fetched.records.slices)),
        ..Default::default()
    }
}

/// The answer for a partition that cannot be read. Its records are empty, never null, which some clients take for damage.
pub fn failed(slot: usize, partition_index: i32, error: ErrorCode, isolation: Isolation) -> PartitionRead {
    // Kafka answers an empty list for what it does not know, whatever the isolation.
    let is_unknown = matches!(error, ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId);
    let data = PartitionData {
        partition_index,
        error_code: error.code(),
        high_watermark: -1,
        last_stable_offset: -1,
        log_start_offset: -1,
        aborted_transactions: if is_unknown { Some(Vec::new()) } else { aborted(isolation) },
        records: Some(Records::empty()),
        ..Default::default()
    };
    PartitionRead { slot, data, records: 0 }
}

/// Nobody has aborted a transaction where there are none.
fn aborted(isolation: Isolation) -> Option<Vec<corelog_protocol::messages::fetch_response::AbortedTransaction>> {
    (isolation == Isolation::ReadCommitted).then(Vec::new)
}
