//! Owns the way from a group's id to its coordinator, from any shard.
//!
//! Called by handlers. A coordinator's work runs on the shard that owns its partition, to its end even if the asker goes away.

use std::future::Future;
use std::rc::Rc;

use corelog_engine::ids::{PartitionKey, ShardId};
use corelog_engine::metadata::TopicImage;
use corelog_engine::shard::Shard;
use corelog_protocol::ErrorCode;
use corelog_rt::task;

use super::slot::Slot;
use super::topic::OFFSETS_TOPIC;
use crate::broker::Broker;
use crate::handlers::fan_out::locate;

/// The partition of `__consumer_offsets` that holds a group, of `count`: as Kafka's brokers compute it.
pub fn partition_of(group: &str, count: usize) -> i32 {
    let hash = group.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    let hash = hash.checked_abs().unwrap_or(0);
    hash % i32::try_from(count).unwrap_or(i32::MAX).max(1)
}

/// Where a group's coordinator is; `None` while there is no `__consumer_offsets`.
pub fn place_of(broker: &Broker, group: &str) -> Option<(ShardId, PartitionKey)> {
    let image = broker.image();
    let topic: &TopicImage = image.topic(OFFSETS_TOPIC)?;
    let located = locate(broker, topic, partition_of(group, topic.partitions.len()))?;
    Some((located.shard, located.key))
}

/// Runs `work` with the coordinator at `place`.
///
/// # Errors
/// Those of `work`; `NOT_COORDINATOR` where there is none there, `COORDINATOR_LOAD_IN_PROGRESS` while its shard starts.
pub async fn ask<T, W, F>(broker: &Rc<Broker>, place: Option<(ShardId, PartitionKey)>, work: W) -> Result<T, ErrorCode>
where
    T: Send + 'static,
    W: FnOnce(Rc<Slot>) -> F + Send + 'static,
    F: Future<Output = Result<T, ErrorCode>> + 'static,
{
    let Some((target, key)) = place else { return Err(ErrorCode::NotCoordinator) };
    let asked = broker.shard().run(target, move |shard: Rc<Shard>| async move {
        let broker: Rc<Broker> = shard.attached().ok_or(ErrorCode::CoordinatorLoadInProgress)?;
        let slot = broker.groups().slot(key)?;
        // Nothing that a client does may stop the work between a decision and its record.
        task::spawn(work(slot)).await
    });
    asked.await.unwrap_or(Err(ErrorCode::NotCoordinator))
}

#[cfg(test)]
mod tests {
    use super::partition_of;

    #[test]
    fn groups_lie_where_kafka_puts_them() {
        // Java's "abc".hashCode() is 96354, "polygenelubricants" hashes to i32::MIN.
        assert_eq!(partition_of("abc", 50), 96_354 % 50);
        assert_eq!(partition_of("polygenelubricants", 50), 0);
        assert_eq!(partition_of("", 50), 0);
        assert_eq!(partition_of("größe", 1), 0);
    }
}
