//! `ApiVersions`: what this broker serves, from the table.
//!
//! The first request of most clients. One of a version that is not known is answered in version 0, so that the client
//! learns which it may use.

use std::rc::Rc;

use corelog_protocol::messages::api_versions_request::ApiVersionsRequest;
use corelog_protocol::messages::api_versions_response::{
    ApiVersion, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};
use corelog_protocol::{ErrorCode, Text};

use super::table;
use crate::broker::Broker;
use crate::net::answers::Pending;
use crate::net::request::{Call, ReplyTo, Request};

/// The feature that says which generation of Kafka's metadata a cluster runs on; tools and clients look for it.
const METADATA_VERSION: &str = "metadata.version";
/// The level of Kafka 3.3, the first that a cluster without `ZooKeeper` could have.
const METADATA_LEVEL_MIN: i16 = 7;
/// The level of Kafka 4.3.
const METADATA_LEVEL: i16 = 30;

/// Answers with the table.
pub async fn handle(broker: Rc<Broker>, call: Call, request: ApiVersionsRequest) -> ApiVersionsResponse {
    if call.version >= 3 {
        let (name, version) = (&request.client_software_name, &request.client_software_version);
        if !is_software_text(name) || !is_software_text(version) {
            return ApiVersionsResponse { error_code: ErrorCode::InvalidRequest.code(), ..Default::default() };
        }
        tracing::debug!(peer = %call.connection.peer, software = %name, version = %version, "client");
    }
    ApiVersionsResponse {
        api_keys: advertised(),
        supported_features: vec![SupportedFeatureKey {
            name: Text::from_static(METADATA_VERSION),
            min_version: METADATA_LEVEL_MIN,
            max_version: METADATA_LEVEL,
        }],
        finalized_features_epoch: i64::from(broker.image().term()),
        finalized_features: vec![FinalizedFeatureKey {
            name: Text::from_static(METADATA_VERSION),
            max_version_level: METADATA_LEVEL,
            min_version_level: METADATA_LEVEL,
        }],
        ..Default::default()
    }
}

/// Answers a version that is not known: in version 0, with the versions of `ApiVersions` itself alone.
pub fn handle_unknown_version(_broker: Rc<Broker>, request: Request) -> Pending {
    Box::pin(async move {
        let own = advertised().into_iter().filter(|api| api.api_key == request.key.code()).collect();
        let error_code = ErrorCode::UnsupportedVersion.code();
        let answer = ApiVersionsResponse { error_code, api_keys: own, ..Default::default() };
        ReplyTo { version: 0, ..request.reply_to() }.answer(&answer)
    })
}

fn advertised() -> Vec<ApiVersion> {
    let version = |api: &table::Api| ApiVersion {
        api_key: api.key.code(),
        min_version: api.version_min,
        max_version: api.version_max,
    };
    table::APIS.iter().map(version).collect()
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
