//! `ListTransactions` and `DescribeTransactions`: there are none, since no producer can begin one yet.

use std::rc::Rc;

use corelog_protocol::messages::describe_transactions_request::DescribeTransactionsRequest;
use corelog_protocol::messages::describe_transactions_response::{DescribeTransactionsResponse, TransactionState};
use corelog_protocol::messages::list_transactions_request::ListTransactionsRequest;
use corelog_protocol::messages::list_transactions_response::ListTransactionsResponse;
use corelog_protocol::{ErrorCode, Text};
use regex::RegexBuilder;

use crate::broker::Broker;
use crate::limits::PATTERN_BYTES_MAX;
use crate::net::request::Call;

/// The states that a filter may name.
const STATES: [&str; 8] = [
    "Empty",
    "Ongoing",
    "PrepareCommit",
    "PrepareAbort",
    "CompleteCommit",
    "CompleteAbort",
    "Dead",
    "PrepareEpochFence",
];

/// Checks the filters and lists nothing.
pub async fn handle_list(
    _broker: Rc<Broker>,
    _call: Call,
    request: ListTransactionsRequest,
) -> ListTransactionsResponse {
    let pattern = request.transactional_id_pattern.as_deref().unwrap_or_default();
    if RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build().is_err() {
        let error_code = ErrorCode::InvalidRegularExpression.code();
        return ListTransactionsResponse { error_code, ..Default::default() };
    }
    let mut unknown_state_filters: Vec<Text> =
        request.state_filters.into_iter().filter(|state| !STATES.contains(&state.as_str())).collect();
    unknown_state_filters.sort_unstable();
    unknown_state_filters.dedup();
    ListTransactionsResponse { unknown_state_filters, ..Default::default() }
}

/// Knows none of the ids.
pub async fn handle_describe(
    _broker: Rc<Broker>,
    _call: Call,
    request: DescribeTransactionsRequest,
) -> DescribeTransactionsResponse {
    let unknown = |transactional_id: Text| {
        let error =
            if transactional_id.is_empty() { ErrorCode::InvalidRequest } else { ErrorCode::TransactionalIdNotFound };
        TransactionState { error_code: error.code(), transactional_id, ..Default::default() }
    };
    DescribeTransactionsResponse {
        transaction_states: request.transactional_ids.into_iter().map(unknown).collect(),
        ..Default::default()
    }
}
