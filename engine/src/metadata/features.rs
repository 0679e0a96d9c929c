//! Owns the cluster's features: which levels this broker runs, which level is in force, and the command that changes it.
//!
//! Constants and a pure function of the state, on shard 0. A feature that nobody changed is at its highest level.

use thiserror::Error;

use super::error::MetadataError;
use super::image::MetadataImage;
use super::record::MetadataRecord;
use super::state::{Decision, MetadataState};

/// The feature that says which generation of Kafka's metadata a cluster runs on; tools and clients look for it.
pub const METADATA_VERSION: &str = "metadata.version";
/// The feature of the consumer group protocol of KIP-848.
pub const GROUP_VERSION: &str = "group.version";

/// A feature and its levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its name.
    pub name: &'static str,
    /// The lowest level that this broker runs.
    pub level_min: i16,
    /// The highest.
    pub level_max: i16,
}

/// Every feature, sorted by name. The levels of `metadata.version` are those of Kafka 3.3, the first that a cluster without `ZooKeeper`
/// could have, and of Kafka 4.3.
pub const FEATURES: &[Feature] = &[
    Feature { name: GROUP_VERSION, level_min: 0, level_max: 1 },
    Feature { name: METADATA_VERSION, level_min: 7, level_max: 30 },
];

/// The feature of this name.
pub fn feature(name: &str) -> Option<&'static Feature> {
    FEATURES.iter().find(|feature| feature.name == name)
}

impl MetadataImage {
    /// The level that is in force; 0 for a feature that is off.
    pub fn feature_level(&self, feature: &Feature) -> i16 {
        self.changed_feature_levels().get(feature.name).copied().unwrap_or(feature.level_max)
    }
}

/// A feature's new level.
#[derive(Clone, Debug)]
pub struct FeatureUpdate {
    /// The feature.
    pub name: String,
    /// Its level.
    pub level: i16,
    /// Kafka's number of the kind of change: 1 up, 2 down where nothing is lost by it, 3 down in any case.
    pub kind: i8,
}

const KIND_UPGRADE: i8 = 1;
const KIND_UNSAFE_DOWNGRADE: i8 = 3;

/// What is wrong with a change of a feature.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("Invalid update version {level} for feature {name}. {flaw}")]
pub struct FeatureError {
    name: String,
    level: i16,
    flaw: FeatureFlaw,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
enum FeatureFlaw {
    #[error("This broker does not have the feature.")]
    Unknown,
    #[error("A level cannot be below 0.")]
    Negative,
    #[error("This broker runs the levels {0} to {1}.")]
    OutOfRange(i16, i16),
    #[error("There is no such kind of change.")]
    UnknownKind,
    #[error("Going down needs the upgrade type of a downgrade.")]
    NotUpgrade,
    #[error("That would be going up, not down.")]
    NotDowngrade,
    #[error("Going down might lose metadata.")]
    LosesMetadata,
}

impl MetadataState {
    /// Changes the levels of features, all of them or none.
    pub fn update_features(
        &self,
        updates: &[FeatureUpdate],
        validate_only: bool,
    ) -> Decision<Result<(), MetadataError>> {
        let mut records = Vec::new();
        let mut update = |update: &FeatureUpdate| {
            let feature = self.check_feature(update)?;
            if self.image.feature_level(feature) != update.level {
                let epoch = self.image.features_epoch() + 1;
                records.push(MetadataRecord::Feature { name: feature.name.into(), level: update.level, epoch });
            }
            Ok(())
        };
        let answer = updates.iter().try_for_each(&mut update);
        if validate_only || answer.is_err() {
            records.clear();
        }
        Decision { records, answer }
    }

    fn check_feature(&self, update: &FeatureUpdate) -> Result<&'static Feature, MetadataError> {
        let refused = |flaw| {
            let (name, level) = (update.name.clone(), update.level);
            MetadataError::InvalidUpdateVersion(FeatureError { name, level, flaw })
        };
        if !(KIND_UPGRADE..=KIND_UNSAFE_DOWNGRADE).contains(&update.kind) {
            return Err(refused(FeatureFlaw::UnknownKind));
        }
        if update.level < 0 {
            return Err(refused(FeatureFlaw::Negative));
        }
        let feature = feature(&update.name).ok_or_else(|| refused(FeatureFlaw::Unknown))?;
        let (low, high) = (feature.level_min, feature.level_max);
        if !(low..=high).contains(&update.level) {
            return Err(refused(FeatureFlaw::OutOfRange(low, high)));
        }
        let current = self.image.feature_level(feature);
        if update.level < current && update.kind == KIND_UPGRADE {
            return Err(refused(FeatureFlaw::NotUpgrade));
        }
        if update.level > current && update.kind != KIND_UPGRADE {
            return Err(refused(FeatureFlaw::NotDowngrade));
        }
        if update.level < current && feature.name == METADATA_VERSION {
            return Err(refused(FeatureFlaw::LosesMetadata));
        }
        Ok(feature)
    }
}
