//! Partitions, one by one up to a bound: which get series of their own, and what the others come to together.
//!
//! Each shard tells of its own; shard 0 puts them together. The oldest ones are told: topics by number, then partitions, so that a new topic
//! never takes the series of one that was there before.

use std::rc::Rc;

use corelog_engine::ids::{Offset, PartitionKey};
use corelog_engine::metadata::MetadataImage;
use corelog_engine::partition::{Partition, PartitionCounts};
use corelog_engine::shard::Shard;
use corelog_rt::task;

use super::catalog as metric;
use super::family::Family;
use super::page::Page;
use crate::limits::METRICS_PARTITIONS_PER_SLICE;

/// The topic that stands for those without series of their own. No topic can be called so.
pub const OTHERS: &str = "(other)";

/// One partition.
#[derive(Clone, Copy, Debug)]
pub struct PartitionSample {
    /// Which.
    pub key: PartitionKey,
    /// What clients wrote and read.
    pub counts: PartitionCounts,
    /// Where it starts.
    pub log_start: Offset,
    /// Where its readers stop.
    pub high: Offset,
    /// Bytes in the log.
    pub bytes: u64,
}

/// The partitions of a shard, or of all.
#[derive(Clone, Debug, Default)]
pub struct PartitionsSample {
    /// Those with series of their own.
    pub told: Vec<PartitionSample>,
    /// The others, together.
    pub others: PartitionCounts,
    /// Bytes of the others.
    pub others_bytes: u64,
}

/// The partitions of this shard, at most `told_max` of them one by one. Other work of the shard goes on meanwhile.
pub async fn take(shard: &Rc<Shard>, told_max: usize) -> PartitionsSample {
    let mut keys = shard.partition_keys();
    if told_max > 0 && keys.len() > told_max {
        keys.select_nth_unstable(told_max - 1);
    }
    let mut sample = PartitionsSample::default();
    for (index, key) in keys.into_iter().enumerate() {
        if index % METRICS_PARTITIONS_PER_SLICE == METRICS_PARTITIONS_PER_SLICE - 1 {
            task::yield_now().await;
        }
        // Deleted meanwhile.
        let Some(partition) = shard.partition(key) else { continue };
        let one = PartitionSample::of(&partition);
        if index < told_max {
            sample.told.push(one);
        } else {
            sample.put_with_others(&one);
        }
    }
    sample
}

impl PartitionSample {
    fn of(partition: &Partition) -> PartitionSample {
        let watermarks = partition.watermarks();
        PartitionSample {
            key: partition.key(),
            counts: partition.counts(),
            log_start: watermarks.log_start(),
            high: watermarks.high(),
            bytes: partition.bytes(),
        }
    }
}

impl PartitionsSample {
    fn put_with_others(&mut self, one: &PartitionSample) {
        self.others += one.counts;
        self.others_bytes += one.bytes;
    }

    /// Puts those of all shards together, at most `told_max` of them one by one.
    pub fn of_all(shards: impl Iterator<Item = PartitionsSample>, told_max: usize) -> PartitionsSample {
        let mut all = PartitionsSample::default();
        for shard in shards {
            all.told.extend(shard.told);
            all.others += shard.others;
            all.others_bytes += shard.others_bytes;
        }
        all.told.sort_unstable_by_key(|one| one.key);
        let beyond = all.told.split_off(told_max.min(all.told.len()));
        for one in &beyond {
            all.put_with_others(one);
        }
        all
    }
}

/// What a counter's series shows.
type Count = fn(&PartitionCounts) -> u64;
/// What an offset's series shows.
type Place = fn(&PartitionSample) -> Offset;

/// A partition with its name.
struct Named {
    topic: String,
    index: String,
    sample: PartitionSample,
}

/// Writes the series of the partitions. `image` names them.
pub async fn write(page: &mut Page, sample: PartitionsSample, name_of: impl Fn(PartitionKey) -> Option<String>) {
    let named = |one: PartitionSample| {
        let topic = name_of(one.key)?;
        Some(Named { topic, index: one.key.partition.to_string(), sample: one })
    };
    let named: Vec<Named> = sample.told.iter().copied().filter_map(named).collect();
    let counters: [(Family, Count); 4] = [
        (metric::PARTITION_PRODUCED_RECORDS, |counts| counts.records_in),
        (metric::PARTITION_PRODUCED_BYTES, |counts| counts.bytes_in),
        (metric::PARTITION_READ_RECORDS, |counts| counts.records_out),
        (metric::PARTITION_READ_BYTES, |counts| counts.bytes_out),
    ];
    for (family, value) in counters {
        page.begin(family);
        for one in &named {
            page.value(&[("topic", &one.topic), ("partition", &one.index)], value(&one.sample.counts) as f64);
            page.breathe().await;
        }
        page.value(&[("topic", OTHERS), ("partition", "")], value(&sample.others) as f64);
    }
    page.begin(metric::PARTITION_SIZE);
    for one in &named {
        page.value(&[("topic", &one.topic), ("partition", &one.index)], one.sample.bytes as f64);
        page.breathe().await;
    }
    page.value(&[("topic", OTHERS), ("partition", "")], sample.others_bytes as f64);
    let offsets: [(Family, Place); 2] =
        [(metric::PARTITION_LOG_START, |one| one.log_start), (metric::PARTITION_HIGH_WATERMARK, |one| one.high)];
    for (family, value) in offsets {
        page.begin(family);
        for one in &named {
            page.value(&[("topic", &one.topic), ("partition", &one.index)], value(&one.sample).0 as f64);
            page.breathe().await;
        }
    }
}

/// The name of a partition's topic, as metadata has it.
pub fn topic_name(image: &MetadataImage, key: PartitionKey) -> Option<String> {
    image.topic_by_number(key.topic).map(|topic| topic.name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use corelog_engine::ids::TopicNumber;

    fn one(topic: u32, partition: u32) -> PartitionSample {
        PartitionSample {
            key: PartitionKey { topic: TopicNumber(topic), partition },
            counts: PartitionCounts { records_in: 1, bytes_in: 10, records_out: 2, bytes_out: 20 },
            log_start: Offset(0),
            high: Offset(1),
            bytes: 5,
        }
    }

    #[test]
    fn the_oldest_are_told_and_the_others_are_added_up() {
        let first = PartitionsSample { told: vec![one(3, 0), one(1, 1)], ..Default::default() };
        let second = PartitionsSample {
            told: vec![one(1, 0), one(2, 0)],
            others: PartitionCounts { records_in: 7, ..Default::default() },
            others_bytes: 100,
        };
        let all = PartitionsSample::of_all([first, second].into_iter(), 3);
        let told: Vec<(u32, u32)> = all.told.iter().map(|one| (one.key.topic.0, one.key.partition)).collect();
        assert_eq!(told, [(1, 0), (1, 1), (2, 0)]);
        assert_eq!((all.others.records_in, all.others.bytes_out, all.others_bytes), (8, 20, 105));
    }
}
