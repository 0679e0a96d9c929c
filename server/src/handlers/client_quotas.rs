//! `DescribeClientQuotas` and `AlterClientQuotas`: stored by the metadata state machine. Nothing holds clients to them yet.

use std::rc::Rc;

use corelog_engine::metadata::quota_filter::QuotaFilterError;
use corelog_engine::metadata::quotas::{NamedEntity, QuotaEntity, QuotaValues};
use corelog_engine::metadata::{QuotaAlteration, QuotaFilter};
use corelog_protocol::messages::alter_client_quotas_request::{self, AlterClientQuotasRequest};
use corelog_protocol::messages::alter_client_quotas_response::{self, AlterClientQuotasResponse};
use corelog_protocol::messages::describe_client_quotas_request::DescribeClientQuotasRequest;
use corelog_protocol::messages::describe_client_quotas_response::{
    DescribeClientQuotasResponse, EntityData, EntryData, ValueData,
};
use corelog_protocol::{ErrorCode, Text};

use super::refusal::{metadata_code, metadata_result};
use crate::broker::Broker;
use crate::net::request::Call;

/// Answers from this shard's image.
pub async fn handle_describe(
    broker: Rc<Broker>,
    _call: Call,
    request: DescribeClientQuotasRequest,
) -> DescribeClientQuotasResponse {
    match describe(&broker, &request) {
        Ok(entries) => DescribeClientQuotasResponse {
            error_message: Some(Text::default()),
            entries: Some(entries),
            ..Default::default()
        },
        Err(error) => DescribeClientQuotasResponse {
            error_code: filter_code(&error).code(),
            error_message: Some(Text::from(error.to_string())),
            entries: None,
            ..Default::default()
        },
    }
}

fn describe(broker: &Broker, request: &DescribeClientQuotasRequest) -> Result<Vec<EntryData>, QuotaFilterError> {
    let mut filter = QuotaFilter::default();
    for part in &request.components {
        filter.add(&part.entity_type, part.match_type, part.match_.as_deref())?;
    }
    let image = broker.image();
    Ok(filter.select(image.quotas(), request.strict)?.map(|(entity, values)| shown(entity, values)).collect())
}

fn shown(entity: &QuotaEntity, values: &QuotaValues) -> EntryData {
    let part = |(kind, name): (&corelog_engine::metadata::quotas::QuotaEntityType, &Option<std::sync::Arc<str>>)| {
        EntityData { entity_type: Text::from_static(kind.name()), entity_name: name.as_deref().map(Text::from) }
    };
    let value = |(key, value): (&std::sync::Arc<str>, &corelog_engine::metadata::quotas::QuotaValue)| ValueData {
        key: Text::from(&**key),
        value: value.0,
    };
    EntryData { entity: entity.iter().map(part).collect(), values: values.iter().map(value).collect() }
}

fn filter_code(error: &QuotaFilterError) -> ErrorCode {
    match error {
        QuotaFilterError::UnknownType(_) => ErrorCode::UnsupportedVersion,
        QuotaFilterError::EmptyType
        | QuotaFilterError::RepeatedType(_)
        | QuotaFilterError::UnknownMatch(_)
        | QuotaFilterError::MissingText
        | QuotaFilterError::UselessText(_)
        | QuotaFilterError::Combination => ErrorCode::InvalidRequest,
    }
}

/// Changes quotas, or only says whether it would; one answer for each entity.
pub async fn handle_alter(
    broker: Rc<Broker>,
    _call: Call,
    request: AlterClientQuotasRequest,
) -> AlterClientQuotasResponse {
    let alterations: Vec<QuotaAlteration> = request.entries.iter().map(alteration).collect();
    let entities: Vec<NamedEntity> = alterations.iter().map(|alteration| alteration.entity.clone()).collect();
    let validate_only = request.validate_only;
    let decided = broker.shard().command(move |state| state.alter_client_quotas(&alterations, validate_only)).await;
    let results = decided.unwrap_or_else(|error| entities.into_iter().map(|of| (of, Err(error.clone()))).collect());
    let answer = |(entity, result): (NamedEntity, Result<(), _>)| {
        let (error_code, error_message) = match &result {
            Ok(()) => metadata_result(&result),
            Err(error) => (metadata_code(error).code(), Some(Text::from(error.to_string()))),
        };
        let part = |(kind, name): (String, Option<String>)| alter_client_quotas_response::EntityData {
            entity_type: Text::from(kind),
            entity_name: name.map(Text::from),
        };
        let entity = entity.into_iter().map(part).collect();
        alter_client_quotas_response::EntryData { error_code, error_message, entity }
    };
    AlterClientQuotasResponse { entries: results.into_iter().map(answer).collect(), ..Default::default() }
}

/// An entry as the state machine takes it. Of a type that comes twice, the last name counts.
fn alteration(entry: &alter_client_quotas_request::EntryData) -> QuotaAlteration {
    let part = |part: &alter_client_quotas_request::EntityData| {
        (part.entity_type.as_str().to_owned(), part.entity_name.as_ref().map(|name| name.as_str().to_owned()))
    };
    let operation = |operation: &alter_client_quotas_request::OpData| {
        (operation.key.as_str().to_owned(), (!operation.remove).then_some(operation.value))
    };
    QuotaAlteration {
        entity: entry.entity.iter().map(part).collect(),
        operations: entry.ops.iter().map(operation).collect(),
    }
}
