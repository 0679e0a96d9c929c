//! Owns what the cluster knows: topics, partitions and where they lie, configs, client quotas, SCRAM credentials, feature levels,
//! producer-id blocks, as a replicated state machine (commands in, records out, image applied).
//!
//! `state` decides on shard 0 and nowhere else; `controller` makes its records durable there and sends what changed to every shard,
//! which keeps its own `image`. Deciding and applying never do I/O, read a clock or draw a random number.

pub mod alter;
pub mod batches;
pub mod codec;
pub mod controller;
pub mod credentials;
pub mod error;
pub mod features;
pub mod image;
pub mod name;
pub mod quota_filter;
pub mod quotas;
pub mod reassignment;
pub mod record;
pub mod snapshot;
pub mod state;
pub mod store;
pub mod topic_id;
pub mod topics;

pub use alter::{AlterOperation, ConfigResource, ConfigUpdate, ResourceUpdate};
pub use controller::Controller;
pub use credentials::{CredentialDeletion, CredentialUpsertion, ScramCredential, ScramMechanism};
pub use error::MetadataError;
pub use features::{Feature, FeatureUpdate};
pub use image::{ImageDelta, MetadataImage, PartitionImage, TopicImage};
pub use quota_filter::QuotaFilter;
pub use quotas::QuotaAlteration;
pub use reassignment::{ElectionType, Reassignment, TopicPartitions};
pub use record::MetadataRecord;
pub use state::{Decision, MetadataSettings, MetadataState};
pub use store::{METADATA_KEY, MetadataStore};
pub use topic_id::TopicId;
pub use topics::{CreatedTopic, DeletedTopic, NewPartitions, NewTopic, TopicReference};

#[cfg(test)]
mod tests;
