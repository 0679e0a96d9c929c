//! Owns the topic that coordinators keep their records in: its name, its form, its birth.

use std::rc::Rc;

use corelog_engine::batch::{Codec, Compression};
use corelog_engine::config::BrokerLayers;
use corelog_engine::metadata::{MetadataError, NewTopic};

use crate::broker::Broker;

/// The topic's name.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// Creates the topic as the broker's configs say, with no more replicas than there are brokers.
///
/// # Errors
/// Why it is not there now.
pub async fn create(broker: &Rc<Broker>) -> Result<(), MetadataError> {
    let topic = {
        let image = broker.image();
        let layers = image.broker_layers(broker.node_id(), broker.statics());
        let number = |name: &str| layers.value(name).and_then(|value| value.as_integer());
        let config = |name: &str, value: String| (name.to_owned(), Some(value));
        let mut configs =
            vec![config("cleanup.policy", "compact".to_owned()), config("compression.type", "producer".to_owned())];
        if let Some(bytes) = number("offsets.topic.segment.bytes") {
            configs.push(config("segment.bytes", bytes.to_string()));
        }
        let replicas = number("offsets.topic.replication.factor").unwrap_or(1);
        NewTopic {
            name: OFFSETS_TOPIC.to_owned(),
            partitions: number("offsets.topic.num.partitions")
                .and_then(|count| i32::try_from(count).ok())
                .unwrap_or(50),
            replication_factor: i32::try_from(replicas).unwrap_or(1).clamp(1, (image.brokers().len() as i32).max(1)),
            configs,
            ..Default::default()
        }
    };
    match broker.create_topics(vec![topic], false).await.pop() {
        // Somebody else may have been quicker.
        Some(Ok(_) | Err(MetadataError::TopicAlreadyExists(_))) => Ok(()),
        Some(Err(error)) => Err(error),
        None => Err(MetadataError::Stopping),
    }
}

/// How the records are compressed (`offsets.topic.compression.codec`, by the codec's number).
pub(super) fn compression(layers: &BrokerLayers<'_>) -> Compression {
    let id = layers.value("offsets.topic.compression.codec").and_then(|value| value.as_integer()).unwrap_or(0);
    let codec = i16::try_from(id).ok().and_then(Codec::from_id).unwrap_or_default();
    Compression { codec, level: None }
}
