//! How far groups are behind, group by group and topic by topic up to a bound.
//!
//! Shard 0 first gathers where the partitions of all shards end, then every shard compares the offsets of its own groups with that, in
//! slices. What is seen of a group is what its coordinator holds, durable or not yet.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use corelog_engine::ids::{Offset, PartitionKey};
use corelog_engine::metadata::MetadataImage;
use corelog_engine::shard::Shard;
use corelog_protocol::Text;
use corelog_rt::map::HashMap;
use corelog_rt::task;

use super::catalog as metric;
use super::page::{LABEL_BYTES_MAX, Page};
use super::partitions::OTHERS;
use crate::broker::Broker;
use crate::groups::coordinator::Coordinator;
use crate::limits::METRICS_OFFSETS_PER_SLICE;

/// Where the readers of every partition stop.
pub type HighWatermarks = HashMap<PartitionKey, Offset>;

/// How far the groups of a shard are behind, or those of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LagSample {
    /// Records, by group and topic.
    pub told: BTreeMap<(Text, Text), u64>,
    /// Records of the others, together.
    pub others: u64,
    /// Groups, by their state.
    pub groups: BTreeMap<Text, u64>,
}

/// How far a walk over the groups of a coordinator has come.
enum Place {
    /// The group is done.
    Behind(Text),
    /// The group is done up to this partition.
    Within(Text, Text, i32),
}

/// Where the readers of this shard's partitions stop.
pub async fn high_watermarks(shard: Rc<Shard>) -> Option<Vec<(PartitionKey, Offset)>> {
    let mut marks = Vec::new();
    for (index, key) in shard.partition_keys().into_iter().enumerate() {
        if index % METRICS_OFFSETS_PER_SLICE == METRICS_OFFSETS_PER_SLICE - 1 {
            task::yield_now().await;
        }
        marks.extend(shard.partition(key).map(|partition| (key, partition.watermarks().high())));
    }
    Some(marks)
}

/// The marks of all shards as one map.
pub async fn by_partition(shards: Vec<Vec<(PartitionKey, Offset)>>) -> HighWatermarks {
    let mut all = HighWatermarks::default();
    all.reserve(shards.iter().map(Vec::len).sum());
    for marks in shards {
        for slice in marks.chunks(METRICS_OFFSETS_PER_SLICE) {
            all.extend(slice.iter().copied());
            task::yield_now().await;
        }
    }
    all
}

/// How far the groups of this shard are behind, at most `told_max` of them and their topics one by one.
pub async fn take(shard: Rc<Shard>, marks: Arc<HighWatermarks>, told_max: usize) -> Option<LagSample> {
    let broker = shard.attached::<Broker>()?;
    let mut sample = LagSample::default();
    for slot in broker.groups().slots() {
        let mut place = None;
        // A coordinator that still loads is told next time.
        while let Some(Some(next)) = slot.peek(|coordinator| {
            let mut walk = Walk { image: &shard.image(), marks: &marks, told_max, sample: &mut sample };
            walk.step(coordinator, place.take())
        }) {
            place = Some(next);
            task::yield_now().await;
        }
    }
    Some(sample)
}

struct Walk<'a> {
    image: &'a MetadataImage,
    marks: &'a HighWatermarks,
    told_max: usize,
    sample: &'a mut LagSample,
}

