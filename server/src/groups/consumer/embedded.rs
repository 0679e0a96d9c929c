//! Owns what consumers of the classic protocol put into its opaque fields: their subscription, and their assignment.
//!
//! Pure. What is read comes from clients: it becomes a value or an error.

use bytes::{Bytes, BytesMut};
use corelog_protocol::messages::consumer_protocol_assignment::{self as message, ConsumerProtocolAssignment};
use corelog_protocol::messages::consumer_protocol_subscription::ConsumerProtocolSubscription;
use corelog_protocol::{Decoder, Encoder, Message};

use super::assignment::Assignment;
use super::topology::Topology;

/// The newest version of subscription and assignment that is known; newer ones are read as this one, as Kafka does.
const VERSION_MAX: i16 = 3;

/// The name of the protocol that consumers speak inside of the classic one.
pub const PROTOCOL_TYPE: &str = "consumer";

/// It is not what consumers send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed embedded consumer protocol")]
pub struct Malformed;

/// A subscription and its version.
///
/// # Errors
/// When it is damaged.
pub fn subscription(bytes: &Bytes) -> Result<(i16, ConsumerProtocolSubscription), Malformed> {
    let mut decoder = Decoder::new(bytes.clone());
    let version = decoder.int16("version").map_err(|_| Malformed)?;
    if version < 0 {
        return Err(Malformed);
    }
    let subscription =
        ConsumerProtocolSubscription::decode(&mut decoder, version.min(VERSION_MAX)).map_err(|_| Malformed)?;
    Ok((version, subscription))
}

/// What an assignment gives, as far as the topics still exist. No bytes give nothing.
///
/// # Errors
/// When it is damaged.
pub fn assignment(bytes: &Bytes, topology: &dyn Topology) -> Result<Assignment, Malformed> {
    let mut decoder = Decoder::new(bytes.clone());
    let version = decoder.int16("version").map_err(|_| Malformed)?;
    if version < 0 {
        return Err(Malformed);
    }
    let assignment =
        ConsumerProtocolAssignment::decode(&mut decoder, version.min(VERSION_MAX)).map_err(|_| Malformed)?;
    let mut given = Assignment::new();
    for topic in assignment.assigned_partitions.iter().filter(|topic| !topic.partitions.is_empty()) {
        let Some(facts) = topology.by_name(&topic.topic) else { continue };
        given.entry(facts.id).or_default().extend(topic.partitions.iter().copied());
    }
    Ok(given)
}

/// The bytes of an assignment in the version of the member's subscription. Topics that no longer exist are left out.
pub fn assignment_bytes(assignment: &Assignment, version: i16, topology: &dyn Topology) -> Bytes {
    let assigned = assignment.iter().filter_map(|(id, partitions)| {
        let topic = topology.by_id(*id)?.name;
        let partitions = partitions.iter().copied().collect();
        Some(message::TopicPartition { topic, partitions })
    });
    let assignment = ConsumerProtocolAssignment { assigned_partitions: assigned.collect(), user_data: None };
    let version = version.clamp(0, VERSION_MAX);
    let mut encoder = Encoder::new();
    encoder.int16(version);
    assignment.encode(&mut encoder, version).expect("names of topics and counts of partitions fit the format");
    let encoded = encoder.finish();
    let mut whole = BytesMut::with_capacity(encoded.bytes);
    encoded.slices.iter().for_each(|slice| whole.extend_from_slice(slice));
    whole.freeze()
}
