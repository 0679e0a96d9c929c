//! `DescribeAcls`, `CreateAcls` and `DeleteAcls` of a broker that has no authorizer: security is disabled.

use std::rc::Rc;

use corelog_protocol::messages::create_acls_request::CreateAclsRequest;
use corelog_protocol::messages::create_acls_response::{AclCreationResult, CreateAclsResponse};
use corelog_protocol::messages::delete_acls_request::DeleteAclsRequest;
use corelog_protocol::messages::delete_acls_response::{DeleteAclsFilterResult, DeleteAclsResponse};
use corelog_protocol::messages::describe_acls_request::DescribeAclsRequest;
use corelog_protocol::messages::describe_acls_response::DescribeAclsResponse;
use corelog_protocol::{ErrorCode, Text};

use crate::broker::Broker;
use crate::net::request::Call;

const NO_AUTHORIZER: Text = Text::from_static("No Authorizer is configured on the broker");

/// Refuses.
pub async fn handle_describe(_broker: Rc<Broker>, _call: Call, _request: DescribeAclsRequest) -> DescribeAclsResponse {
    DescribeAclsResponse {
        error_code: ErrorCode::SecurityDisabled.code(),
        error_message: Some(NO_AUTHORIZER),
        ..Default::default()
    }
}

/// Refuses each.
pub async fn handle_create(_broker: Rc<Broker>, _call: Call, request: CreateAclsRequest) -> CreateAclsResponse {
    let refused =
        AclCreationResult { error_code: ErrorCode::SecurityDisabled.code(), error_message: Some(NO_AUTHORIZER) };
    CreateAclsResponse { results: vec![refused; request.creations.len()], ..Default::default() }
}

/// Refuses each.
pub async fn handle_delete(_broker: Rc<Broker>, _call: Call, request: DeleteAclsRequest) -> DeleteAclsResponse {
    let refused = DeleteAclsFilterResult {
        error_code: ErrorCode::SecurityDisabled.code(),
        error_message: Some(NO_AUTHORIZER),
        ..Default::default()
    };
    DeleteAclsResponse { filter_results: vec![refused; request.filters.len()], ..Default::default() }
}
