//! Owns the requests that wait for an answer of a coordinator: members that join or sync.
//!
//! One per coordinator. A request whose connection is gone is forgotten when its answer comes.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;

use corelog_engine::ids::CommitSequence;
use corelog_protocol::ErrorCode;
use corelog_rt::map::HashMap;
use corelog_rt::sync::oneshot;
use futures_util::future::{Either, select};

use super::slot::Slot;
use crate::groups::coordinator::Coordinator;
use crate::groups::effects::{LateAnswer, Ticket};
use crate::groups::moment::Moment;

type Late = (LateAnswer, Option<CommitSequence>);

/// The requests that wait.
#[derive(Default)]
pub(super) struct Waiting {
    by_ticket: RefCell<HashMap<Ticket, oneshot::Sender<Late>>>,
    tickets: Cell<u64>,
}

impl Waiting {
    fn add(&self) -> (Ticket, oneshot::Receiver<Late>) {
        let ticket = Ticket(self.tickets.get());
        self.tickets.set(ticket.0 + 1);
        let (sender, receiver) = oneshot::channel();
        self.by_ticket.borrow_mut().insert(ticket, sender);
        (ticket, receiver)
    }

    fn forget(&self, ticket: Ticket) {
        self.by_ticket.borrow_mut().remove(&ticket);
    }

    pub(super) fn answer(&self, ticket: Ticket, answer: LateAnswer, commit: Option<CommitSequence>) {
        let sender = self.by_ticket.borrow_mut().remove(&ticket);
        if let Some(sender) = sender {
            // The asker may be gone.
            let _ = sender.send((answer, commit));
        }
    }

    /// Whoever waits is told to look for another coordinator.
    pub(super) fn drop_all(&self) {
        let all = std::mem::take(&mut *self.by_ticket.borrow_mut());
        drop(all);
    }
}

/// Forgets a ticket when its request is answered or given up.
struct Held<'a> {
    slot: &'a Slot,
    ticket: Ticket,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.slot.waiting.forget(self.ticket);
    }
}

impl Slot {
    /// As [`Slot::durably`], for what is answered late.
    ///
    /// # Errors
    /// As [`Slot::event`]; `NOT_COORDINATOR` when the broker stops or the coordinator is loaded anew.
    pub async fn late(
        self: &Rc<Self>,
        work: impl FnOnce(&mut Coordinator, Moment, Ticket),
    ) -> Result<LateAnswer, ErrorCode> {
        let (ticket, receiver) = self.waiting.add();
        let _held = Held { slot: self, ticket };
        self.event(|coordinator, now| work(coordinator, now, ticket)).await?;
        let (answer, commit) = match select(receiver, pin!(self.common.shard.stopped())).await {
            Either::Left((Ok(late), _)) => late,
            Either::Left((Err(_), _)) | Either::Right(_) => return Err(ErrorCode::NotCoordinator),
        };
        self.durable(commit).await?;
        Ok(answer)
    }
}
