//! `UpdateFeatures`: decided by the metadata state machine on shard 0; and what `ApiVersions` says of features.

use std::rc::Rc;

use corelog_engine::metadata::features::{FEATURES, GROUP_VERSION};
use corelog_engine::metadata::{Feature, FeatureUpdate};
use corelog_protocol::messages::update_features_request::{FeatureUpdateKey, UpdateFeaturesRequest};
use corelog_protocol::messages::update_features_response::{UpdatableFeatureResult, UpdateFeaturesResponse};
use corelog_protocol::{ApiKey, Text};

use super::refusal::metadata_code;
use super::table;
use crate::broker::Broker;
use crate::net::request::Call;

const UPGRADE: i8 = 1;
const SAFE_DOWNGRADE: i8 = 2;

/// The features whose APIs are served.
pub fn served() -> impl Iterator<Item = &'static Feature> {
    FEATURES.iter().filter(|feature| is_served(feature.name))
}

fn is_served(feature: &str) -> bool {
    feature != GROUP_VERSION || table::find(ApiKey::ConsumerGroupHeartbeat).is_some()
}

/// Changes levels, all of them or none.
pub async fn handle(broker: Rc<Broker>, call: Call, request: UpdateFeaturesRequest) -> UpdateFeaturesResponse {
    let update = |update: &FeatureUpdateKey| FeatureUpdate {
        name: update.feature.as_str().to_owned(),
        level: update.max_version_level,
        kind: match call.version {
            0 if update.allow_downgrade => SAFE_DOWNGRADE,
            0 => UPGRADE,
            _ => update.upgrade_type,
        },
    };
    let updates: Vec<FeatureUpdate> = request.feature_updates.iter().map(update).collect();
    let validate_only = request.validate_only;
    let decided = broker.shard().command(move |state| state.update_features(&updates, validate_only)).await;
    match decided.and_then(|result| result) {
        Ok(()) => {
            let result = |update: FeatureUpdateKey| UpdatableFeatureResult {
                feature: update.feature,
                error_message: Some(Text::from_static("NONE")),
                ..Default::default()
            };
            let results = request.feature_updates.into_iter().map(result).collect();
            UpdateFeaturesResponse { error_message: None, results, ..Default::default() }
        }
        Err(error) => UpdateFeaturesResponse {
            error_code: metadata_code(&error).code(),
            error_message: Some(Text::from(error.to_string())),
            ..Default::default()
        },
    }
}
