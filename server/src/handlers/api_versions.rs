//! `ApiVersions`: what this broker serves, from the table.
//!
//! The first request of most clients. One of a version that is not known is answered in version 0, so that the client
//! learns which it may use.

use std::rc::Rc;

use corelog_engine::metadata::Feature;
use corelog_protocol::messages::api_versions_request::ApiVersionsRequest;
use corelog_protocol::messages::api_versions_response::{
    ApiVersion, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};
use corelog_protocol::{ErrorCode, Text};

use super::{table, telemetry, update_features};
use crate::broker::Broker;
use crate::net::answers::Pending;
use crate::net::request::{Call, ReplyTo, Request};

/// The first version that can say that a feature may be off.
const VERSION_FEATURE_OFF: i16 = 4;

/// Answers with the table.
pub async fn handle(broker: Rc<Broker>, call: Call, request: ApiVersionsRequest) -> ApiVersionsResponse {
    if call.version >= 3 {
        let (name, version) = (&request.client_software_name, &request.client_software_version);
        if !is_software_text(name) || !is_software_text(version) {
            return ApiVersionsResponse { error_code: ErrorCode::InvalidRequest.code(), ..Default::default() };
        }
        let software = (name.as_str().to_owned(), version.as_str().to_owned());
        call.connection.software.replace(Some(software));
        tracing::debug!(peer = %call.connection.peer, software = %name, version = %version, "client");
    }
    let supported = |feature: &Feature| SupportedFeatureKey {
        name: Text::from_static(feature.name),
        min_version: feature.level_min,
        max_version: feature.level_max,
    };
    let can_be_told = |feature: &&'static Feature| feature.level_min > 0 || call.version >= VERSION_FEATURE_OFF;
    let image = broker.image();
    let finalized = |feature: &Feature| {
        let level = image.feature_level(feature);
        let name = Text::from_static(feature.name);
        (level > 0).then_some(FinalizedFeatureKey { name, max_version_level: level, min_version_level: level })
    };
    ApiVersionsResponse {
        api_keys: advertised(&broker),
        supported_features: update_features::served().filter(can_be_told).map(supported).collect(),
        finalized_features_epoch: image.features_epoch(),
        finalized_features: update_features::served().filter_map(finalized).collect(),
        ..Default::default()
    }
}

/// Answers a version that is not known: in version 0, with the versions of `ApiVersions` itself alone.
pub fn handle_unknown_version(broker: Rc<Broker>, request: Request) -> Pending {
    Box::pin(async move {
        let own = advertised(&broker).into_iter().filter(|api| api.api_key == request.key.code()).collect();
        let error_code = ErrorCode::UnsupportedVersion.code();
        let answer = ApiVersionsResponse { error_code, api_keys: own, ..Default::default() };
        ReplyTo { version: 0, ..request.reply_to() }.answer(&answer)
    })
}

fn advertised(broker: &Broker) -> Vec<ApiVersion> {
    let version = |api: &table::Api| ApiVersion {
        api_key: api.key.code(),
        min_version: api.version_min,
        max_version: api.version_max,
    };
    table::APIS.iter().filter(|api| telemetry::is_advertised(broker, api.key)).map(version).collect()
}

/// Letters and digits, with dots and dashes between them.
fn is_software_text(text: &str) -> bool {
    let bytes = text.as_bytes();
    let edges = [bytes.first(), bytes.last()];
    edges.into_iter().all(|edge| edge.is_some_and(u8::is_ascii_alphanumeric))
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::is_software_text;

    #[test]
    fn software_texts_are_as_kafka_wants_them() {
        for good in ["a", "librdkafka", "apache-kafka-java", "4.3.1-rc0"] {
            assert!(is_software_text(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a b", "a/b", "ä"] {
            assert!(!is_software_text(bad), "{bad}");
        }
    }
}
