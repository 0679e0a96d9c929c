//! Owns snapshots: the image as records, so that a start replays those and what came after, not all that ever was.
//!
//! Pure functions on shard 0. A snapshot is a run of batches, each beginning with a `SnapshotPart`; it counts once its last part is
//! there. A crash in its midst leaves parts without a last one: the replay forgets them at the next batch that is no part.

use super::codec::encode;
use super::image::{ApplyError, MetadataImage};
use super::record::MetadataRecord;
use crate::config::ConfigScope;
use crate::ids::LogId;
use crate::limits::METADATA_BATCH_BYTES_MAX;

/// How many partitions one record of a snapshot tells at most.
const PARTITIONS_PER_RECORD_MAX: usize = 10_000;

/// The snapshot's batches, each of about `METADATA_BATCH_BYTES_MAX` bytes behind its head.
pub fn parts(image: &MetadataImage) -> Vec<Vec<MetadataRecord>> {
    let mut parts: Vec<Vec<MetadataRecord>> = Vec::new();
    let mut bytes = METADATA_BATCH_BYTES_MAX;
    for record in records(image) {
        if bytes >= METADATA_BATCH_BYTES_MAX {
            parts.push(vec![MetadataRecord::SnapshotPart { part: parts.len() as u32, last: false }]);
            bytes = 0;
        }
        bytes += encode(&record).len();
        parts.last_mut().expect("one was pushed before the first record").push(record);
    }
    if let Some(MetadataRecord::SnapshotPart { last, .. }) = parts.last_mut().and_then(|part| part.first_mut()) {
        *last = true;
    }
    parts
}

/// Builds the image again from the metadata log's batches.
#[derive(Debug, Default)]
pub struct Replay {
    image: MetadataImage,
    building: Option<(MetadataImage, u32)>,
}

impl Replay {
    /// Takes the next batch. `Ok(true)` where it completed a snapshot.
    pub fn batch(&mut self, records: &[MetadataRecord]) -> Result<bool, ApplyError> {
        let Some(MetadataRecord::SnapshotPart { part, last }) = records.first() else {
            self.building = None;
            self.image.apply(records)?;
            return Ok(false);
        };
        let mut image = match self.building.take() {
            _ if *part == 0 => MetadataImage::default(),
            Some((image, next)) if next == *part => image,
            // A part without those before it: they were cut off with the log's head, and a whole snapshot follows.
            _ => return Ok(false),
        };
        image.apply(records)?;
        if *last {
            self.image = image;
        } else {
            self.building = Some((image, part + 1));
        }
        Ok(*last)
    }

    /// What all batches together say.
    pub fn finish(self) -> MetadataImage {
        self.image
    }
}

fn records(image: &MetadataImage) -> Vec<MetadataRecord> {
    let mut out = vec![MetadataRecord::Cluster { id: image.cluster_id() }];
    out.extend(image.brokers().iter().map(|broker| MetadataRecord::BrokerStarted { broker: *broker }));
    for topic in image.topics() {
        out.push(MetadataRecord::Topic { number: topic.number, id: topic.id, name: topic.name.clone() });
        let mut first = 0;
        // One record for each run of partitions that share their replicas and their term.
        let runs = topic
            .partitions
            .chunk_by(|left, right| left.replicas == right.replicas && left.term_base == right.term_base);
        for run in runs.flat_map(|run| run.chunks(PARTITIONS_PER_RECORD_MAX)) {
            let Some(head) = run.first() else { continue };
            let logs: Vec<LogId> = run.iter().map(|partition| partition.log).collect();
            let (replicas, term_base) = (head.replicas.clone(), head.term_base);
            out.push(MetadataRecord::Partitions { topic: topic.number, first, replicas, logs, term_base });
            first += run.len() as u32;
        }
        out.extend(topic.configs.iter().map(|(name, value)| MetadataRecord::Config {
            scope: ConfigScope::Topic,
            resource: topic.name.clone(),
            name: name.clone(),
            value: Some(value.clone()),
        }));
    }
    for scope in [ConfigScope::Broker, ConfigScope::Group, ConfigScope::ClientMetrics] {
        for resource in image.configured(scope) {
            out.extend(image.configs(scope, resource).iter().map(|(name, value)| MetadataRecord::Config {
                scope,
                resource: resource.clone(),
                name: name.clone(),
                value: Some(value.clone()),
            }));
        }
    }
    for (entity, values) in image.quotas().entities() {
        out.extend(values.iter().map(|(key, value)| MetadataRecord::ClientQuota {
            entity: entity.clone(),
            key: key.clone(),
            value: Some(*value),
        }));
    }
    for (user, set) in image.credentials() {
        out.extend(set.iter().map(|(mechanism, credential)| MetadataRecord::Credential {
            user: user.clone(),
            mechanism: *mechanism,
            credential: Some(credential.clone()),
        }));
    }
    let epoch = image.scalars().features_epoch;
    let levels = image.changed_feature_levels().iter();
    out.extend(levels.map(|(name, level)| MetadataRecord::Feature { name: name.clone(), level: *level, epoch }));
    out.push(MetadataRecord::ProducerIds { next: image.producer_id_next() });
    // Last: the brokers' records above have counted the term up.
    out.push(MetadataRecord::Counters { topic_number_next: image.topic_number_next().0, term: image.term() });
    out
}
