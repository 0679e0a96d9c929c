//! Which partitions a consumer fetches, from where, in which order.
//!
//! One value per fetch session, or per request without a session; owned by whoever serves the request, on the shard that
//! owns the connection. Partitions that gave data go to the end, so that none starves when answers fill up. It does no I/O
//! and knows no epoch of a session.

use corelog_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use corelog_protocol::messages::fetch_response::PartitionData;
use corelog_protocol::{Text, Uuid};
use corelog_rt::map::HashMap;

/// Topics that may be remembered beyond those that have partitions.
const TOPICS_WITHOUT_PARTITIONS_MAX: usize = 64;

/// A topic as the consumer names it: by id from version 13 on, else by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TopicName {
    /// By name.
    Name(Text),
    /// By id.
    Id(Uuid),
}

/// One partition that is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Index of its topic, see [`Interest::topics`].
    pub topic: usize,
    /// The partition.
    pub partition: i32,
    /// Where to read from.
    pub offset: i64,
    /// The most bytes to answer.
    pub bytes_max: i32,
    /// The leader epoch that the consumer knows, or -1.
    pub leader_epoch: i32,
    /// The epoch of the last record that the consumer has, or -1.
    pub epoch_last: i32,
    told_high_watermark: i64,
    told_log_start: i64,
}

/// Everything one consumer fetches over one session.
#[derive(Clone, Debug, Default)]
pub struct Interest {
    topics: Vec<TopicName>,
    topic_index: HashMap<TopicName, usize>,
    slots: Vec<Option<Wanted>>,
    slots_free: Vec<usize>,
    slot_index: HashMap<(usize, i32), usize>,
    order: Vec<usize>,
}

impl TopicName {
    /// The name that a request of this kind carries.
    pub fn new(by_id: bool, name: &Text, id: Uuid) -> TopicName {
        if by_id { TopicName::Id(id) } else { TopicName::Name(name.detached()) }
    }
}

impl Interest {
    /// Partitions in all.
    pub fn len(&self) -> usize {
        self.slot_index.len()
    }

    /// Whether nothing is fetched.
    pub fn is_empty(&self) -> bool {
        self.slot_index.is_empty()
    }

    /// The topics, some of which may have no partition left.
    pub fn topics(&self) -> &[TopicName] {
        &self.topics
    }

    /// Adds partitions, or changes what is wanted of them.
    pub fn update(&mut self, topics: &[FetchTopic], by_id: bool) {
        for topic in topics.iter().filter(|topic| !topic.partitions.is_empty()) {
            let index = self.topic(TopicName::new(by_id, &topic.topic, topic.topic_id));
            for partition in &topic.partitions {
                self.update_partition(index, partition);
            }
        }
    }

    /// Takes partitions out.
    pub fn forget(&mut self, topics: &[ForgottenTopic], by_id: bool) {
        for topic in topics {
            let Some(index) = self.topic_index.get(&TopicName::new(by_id, &topic.topic, topic.topic_id)).copied()
            else {
                continue;
            };
            for partition in &topic.partitions {
                if let Some(slot) = self.slot_index.remove(&(index, *partition)) {
                    if let Some(emptied) = self.slots.get_mut(slot) {
                        *emptied = None;
                    }
                    self.slots_free.push(slot);
                }
            }
        }
        let slots = &self.slots;
        self.order.retain(|slot| slots.get(*slot).is_some_and(Option::is_some));
        if self.topics.len() > TOPICS_WITHOUT_PARTITIONS_MAX + self.len() {
            self.drop_topics_without_partitions();
        }
    }

    fn drop_topics_without_partitions(&mut self) {
        let (topics, wanted) = (std::mem::take(&mut self.topics), std::mem::take(&mut self.slots));
        let order = std::mem::take(&mut self.order);
        *self = Interest::default();
        for slot in order {
            let Some(Some(mut wanted)) = wanted.get(slot).cloned() else { continue };
            let Some(name) = topics.get(wanted.topic) else { continue };
            wanted.topic = self.topic(name.clone());
            self.insert(wanted);
        }
    }

    /// The partitions in the order of reading, each with the slot by which [`Interest::answered`] knows it.
    pub fn wanted(&self) -> impl Iterator<Item = (usize, &Wanted)> {
        self.order.iter().filter_map(|slot| Some((*slot, self.slots.get(*slot)?.as_ref()?)))
    }

    /// The partition of a slot.
    pub fn get(&self, slot: usize) -> Option<&Wanted> {
        self.slots.get(slot)?.as_ref()
    }

    /// Says what is answered for a partition. Returns whether it tells the consumer anything new.
    pub fn answered(&mut self, slot: usize, data: &PartitionData) -> bool {
        let Some(Some(wanted)) = self.slots.get_mut(slot) else { return true };
        let has_records = data.records.as_ref().is_some_and(|records| !records.is_empty());
        let is_news = has_records
            || data.error_code != 0
            || data.diverging_epoch.epoch >= 0
            || wanted.told_high_watermark != data.high_watermark
            || wanted.told_log_start != data.log_start_offset;
        if data.error_code == 0 {
            wanted.told_high_watermark = data.high_watermark;
            wanted.told_log_start = data.log_start_offset;
        } else {
            // An error is told again with every answer, and the first good answer after it is news.
            wanted.told_high_watermark = -1;
        }
        is_news
    }

