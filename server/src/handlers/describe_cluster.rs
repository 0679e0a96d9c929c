//! `DescribeCluster`: the brokers and the controller, for admin clients.

use std::rc::Rc;

use corelog_protocol::messages::describe_cluster_request::DescribeClusterRequest;
use corelog_protocol::messages::describe_cluster_response::{DescribeClusterBroker, DescribeClusterResponse};
use corelog_protocol::{ErrorCode, Text};

use super::metadata::{CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED};
use crate::broker::Broker;
use crate::net::request::Call;

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

/// Answers with this broker, the only one and so the controller.
pub async fn handle(broker: Rc<Broker>, call: Call, request: DescribeClusterRequest) -> DescribeClusterResponse {
    if request.endpoint_type != BROKERS {
        let (error, message) = if request.endpoint_type == CONTROLLERS {
            let message =
                "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER";
            (ErrorCode::MismatchedEndpointType, message.to_owned())
        } else {
            (ErrorCode::UnsupportedEndpointType, format!("Unsupported endpoint type {}", request.endpoint_type))
        };
        return DescribeClusterResponse {
            error_code: error.code(),
            error_message: Some(message.into()),
            controller_id: -1,
            ..Default::default()
        };
    }
    let told = broker.endpoints().all(call.connection.entrance.listener).map(|told| DescribeClusterBroker {
        broker_id: told.id,
        host: told.endpoint.host.clone(),
        port: told.endpoint.port,
        rack: broker.rack().cloned(),
        is_fenced: false,
    });
    let operations =
        if request.include_cluster_authorized_operations { CLUSTER_OPERATIONS } else { OPERATIONS_NOT_ASKED };
    DescribeClusterResponse {
        cluster_id: Text::from(broker.image().cluster_id().to_string()),
        controller_id: broker.node_id(),
        brokers: told.collect(),
        cluster_authorized_operations: operations,
        ..Default::default()
    }
}
