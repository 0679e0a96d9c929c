//! From a request to its handler.
//!
//! Called by connections on their shard, in the order of their requests. It knows the versions that are served; what a
//! request says is the handler's business.

use std::future::Future;
use std::rc::Rc;

use corelog_protocol::ApiKey;
use futures_util::future::LocalBoxFuture;

use super::{api_versions, table};
use crate::broker::Broker;
use crate::net::answers::{Outcome, Pending};
use crate::net::close::CloseReason;
use crate::net::request::{Call, Request, Service};

/// How a handler is run.
#[derive(Clone, Copy)]
pub enum Handling {
    /// As a whole, when everything before it on its connection is answered.
    Deferred(fn(Rc<Broker>, Request) -> Pending),
    /// In two stages: the first fixes the order as soon as the request arrives, the second waits for the answer.
    TwoStage(fn(Rc<Broker>, Request) -> LocalBoxFuture<'static, Result<Pending, CloseReason>>),
}

/// Serves the connections of one shard.
pub struct Dispatch {
    broker: Rc<Broker>,
}

impl Dispatch {
    /// A dispatcher for the broker of this shard.
    pub fn new(broker: Rc<Broker>) -> Dispatch {
        Dispatch { broker }
    }
}

impl Service for Dispatch {
    fn dispatch(&self, request: Request) -> LocalBoxFuture<'static, Result<Pending, CloseReason>> {
        let broker = Rc::clone(&self.broker);
        let unsupported = CloseReason::Unsupported { key: request.key, version: request.version };
        let handling = match table::find(request.key) {
            Some(api) if api.serves(request.version) => api.handling,
            _ if request.key == ApiKey::ApiVersions => Handling::Deferred(api_versions::handle_unknown_version),
            _ => return Box::pin(async { Err(unsupported) }),
        };
        match handling {
            Handling::Deferred(handle) => Box::pin(async move { Ok(handle(broker, request)) }),
            Handling::TwoStage(handle) => handle(broker, request),
        }
    }
}

/// Runs a handler that answers every request it can decode.
pub fn answered<Q, F, R>(broker: Rc<Broker>, request: Request, handle: F) -> Pending
where
    Q: corelog_protocol::Request,
    F: FnOnce(Rc<Broker>, Call, Q) -> R + 'static,
    R: Future<Output = Q::Response> + 'static,
{
    Box::pin(async move {
        let reply_to = request.reply_to();
        match request.decode::<Q>() {
            Ok((call, body)) => reply_to.answer(&handle(broker, call, body).await),
            Err(reason) => Outcome::Close(reason),
        }
    })
}
