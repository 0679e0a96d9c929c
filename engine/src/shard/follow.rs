//! Owns what a change of the metadata does to a shard: partitions appear, go, or get other settings.
//!
//! Runs on every shard, called by the controller's broadcast before a command is answered, and once at start.

use std::rc::Rc;

use corelog_rt::map::HashMap;
use corelog_rt::task;

use super::recovery::Recovering;
use super::state::{Doomed, Shard};
use crate::config::{ConfigScope, TopicSettings};
use crate::ids::{LogId, PartitionKey, TopicNumber};
use crate::limits::PARTITIONS_PER_SLICE;
use crate::log::AppendRefused;
use crate::metadata::{ImageDelta, METADATA_KEY, TopicImage, name};
use crate::partition::{Partition, PartitionSettings};

impl Shard {
    /// Follows a change of the metadata.
    pub(super) async fn follow(self: &Rc<Self>, delta: &ImageDelta) {
        self.follow_with(delta, &mut HashMap::default()).await;
        self.bury().await;
    }

    /// As `follow`, at start: partitions that `recovered` tells of begin as it says.
    pub(super) async fn follow_with(self: &Rc<Self>, delta: &ImageDelta, recovered: &mut HashMap<LogId, Recovering>) {
        let before: Vec<Option<std::sync::Arc<TopicImage>>> = {
            let mut image = self.image.borrow_mut();
            let before = delta.topics.iter().map(|(number, _)| image.topic_by_number(*number).cloned()).collect();
            image.absorb(delta);
            before
        };
        for ((number, after), before) in delta.topics.iter().zip(before) {
            match after {
                Some(topic) => self.follow_topic(topic, before.as_deref(), recovered).await,
                None => self.drop_topic(*number, before.as_deref()),
            }
        }
        if delta.configs.iter().any(|(scope, _, _)| *scope == ConfigScope::Broker) {
            self.reconfigure_all().await;
        }
    }

    /// What the engine obeys of a topic's configs; `None` where there is no such topic.
    pub fn topic_settings(&self, number: TopicNumber) -> Option<Rc<TopicSettings>> {
        if let Some(settings) = self.topic_settings.borrow().get(&number) {
            return Some(Rc::clone(settings));
        }
        let image = self.image();
        let topic = image.topic_by_number(number)?;
        let settings = Rc::new(image.topic_settings(topic, self.broker_id(), self.statics()));
        self.topic_settings.borrow_mut().insert(number, Rc::clone(&settings));
        Some(settings)
    }

    async fn follow_topic(
        self: &Rc<Self>,
        topic: &TopicImage,
        before: Option<&TopicImage>,
        recovered: &mut HashMap<LogId, Recovering>,
    ) {
        self.topic_settings.borrow_mut().remove(&topic.number);
        let Some(settings) = self.partition_settings(topic.number) else { return };
        let known = before.map_or(0, |before| before.partitions.len());
        let is_reconfigured = before.is_some_and(|before| before.configs != topic.configs);
        for (index, partition) in topic.partitions.iter().enumerate() {
            if index % PARTITIONS_PER_SLICE == PARTITIONS_PER_SLICE - 1 {
                task::yield_to_ready().await;
            }
            if self.owner_of_log(partition.log) != self.id {
                continue;
            }
            let key = PartitionKey { topic: topic.number, partition: index as u32 };
            if index < known {
                if let Some(partition) = self.partitions.get(key).filter(|_| is_reconfigured) {
                    partition.set_settings(settings);
                }
                continue;
            }
            let log = self.logs.borrow().get(&partition.log).cloned();
            let log = log.expect("every log up to the highest placement is open on its shard");
            let leader_epoch = self.image().leader_epoch(partition);
            let opened = match recovered.get_mut(&partition.log).and_then(|found| found.take(key)) {
                Some(recovery) => recovery.finish(key, log, settings),
                None => Partition::new(key, log, settings),
            };
            opened.become_leader(leader_epoch);
            self.partitions.insert(key, partition.log, Rc::new(opened));
        }
    }

    fn drop_topic(&self, number: TopicNumber, before: Option<&TopicImage>) {
        self.topic_settings.borrow_mut().remove(&number);
        let count = before.map_or(0, |before| before.partitions.len());
        for index in 0..count as u32 {
            let key = PartitionKey { topic: number, partition: index };
            if let Some((log, partition)) = self.partitions.remove(key) {
                self.doomed.borrow_mut().push(Doomed { log, key, partition: Some(partition) });
            }
        }
    }

    async fn reconfigure_all(&self) {
        self.topic_settings.borrow_mut().clear();
        for (index, partition) in self.partitions.all().into_iter().enumerate() {
            if index % PARTITIONS_PER_SLICE == PARTITIONS_PER_SLICE - 1 {
                task::yield_to_ready().await;
            }
            if let Some(settings) = self.partition_settings(partition.key().topic) {
                partition.set_settings(settings);
            }
        }
    }

    fn partition_settings(&self, number: TopicNumber) -> Option<PartitionSettings> {
        let topic = self.topic_settings(number)?;
        let image = self.image();
        let layers = image.broker_layers(self.broker_id(), self.statics());
        let expiration_ms = layers.value("producer.id.expiration.ms").and_then(|value| value.as_integer());
        let mut settings = PartitionSettings::of_topic(&topic, expiration_ms.unwrap_or(i64::MAX));
        if image.topic_by_number(number).is_some_and(|topic| name::is_internal(&topic.name)) {
            // Coordinators write their state anew themselves, and move the start up to it.
            settings.compaction = None;
        }
        Some(settings)
    }

    /// Marks what the logs hold of partitions that are not in the image, or are elsewhere in it: what a crash left of deleted topics.
    pub(super) fn doom_orphans(&self) {
        let logs: Vec<_> = self.logs.borrow().iter().map(|(id, log)| (*id, log.clone())).collect();
        let image = self.image();
        for (id, log) in logs {
            let orphans =
                log.partition_keys().into_iter().filter(|key| *key != METADATA_KEY && image.log_of(*key) != Some(id));
            self.doomed.borrow_mut().extend(orphans.map(|key| Doomed { log: id, key, partition: None }));
        }
    }

    /// Tells the logs to forget partitions of deleted topics. What a full disk refuses waits for the next call.
    pub(super) async fn bury(&self) {
        loop {
            let Some(doomed) = self.doomed.borrow_mut().pop() else { return };
            let Some(log) = self.logs.borrow().get(&doomed.log).cloned() else { return };
            let told = match &doomed.partition {
                Some(partition) => partition.delete(),
                None => log.delete_partition(doomed.key),
            };
            let Err(refused) = told else { continue };
            self.doomed.borrow_mut().push(doomed);
            match refused {
                AppendRefused::Busy => log.admission().await,
                AppendRefused::DiskFull | AppendRefused::Closed | AppendRefused::TooLarge { .. } => return,
            }
        }
    }
}
