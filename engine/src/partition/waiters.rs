//! Owns the long polls of a partition: who waits for how many bytes to become visible.
//!
//! A Fetch makes one [`FetchWait`] per shard and lets any number of partitions feed it. Nothing polls: each move of a high watermark adds its
//! bytes, and wakes whom that satisfies. No wake-up is lost: whoever starts to watch says what it has seen, and is woken at once if there is
//! more. Dropping a [`Watch`] ends it, at any time.

use crate::ids::Offset;
use crate::limits::FETCH_WAITERS_PER_PARTITION_MAX;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use thiserror::Error;

/// A Fetch that waits until enough bytes became visible in the partitions that it watches, or until one of them cannot serve it any more.
#[derive(Clone, Debug, Default)]
pub struct FetchWait {
    goal: Rc<Goal>,
}

#[derive(Debug, Default)]
struct Goal {
    missing_bytes: Cell<usize>,
    waker: RefCell<Option<Waker>>,
}

impl FetchWait {
    /// Waits for `missing_bytes` more than what was read already; 0 does not wait.
    pub fn new(missing_bytes: usize) -> FetchWait {
        FetchWait { goal: Rc::new(Goal { missing_bytes: Cell::new(missing_bytes), waker: RefCell::new(None) }) }
    }

    /// Whether there is something to look at.
    pub fn is_ready(&self) -> bool {
        self.goal.missing_bytes.get() == 0
    }

    /// Waits until [`is_ready`](FetchWait::is_ready). One task waits at a time; it may give up and come back.
    pub async fn ready(&self) {
        poll_fn(|context| {
            if self.is_ready() {
                return Poll::Ready(());
            }
            *self.goal.waker.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn feed(&self, bytes: usize) {
        let missing = self.goal.missing_bytes.get();
        if missing == 0 {
            return;
        }
        self.goal.missing_bytes.set(missing.saturating_sub(bytes));
        if bytes >= missing {
            let waker = self.goal.waker.borrow_mut().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

/// A partition has as many long polls as it may have: answer with what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("too many fetches wait on one partition")]
pub struct TooManyWaiters;

/// The long polls of one partition.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    watching: Rc<RefCell<Watching>>,
}

#[derive(Debug, Default)]
struct Watching {
    next: u64,
    waits: BTreeMap<u64, FetchWait>,
}

/// One partition feeds one wait as long as this lives.
#[derive(Debug)]
#[must_use = "dropping it ends the watch"]
pub struct Watch {
    watching: Rc<RefCell<Watching>>,
    number: u64,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watching.borrow_mut().waits.remove(&self.number);
    }
}

impl Waiters {
    /// Lets the partition feed `wait`. `seen` is the visible end that the caller read up to, `visible` the one of now.
    pub(super) fn watch(&self, wait: &FetchWait, seen: Offset, visible: Offset) -> Result<Watch, TooManyWaiters> {
        let mut watching = self.watching.borrow_mut();
        if watching.waits.len() >= FETCH_WAITERS_PER_PARTITION_MAX {
            return Err(TooManyWaiters);
        }
        let number = watching.next;
        watching.next += 1;
        watching.waits.insert(number, wait.clone());
        drop(watching);
        if seen != visible {
            wait.feed(usize::MAX);
        }
        Ok(Watch { watching: Rc::clone(&self.watching), number })
    }

    /// `bytes` more are visible.
    pub(super) fn feed(&self, bytes: usize) {
        for wait in self.watching.borrow().waits.values() {
            wait.feed(bytes);
        }
    }

    /// Something changed that every waiter must look at.
    pub(super) fn interrupt(&self) {
        self.feed(usize::MAX);
    }

    /// How many watch.
    pub(super) fn len(&self) -> usize {
        self.watching.borrow().waits.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn wait_ends_once_enough_bytes_came_from_any_partition() {
        let (first, second) = (Waiters::default(), Waiters::default());
        let wait = FetchWait::new(100);
        let _watches = [first.watch(&wait, Offset(5), Offset(5)), second.watch(&wait, Offset(0), Offset(0))];
        first.feed(60);
        assert!(wait.ready().now_or_never().is_none());
        second.feed(39);
        assert!(wait.ready().now_or_never().is_none());
        first.feed(1);
        assert!(wait.ready().now_or_never().is_some());
    }

    #[test]
    fn progress_between_reading_and_watching_is_not_lost() {
        let waiters = Waiters::default();
        let wait = FetchWait::new(1_000);
        let _watch = waiters.watch(&wait, Offset(5), Offset(6)).unwrap();
        assert!(wait.is_ready());
    }

    #[test]
    fn dropped_watch_leaves_nothing_behind() {
        let waiters = Waiters::default();
        let wait = FetchWait::new(1);
        let watch = waiters.watch(&wait, Offset(0), Offset(0)).unwrap();
        assert_eq!(waiters.len(), 1);
        drop(watch);
        assert_eq!(waiters.len(), 0);
        waiters.feed(10);
        assert!(!wait.is_ready());
    }

    #[test]
    fn waits_are_bounded() {
        let waiters = Waiters::default();
        let wait = FetchWait::new(1);
        let watches: Vec<Watch> =
            (0..FETCH_WAITERS_PER_PARTITION_MAX).map(|_| waiters.watch(&wait, Offset(0), Offset(0)).unwrap()).collect();
        assert_eq!(waiters.watch(&wait, Offset(0), Offset(0)).err(), Some(TooManyWaiters));
        drop(watches);
        assert!(waiters.watch(&wait, Offset(0), Offset(0)).is_ok());
    }
}
