//! A request's groups, each asked of its coordinator; answers in the order of the request.
//!
//! Called by handlers on the shard that owns the connection.

use std::rc::Rc;

use corelog_protocol::{ErrorCode, Text};
use futures_util::stream::{self, StreamExt as _};

use crate::broker::Broker;
use crate::groups::service::{Slot, ask, place_of};

/// Coordinators that one request asks at once.
const ASKED_AT_ONCE: usize = 64;

/// Runs `work` for each item with the coordinator of its group.
pub async fn by_group<I, T, W, F>(
    broker: &Rc<Broker>,
    items: Vec<I>,
    group_of: impl Fn(&I) -> &Text,
    work: W,
) -> Vec<Result<T, ErrorCode>>
where
    I: Send + 'static,
    T: Send + 'static,
    W: Fn(Rc<Slot>, I) -> F + Clone + Send + 'static,
    F: Future<Output = Result<T, ErrorCode>> + 'static,
{
    let asked = items.into_iter().map(|item| {
        let place = place_of(broker, group_of(&item));
        let work = work.clone();
        ask(broker, place, move |slot| work(slot, item))
    });
    stream::iter(asked).buffered(ASKED_AT_ONCE).collect().await
}
