//! One connection: a task that reads and dispatches in order, and a task that answers in order.
//!
//! Runs on the shard that accepted it, started by the listener. The reading task stops reading while too much of the
//! connection is unanswered; whatever goes wrong ends this connection alone, and is logged here, once.

use std::rc::Rc;

use corelog_protocol::Text;
use corelog_rt::net::{ReadHalf, Stream};
use corelog_rt::task;
use futures_util::future::ready;

use super::answers::Outcome;
use super::close::CloseReason;
use super::input::{Input, ReadBudget, ReadError};
use super::registry::{Connection, Registry};
use super::request::{Request, Service};
use crate::broker::endpoints::Entrance;
use crate::metrics::meters::{Mark, Meters};

/// What all connections of a shard share.
#[derive(Clone)]
pub struct Shared {
    /// Serves the requests.
    pub service: Rc<dyn Service>,
    /// Knows the connections.
    pub registry: Rc<Registry>,
    /// Memory for requests.
    pub budget: ReadBudget,
    /// `socket.request.max.bytes`.
    pub request_bytes_max: usize,
    /// Counts what they do.
    pub meters: Rc<Meters>,
}

/// Serves `stream` until it ends.
pub async fn serve(stream: Stream, entrance: Entrance, shared: Shared) {
    let connection = Rc::new(Connection::new(stream.peer(), entrance, stream.shutdown_handle()));
    let Some(registered) = shared.registry.enter(Rc::clone(&connection)) else { return };
    shared.meters.connection_opened();
    let (mut read, mut write) = stream.split();
    let writer = task::spawn({
        let (connection, meters) = (Rc::clone(&connection), Rc::clone(&shared.meters));
        async move {
            let (sending, sent) = (|| connection.touch_sending(), || meters.sent(connection.touch_sent()));
            let reason = connection.answers.write_to(&mut write, &meters, sending, sent).await;
            connection.shutdown();
            reason
        }
    });
    let reason = read_requests(&mut read, &connection, &shared).await;
    let reason = if reason.is_ordinary() {
        connection.shutdown();
        writer.await;
        reason
    } else {
        // What came before the bad request is answered before the connection ends.
        connection.answers.push(Box::pin(ready(Outcome::Close(reason))), Mark::of_no_request());
        writer.await
    };
    log_end(&connection, &reason);
    shared.meters.connection_closed(&reason);
    drop(registered);
}

/// An ordinary end concerns nobody; any other names who sent what, once.
fn log_end(connection: &Connection, reason: &CloseReason) {
    let client_id = connection.client_id.borrow();
    let client_id = client_id.as_deref().unwrap_or("");
    if reason.is_ordinary() {
        tracing::debug!(peer = %connection.peer, client_id, "connection closed: {reason}");
    } else {
        tracing::warn!(peer = %connection.peer, client_id, "closing the connection: {reason}");
    }
}

/// Keeps the name that the client gives itself, for the log.
fn remember_client(connection: &Connection, request: &Request) {
    let mut known = connection.client_id.borrow_mut();
    if *known != request.client_id {
        *known = request.client_id.as_ref().map(Text::detached);
    }
}

async fn read_requests(read: &mut ReadHalf, connection: &Rc<Connection>, shared: &Shared) -> CloseReason {
    let mut input = Input::new(shared.budget.clone(), shared.request_bytes_max);
    loop {
        loop {
            let frame = match input.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(error) => return CloseReason::Frame(error),
            };
            if !connection.answers.room().await {
                return CloseReason::Ended;
            }
            connection.waits_for_nothing();
            let bytes = frame.bytes.len();
            let request = match Request::new(frame, connection) {
                Ok(request) => request,
                Err(reason) => return reason,
            };
            remember_client(connection, &request);
            let mark = request.mark(bytes);
            match shared.service.dispatch(request).await {
                Ok(pending) => connection.answers.push(pending, mark),
                Err(reason) => return reason,
            }
        }
        connection.waits_for_bytes(input.holds_part_of_a_frame());
        match input.read(read).await {
            Ok(0) => return CloseReason::Ended,
            Ok(bytes) => connection.touch_received(bytes),
            Err(ReadError::Socket(error)) => return CloseReason::Socket(error),
            Err(ReadError::Frame(error)) => return CloseReason::Frame(error),
        }
    }
}