impl Walk<'_> {
    /// Goes on behind `place`; gives back where it stopped, none at the end.
    fn step(&mut self, coordinator: &Coordinator, place: Option<Place>) -> Option<Place> {
        let mut left = METRICS_OFFSETS_PER_SLICE;
        let (group_last, within) = match place {
            None => (None, None),
            Some(Place::Behind(group)) => (Some(group), None),
            Some(Place::Within(group, topic, partition)) => (Some(group), Some((topic, partition))),
        };
        for (group, entry) in coordinator.entries_from(group_last.as_ref()) {
            let is_last = group_last.as_ref() == Some(group);
            let behind = within.as_ref().filter(|_| is_last).map(|(topic, partition)| (topic, *partition));
            if is_last && behind.is_none() {
                continue;
            }
            if behind.is_none() {
                *self.sample.groups.entry(entry.group.list().group_state).or_default() += 1;
            }
            for (topic, partition, committed) in entry.offsets.after(behind) {
                if let Some(lag) = self.lag(topic, partition, committed.offset) {
                    self.sample.add(group, topic, lag, self.told_max);
                }
                left -= 1;
                if left == 0 {
                    return Some(Place::Within(group.clone(), topic.clone(), partition));
                }
            }
            left -= 1;
            if left == 0 {
                return Some(Place::Behind(group.clone()));
            }
        }
        None
    }

    /// Records from the committed offset to where readers stop; none of a partition that is gone.
    fn lag(&self, topic: &Text, partition: i32, committed: i64) -> Option<u64> {
        let key = self.image.topic(topic)?.key(partition)?;
        let high = self.marks.get(&key)?;
        Some(u64::try_from(high.0 - committed.max(0)).unwrap_or(0))
    }
}

impl LagSample {
    fn add(&mut self, group: &Text, topic: &Text, lag: u64, told_max: usize) {
        // Names that do not fit a label whole might be taken for each other, and one is ours.
        if group.len() > LABEL_BYTES_MAX || *group == OTHERS || told_max == 0 {
            self.others += lag;
            return;
        }
        if let Some(told) = self.told.get_mut(&(group.clone(), topic.clone())) {
            *told += lag;
            return;
        }
        self.told.insert((group.detached(), topic.detached()), lag);
        self.keep_to(told_max);
    }

    fn keep_to(&mut self, told_max: usize) {
        while self.told.len() > told_max {
            let Some((_, lag)) = self.told.pop_last() else { return };
            self.others += lag;
        }
    }

    /// Adds what another shard told.
    pub fn merge(&mut self, other: LagSample, told_max: usize) {
        // Each group has one coordinator, so no name comes twice.
        self.told.extend(other.told);
        self.others += other.others;
        for (state, count) in other.groups {
            *self.groups.entry(state).or_default() += count;
        }
        self.keep_to(told_max);
    }
}

/// Writes the series of the groups.
pub async fn write(page: &mut Page, sample: &LagSample) {
    page.begin(metric::GROUPS);
    for (state, count) in &sample.groups {
        page.value(&[("state", state)], *count as f64);
    }
    page.begin(metric::GROUP_LAG);
    for ((group, topic), lag) in &sample.told {
        page.value(&[("group", group), ("topic", topic)], *lag as f64);
        page.breathe().await;
    }
    page.value(&[("group", OTHERS), ("topic", "")], sample.others as f64);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Text {
        Text::from(text)
    }

    #[test]
    fn lag_beyond_the_bound_is_added_up() {
        let mut sample = LagSample::default();
        for (group, topic, lag) in [("b", "t", 5), ("a", "t", 1), ("b", "t", 2), ("c", "t", 10), ("a", "s", 3)] {
            sample.add(&text(group), &text(topic), lag, 2);
        }
        sample.add(&text(OTHERS), &text("t"), 100, 2);
        sample.add(&text(&"x".repeat(300)), &text("t"), 1000, 2);
        let told: Vec<_> =
            sample.told.iter().map(|((group, topic), lag)| (group.as_str(), topic.as_str(), *lag)).collect();
        assert_eq!(told, [("a", "s", 3), ("a", "t", 1)]);
        assert_eq!(sample.others, 5 + 2 + 10 + 100 + 1000);
        let mut other = LagSample::default();
        other.add(&text("a"), &text("r"), 4, 2);
        sample.merge(other, 2);
        assert_eq!(sample.told.len(), 2);
        assert_eq!(sample.others, 1117 + 1);
    }
}
