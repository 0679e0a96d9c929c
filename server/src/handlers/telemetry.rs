//! `GetTelemetrySubscriptions` and `PushTelemetry` (KIP-714): from the configs of client-metrics subscriptions.
//!
//! Advertised once there is a subscription. What clients push is read at once, and told on the metrics port.

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use corelog_engine::config::ConfigScope;
use corelog_engine::config::client_match::ClientAttribute;
use corelog_protocol::messages::get_telemetry_subscriptions_request::GetTelemetrySubscriptionsRequest;
use corelog_protocol::messages::get_telemetry_subscriptions_response::GetTelemetrySubscriptionsResponse;
use corelog_protocol::messages::push_telemetry_request::PushTelemetryRequest;
use corelog_protocol::messages::push_telemetry_response::PushTelemetryResponse;
use corelog_protocol::{ApiKey, ErrorCode, Text, Uuid};
use corelog_rt::{rand, time};

use crate::broker::Broker;
use crate::net::request::Call;
use crate::telemetry::{ClientAttributes, Push, TelemetryError};

/// Kafka's numbers of the compressions that clients may use, the best first: zstd, lz4, gzip, snappy.
const COMPRESSIONS: [i8; 4] = [4, 3, 1, 2];

/// Whether clients are told of an API of this file: there is somebody who wants their metrics.
pub fn is_advertised(broker: &Broker, key: ApiKey) -> bool {
    !matches!(key, ApiKey::GetTelemetrySubscriptions | ApiKey::PushTelemetry)
        || broker.image().configured(ConfigScope::ClientMetrics).next().is_some()
}

/// Tells a client what it is asked for.
pub async fn handle_get(
    broker: Rc<Broker>,
    call: Call,
    request: GetTelemetrySubscriptionsRequest,
) -> GetTelemetrySubscriptionsResponse {
    let id = if request.client_instance_id.is_zero() { fresh_id() } else { request.client_instance_id };
    let mut telemetry = broker.telemetry();
    telemetry.subscriptions.refresh(&broker.image());
    let crate::telemetry::Telemetry { subscriptions, clients } = &mut *telemetry;
    match clients.get(id, attributes(&call, id), subscriptions, time::now()) {
        Ok(told) => GetTelemetrySubscriptionsResponse {
            client_instance_id: id,
            subscription_id: told.subscription_id,
            accepted_compression_types: COMPRESSIONS.to_vec(),
            push_interval_ms: told.asked.interval_ms,
            telemetry_max_bytes: i32::try_from(clients.push_bytes_max()).unwrap_or(i32::MAX),
            delta_temporality: true,
            requested_metrics: told.asked.metrics.into_iter().map(Text::from).collect(),
            ..Default::default()
        },
        Err(error) => GetTelemetrySubscriptionsResponse { error_code: code(error).code(), ..Default::default() },
    }
}

/// Takes what a client pushed.
pub async fn handle_push(broker: Rc<Broker>, call: Call, request: PushTelemetryRequest) -> PushTelemetryResponse {
    let id = request.client_instance_id;
    if is_reserved(id) {
        return PushTelemetryResponse { error_code: ErrorCode::InvalidRequest.code(), ..Default::default() };
    }
    let push = Push {
        subscription_id: request.subscription_id,
        is_last: request.terminating,
        compression: request.compression_type,
        metrics: request.metrics,
    };
    tracing::debug!(peer = %call.connection.peer, client = %shown(id), bytes = push.metrics.len(), "client metrics");
    let mut telemetry = broker.telemetry();
    telemetry.subscriptions.refresh(&broker.image());
    let crate::telemetry::Telemetry { subscriptions, clients } = &mut *telemetry;
    let pushed = clients.push(id, attributes(&call, id), subscriptions, &push, time::now());
    let error = pushed.err().map_or(ErrorCode::None, code);
    PushTelemetryResponse { error_code: error.code(), ..Default::default() }
}

fn code(error: TelemetryError) -> ErrorCode {
    match error {
        TelemetryError::Invalid => ErrorCode::InvalidRequest,
        TelemetryError::TooEarly => ErrorCode::ThrottlingQuotaExceeded,
        TelemetryError::UnknownSubscription => ErrorCode::UnknownSubscriptionId,
        TelemetryError::UnsupportedCompression => ErrorCode::UnsupportedCompressionType,
        TelemetryError::TooLarge => ErrorCode::TelemetryTooLarge,
    }
}

fn attributes(call: &Call, id: Uuid) -> ClientAttributes {
    let peer = call.connection.peer;
    let mut attributes = ClientAttributes::from([
        (ClientAttribute::InstanceId, shown(id)),
        (ClientAttribute::SourceAddress, peer.ip().to_string()),
        (ClientAttribute::SourcePort, peer.port().to_string()),
    ]);
    let client_id = call.client_id.as_ref().map(|text| (ClientAttribute::ClientId, text.as_str().to_owned()));
    attributes.extend(client_id);
    if let Some((name, version)) = &*call.connection.software.borrow() {
        attributes.insert(ClientAttribute::SoftwareName, name.clone());
        attributes.insert(ClientAttribute::SoftwareVersion, version.clone());
    }
    attributes
}

fn shown(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.0)
}

/// Ids that Kafka gives to nobody: 0 and 1.
fn is_reserved(id: Uuid) -> bool {
    id.0.split_last().is_some_and(|(last, rest)| *last <= 1 && rest.iter().all(|byte| *byte == 0))
}

fn fresh_id() -> Uuid {
    loop {
        let mut bytes = [0; 16];
        rand::fill(&mut bytes);
        if !is_reserved(Uuid(bytes)) {
            return Uuid(bytes);
        }
    }
}
