//! Counts a bounded resource of one shard, such as bytes of memory.
//!
//! Owns the free units and the waiting line. Waiters are served in the order they came, so a large request is not
//! starved by small ones. Units come back when the permit is dropped.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// A bounded number of units. Clones share them.
#[derive(Clone)]
pub struct Semaphore {
    state: Rc<RefCell<State>>,
}

struct State {
    units_free: u64,
    units_total: u64,
    ticket_next: u64,
    line: VecDeque<Waiter>,
}

struct Waiter {
    ticket: u64,
    units: u64,
    waker: Waker,
}

/// Units taken from a [`Semaphore`]; they go back when it is dropped.
#[must_use = "dropping it gives the units back"]
pub struct Permit {
    state: Rc<RefCell<State>>,
    units: u64,
}

struct Acquire {
    state: Rc<RefCell<State>>,
    units: u64,
    ticket: Option<u64>,
}

impl Semaphore {
    /// `units` are free at first.
    pub fn new(units: u64) -> Semaphore {
        let state = State { units_free: units, units_total: units, ticket_next: 0, line: VecDeque::new() };
        Semaphore { state: Rc::new(RefCell::new(state)) }
    }

    /// Waits for `units`, at most all there are: a request for more is granted when everything is free.
    pub async fn acquire(&self, units: u64) -> Permit {
        let units = units.min(self.state.borrow().units_total);
        Acquire { state: Rc::clone(&self.state), units, ticket: None }.await
    }

    /// Takes `units` if they are free and nobody waits.
    pub fn try_acquire(&self, units: u64) -> Option<Permit> {
        let mut state = self.state.borrow_mut();
        if !state.line.is_empty() || state.units_free < units {
            return None;
        }
        state.units_free -= units;
        Some(Permit { state: Rc::clone(&self.state), units })
    }

    /// Units free now.
    pub fn available(&self) -> u64 {
        self.state.borrow().units_free
    }
}

impl State {
    /// The first in line, if the free units suffice for it.
    fn servable(&self) -> Option<Waker> {
        self.line.front().filter(|waiter| waiter.units <= self.units_free).map(|waiter| waiter.waker.clone())
    }
}

impl Permit {
    /// Units held.
    pub fn units(&self) -> u64 {
        self.units
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let first = {
            let mut state = self.state.borrow_mut();
            state.units_free += self.units;
            state.servable()
        };
        if let Some(waker) = first {
            waker.wake();
        }
    }
}

impl Future for Acquire {
    type Output = Permit;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Permit> {
        let shared = Rc::clone(&self.state);
        let mut state = shared.borrow_mut();
        let units = self.units;
        let is_first = match self.ticket {
            None => state.line.is_empty(),
            Some(ticket) => state.line.front().is_some_and(|waiter| waiter.ticket == ticket),
        };
        if is_first && state.units_free >= units {
            state.units_free -= units;
            let next = if self.ticket.take().is_some() {
                state.line.pop_front();
                state.servable()
            } else {
                None
            };
            drop(state);
            if let Some(waker) = next {
                waker.wake();
            }
            return Poll::Ready(Permit { state: shared, units });
        }
        if let Some(ticket) = self.ticket {
            if let Some(waiter) = state.line.iter_mut().find(|waiter| waiter.ticket == ticket) {
                waiter.waker.clone_from(context.waker());
            }
        } else {
            state.ticket_next += 1;
            let ticket = state.ticket_next;
            state.line.push_back(Waiter { ticket, units, waker: context.waker().clone() });
            self.ticket = Some(ticket);
        }
        Poll::Pending
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let first = {
            let mut state = self.state.borrow_mut();
            state.line.retain(|waiter| waiter.ticket != ticket);
            state.servable()
        };
        if let Some(waker) = first {
            waker.wake();
        }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Semaphore").field("available", &self.available()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Permit").field("units", &self.units).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::pin::pin;

    #[test]
    fn waiters_are_served_in_order() {
        let semaphore = Semaphore::new(10);
        let held = semaphore.try_acquire(8).unwrap();
        let mut large = pin!(semaphore.acquire(9));
        assert!(large.as_mut().now_or_never().is_none());
        assert!(semaphore.try_acquire(1).is_none(), "overtaking would starve the large request");
        let mut small = pin!(semaphore.acquire(1));
        assert!(small.as_mut().now_or_never().is_none());
        drop(held);
        let permit = large.as_mut().now_or_never().unwrap();
        assert_eq!(permit.units(), 9);
        assert_eq!(small.as_mut().now_or_never().unwrap().units(), 1);
        drop(permit);
        assert_eq!(semaphore.available(), 10, "both permits came back");
    }

    #[test]
    fn cancelled_waiter_frees_the_line() {
        let semaphore = Semaphore::new(4);
        let held = semaphore.try_acquire(1).unwrap();
        {
            let mut waiting = pin!(semaphore.acquire(4));
            assert!(waiting.as_mut().now_or_never().is_none());
        }
        assert!(semaphore.try_acquire(3).is_some());
        drop(held);
    }

    #[test]
    fn request_above_the_total_is_cut_to_it() {
        let semaphore = Semaphore::new(4);
        assert_eq!(semaphore.acquire(99).now_or_never().unwrap().units(), 4);
    }
}
