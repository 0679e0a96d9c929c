//! Accepting connections.
//!
//! Each shard runs one task per configured address, on a port that the shards share. It starts connections and forgets
//! them; it never waits for one.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use corelog_rt::net::{Accepted, Listener};
use corelog_rt::{task, time};

use super::connection::{self, Shared};
use super::quota::{Place, Quota, Verdict};
use crate::broker::endpoints::Entrance;
use crate::limits::ACCEPT_PAUSE;

/// How long a refused connection is kept open, so that its client does not come back at once.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// Accepts until the listener is stopped.
pub async fn accept(listener: Rc<Listener>, entrance: Entrance, shared: Shared, quota: Quota) {
    loop {
        match listener.accept().await {
            Ok(accepted) => admit(accepted, entrance, &shared, &quota).await,
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return,
            Err(error) => {
                tracing::warn!(listener = %listener.local_addr(), "accepting a connection failed: {error}");
                time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Starts the connection, or waits while the broker has as many as it may have.
async fn admit(accepted: Accepted, entrance: Entrance, shared: &Shared, quota: &Quota) {
    let peer = accepted.peer();
    loop {
        match quota.open(peer.ip()).await {
            Ok(place) => return start(accepted, entrance, shared.clone(), place),
            Err(Verdict::AddressFull | Verdict::Admitted) => {
                tracing::info!(%peer, "refusing a connection: max.connections.per.ip is reached");
                task::spawn(async move {
                    time::sleep(REFUSED_PAUSE).await;
                    drop(accepted);
                });
                return;
            }
            Err(Verdict::BrokerFull) => time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

fn start(accepted: Accepted, entrance: Entrance, shared: Shared, place: Place) {
    let peer = accepted.peer();
    match accepted.bind() {
        Ok(stream) => {
            task::spawn(async move {
                connection::serve(stream, entrance, shared).await;
                drop(place);
            });
        }
        Err(error) => tracing::debug!(%peer, "the connection ended before it began: {error}"),
    }
}
