//! Owns one number that only grows, and the tasks that wait for it to reach theirs.
//!
//! The log has two, of commit sequences: written and durable. A wait costs a waker in a list per commit, and the lists are used again: no
//! allocation per request once warm. It must be told of every step in order.

use crate::ids::CommitSequence;
use crate::log::error::Closed;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Lists of wakers kept for their next use.
const SPARE_LISTS_MAX: usize = 64;

/// A commit sequence that tasks wait for.
#[derive(Clone, Debug, Default)]
pub struct Milestone {
    state: Rc<RefCell<State>>,
}

#[derive(Debug, Default)]
struct State {
    reached: u64,
    closed: bool,
    /// The wakers for `reached + 1`, `reached + 2`, ...
    waiting: VecDeque<Vec<Waker>>,
    spare: Vec<Vec<Waker>>,
}

impl Milestone {
    /// Everything up to `reached` is done.
    pub fn new(reached: CommitSequence) -> Milestone {
        let state = State { reached: reached.0, ..State::default() };
        Milestone { state: Rc::new(RefCell::new(state)) }
    }

    /// Everything up to `sequence` is done: wakes whoever waits for that.
    pub fn reach(&self, sequence: CommitSequence) {
        let mut woken: Vec<Vec<Waker>> = Vec::new();
        {
            let mut state = self.state.borrow_mut();
            while state.reached < sequence.0 {
                state.reached += 1;
                woken.extend(state.waiting.pop_front().filter(|list| !list.is_empty()));
            }
        }
        for list in &mut woken {
            list.drain(..).for_each(Waker::wake);
        }
        let mut state = self.state.borrow_mut();
        let room = SPARE_LISTS_MAX.saturating_sub(state.spare.len());
        state.spare.extend(woken.into_iter().take(room));
    }

    /// Nothing further will be done: whoever waits gets `Closed`.
    pub fn close(&self) {
        let waiting = {
            let mut state = self.state.borrow_mut();
            state.closed = true;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().flatten().for_each(Waker::wake);
    }

    /// Waits until everything up to `sequence` is done.
    pub fn wait(&self, sequence: CommitSequence) -> Wait {
        Wait { state: Rc::clone(&self.state), sequence: sequence.0, place: None }
    }
}

/// Ready once the milestone reached a sequence, or was closed.
#[must_use = "it waits only when awaited"]
#[derive(Debug)]
pub struct Wait {
    state: Rc<RefCell<State>>,
    sequence: u64,
    place: Option<usize>,
}

impl Future for Wait {
    type Output = Result<(), Closed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let shared = Rc::clone(&self.state);
        let mut state = shared.borrow_mut();
        if state.reached >= self.sequence {
            return Poll::Ready(Ok(()));
        }
        if state.closed {
            return Poll::Ready(Err(Closed));
        }
        let index = (self.sequence - state.reached - 1) as usize;
        while state.waiting.len() <= index {
            let list = state.spare.pop().unwrap_or_default();
            state.waiting.push_back(list);
        }
        let list = state.waiting.get_mut(index).expect("the lists were just made long enough");
        if let Some(waker) = self.place.and_then(|place| list.get_mut(place)) {
            waker.clone_from(context.waker());
        } else {
            list.push(context.waker().clone());
            self.place = Some(list.len() - 1);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use futures_util::task::noop_waker;
    use std::pin::pin;

    #[test]
    fn waits_end_when_their_sequence_is_reached() {
        let milestone = Milestone::new(CommitSequence(5));
        assert_eq!(milestone.wait(CommitSequence(5)).now_or_never(), Some(Ok(())));
        let mut seven = pin!(milestone.wait(CommitSequence(7)));
        assert!(seven.as_mut().now_or_never().is_none());
        milestone.reach(CommitSequence(6));
        assert!(seven.as_mut().now_or_never().is_none());
        milestone.reach(CommitSequence(9));
        assert_eq!(seven.as_mut().now_or_never(), Some(Ok(())));
        assert_eq!(milestone.wait(CommitSequence(9)).now_or_never(), Some(Ok(())));
        assert!(milestone.wait(CommitSequence(10)).now_or_never().is_none());
    }

    #[test]
    fn polling_again_keeps_one_waker() {
        let milestone = Milestone::new(CommitSequence(0));
        let mut wait = pin!(milestone.wait(CommitSequence(2)));
        let waker = noop_waker();
        let mut context = Context::from_waker(&waker);
        for _ in 0..100 {
            assert!(wait.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(milestone.state.borrow().waiting[1].len(), 1);
    }

    #[test]
    fn closing_ends_what_will_never_be_reached() {
        let milestone = Milestone::new(CommitSequence(0));
        let mut wait = pin!(milestone.wait(CommitSequence(1)));
        assert!(wait.as_mut().now_or_never().is_none());
        milestone.close();
        assert_eq!(wait.now_or_never(), Some(Err(Closed)));
    }
}
