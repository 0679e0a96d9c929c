//! Wakes every task that waits for a change.
//!
//! Owns the wakers of the waiting tasks of one shard. Whoever changes a state calls `notify_all`; whoever waits takes
//! `notified()` first, checks the state, then awaits, and so misses nothing. It carries no value.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// A condition that tasks of one shard wait for. Clones share it.
#[derive(Clone, Default)]
pub struct Notify {
    state: Rc<RefCell<State>>,
}

#[derive(Default)]
struct State {
    /// How often `notify_all` was called.
    generation: u64,
    ticket_next: u64,
    wakers: BTreeMap<u64, Waker>,
}

/// Ready once `notify_all` was called after this was made.
#[must_use = "it waits only when awaited"]
pub struct Notified {
    state: Rc<RefCell<State>>,
    generation: u64,
    ticket: Option<u64>,
}

impl Notify {
    /// Nothing waits yet.
    pub fn new() -> Notify {
        Notify::default()
    }

    /// Wakes everything that waits now. What starts to wait later is not affected.
    pub fn notify_all(&self) {
        let wakers = {
            let mut state = self.state.borrow_mut();
            state.generation += 1;
            if state.wakers.is_empty() {
                return;
            }
            std::mem::take(&mut state.wakers)
        };
        for waker in wakers.into_values() {
            waker.wake();
        }
    }

    /// A future for the next `notify_all`, counted from this call on, not from the first poll.
    pub fn notified(&self) -> Notified {
        Notified { state: Rc::clone(&self.state), generation: self.state.borrow().generation, ticket: None }
    }
}

impl Future for Notified {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let shared = Rc::clone(&self.state);
        let mut state = shared.borrow_mut();
        if state.generation != self.generation {
            self.ticket = None;
            return Poll::Ready(());
        }
        let ticket = *self.ticket.get_or_insert_with(|| {
            state.ticket_next += 1;
            state.ticket_next
        });
        match state.wakers.get_mut(&ticket) {
            Some(waker) => waker.clone_from(context.waker()),
            None => {
                state.wakers.insert(ticket, context.waker().clone());
            }
        }
        Poll::Pending
    }
}

impl Drop for Notified {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.state.borrow_mut().wakers.remove(&ticket);
        }
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Notify").field("generation", &self.state.borrow().generation).finish_non_exhaustive()
    }
}

impl fmt::Debug for Notified {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Notified").field("generation", &self.generation).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn notified_before_first_poll_is_ready() {
        let notify = Notify::new();
        let notified = notify.notified();
        notify.notify_all();
        assert!(notified.now_or_never().is_some());
        assert!(notify.notified().now_or_never().is_none());
    }

    #[test]
    fn dropped_waiter_leaves_no_waker() {
        let notify = Notify::new();
        assert!(notify.notified().now_or_never().is_none());
        assert!(notify.state.borrow().wakers.is_empty());
    }
}