    /// Moves the partitions of these slots to the end.
    pub fn rotate(&mut self, mut gave_data: impl FnMut(usize) -> bool) {
        let (mut front, mut back) = (Vec::with_capacity(self.order.len()), Vec::new());
        for slot in self.order.drain(..) {
            if gave_data(slot) { back.push(slot) } else { front.push(slot) }
        }
        front.append(&mut back);
        self.order = front;
    }

    fn topic(&mut self, name: TopicName) -> usize {
        if let Some(index) = self.topic_index.get(&name) {
            return *index;
        }
        let index = self.topics.len();
        self.topics.push(name.clone());
        self.topic_index.insert(name, index);
        index
    }

    fn update_partition(&mut self, topic: usize, asked: &FetchPartition) {
        if let Some(slot) = self.slot_index.get(&(topic, asked.partition)) {
            if let Some(Some(wanted)) = self.slots.get_mut(*slot) {
                wanted.offset = asked.fetch_offset;
                wanted.bytes_max = asked.partition_max_bytes;
                wanted.leader_epoch = asked.current_leader_epoch;
                wanted.epoch_last = asked.last_fetched_epoch;
            }
            return;
        }
        self.insert(Wanted {
            topic,
            partition: asked.partition,
            offset: asked.fetch_offset,
            bytes_max: asked.partition_max_bytes,
            leader_epoch: asked.current_leader_epoch,
            epoch_last: asked.last_fetched_epoch,
            told_high_watermark: -1,
            told_log_start: -1,
        });
    }

    /// Adds a partition that is not there.
    fn insert(&mut self, wanted: Wanted) {
        let key = (wanted.topic, wanted.partition);
        let slot = self.slots_free.pop().unwrap_or(self.slots.len());
        match self.slots.get_mut(slot) {
            Some(emptied) => *emptied = Some(wanted),
            None => self.slots.push(Some(wanted)),
        }
        self.slot_index.insert(key, slot);
        self.order.push(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use corelog_protocol::{Bytes, Records};

    fn topic(name: &str, partitions: &[(i32, i64)]) -> FetchTopic {
        let partition = |(partition, fetch_offset): &(i32, i64)| FetchPartition {
            partition: *partition,
            fetch_offset: *fetch_offset,
            ..Default::default()
        };
        FetchTopic { topic: name.into(), partitions: partitions.iter().map(partition).collect(), ..Default::default() }
    }

    fn order(interest: &Interest) -> Vec<(i32, i64)> {
        interest.wanted().map(|(_, wanted)| (wanted.partition, wanted.offset)).collect()
    }

    #[test]
    fn updates_keep_the_place_and_forgetting_frees_it() {
        let mut interest = Interest::default();
        interest.update(&[topic("a", &[(0, 0), (1, 0), (2, 0)])], false);
        interest.update(&[topic("a", &[(1, 7)])], false);
        assert_eq!(order(&interest), [(0, 0), (1, 7), (2, 0)]);
        let forgotten = ForgottenTopic { topic: "a".into(), partitions: vec![0, 9], ..Default::default() };
        interest.forget(&[forgotten], false);
        interest.update(&[topic("b", &[(5, 1)])], false);
        assert_eq!(order(&interest), [(1, 7), (2, 0), (5, 1)]);
        assert_eq!(interest.len(), 3);
    }

    #[test]
    fn forgotten_topics_leave_nothing_behind() {
        let mut interest = Interest::default();
        interest.update(&[topic("kept", &[(3, 4)])], false);
        for round in 0..1000 {
            let name = format!("t{round}");
            interest.update(&[topic(&name, &[(0, 0)])], false);
            interest.forget(&[ForgottenTopic { topic: name.into(), partitions: vec![0], ..Default::default() }], false);
        }
        assert_eq!(order(&interest), [(3, 4)]);
        assert!(interest.topics().len() <= TOPICS_WITHOUT_PARTITIONS_MAX + 2);
    }

    #[test]
    fn partitions_that_gave_data_go_to_the_end() {
        let mut interest = Interest::default();
        interest.update(&[topic("a", &[(0, 0), (1, 0), (2, 0)])], false);
        let first = interest.wanted().next().map(|(slot, _)| slot);
        interest.rotate(|slot| Some(slot) == first);
        assert_eq!(order(&interest), [(1, 0), (2, 0), (0, 0)]);
    }

    #[test]
    fn only_news_is_told() {
        let mut interest = Interest::default();
        interest.update(&[topic("a", &[(0, 0)])], false);
        let mut data = PartitionData { high_watermark: 5, log_start_offset: 0, ..Default::default() };
        assert!(interest.answered(0, &data), "the first answer");
        assert!(!interest.answered(0, &data), "nothing changed");
        data.records = Some(Records::from(Bytes::from_static(b"x")));
        assert!(interest.answered(0, &data), "records");
        data.records = Some(Records::empty());
        data.log_start_offset = 3;
        assert!(interest.answered(0, &data), "the log start moved");
        let failed = PartitionData { error_code: 3, ..data.clone() };
        assert!(interest.answered(0, &failed) && interest.answered(0, &failed), "an error, each time");
        assert!(interest.answered(0, &data), "the error went away");
    }
}
