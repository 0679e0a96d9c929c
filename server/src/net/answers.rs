//! Answers of one connection, in the order of its requests.
//!
//! Shared by the connection's reading task, which adds a future per request, and its writing task, which runs the oldest
//! one and sends what is ready; both on the shard that owns the connection. A request behind another one is not run
//! before that one is answered, except for what its first stage already did. It never reorders.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use corelog_rt::net::WriteHalf;
use corelog_rt::sync::{Notify, Permit};
use corelog_rt::time::Instant;
use futures_util::future::{Either, LocalBoxFuture, select};
use futures_util::task::noop_waker_ref;

use super::close::CloseReason;
use crate::limits::{REQUEST_BYTES_IN_FLIGHT_MAX, REQUESTS_IN_FLIGHT_MAX, WRITE_BYTES_MAX, WRITE_SLICES_MAX};
use crate::metrics::meters::{Mark, Meters};

/// What came of a request.
#[derive(Debug)]
pub enum Outcome {
    /// Bytes for the client.
    Answer(Answer),
    /// The client wants no answer.
    Silent,
    /// The connection ends, after the answers before this one.
    Close(CloseReason),
}

/// An encoded answer, frame length included.
#[derive(Debug, Default)]
pub struct Answer {
    /// The slices to send, in order.
    pub slices: Vec<Bytes>,
    /// Bytes in all of them.
    pub bytes: usize,
    /// Memory of the shard that the slices hold until they are sent.
    pub memory: Option<Permit>,
    /// The error codes in them, each with how often it is there.
    pub errors: Vec<(i16, u32)>,
}

/// The rest of a request's handling: runs when all before it are answered.
pub type Pending = LocalBoxFuture<'static, Outcome>;

/// The answers of one connection that are not sent.
#[derive(Default)]
pub struct Answers {
    queue: RefCell<VecDeque<Waiting>>,
    bytes: Cell<usize>,
    count: Cell<usize>,
    is_closed: Cell<bool>,
    added: Notify,
    removed: Notify,
}

struct Waiting {
    pending: Pending,
    mark: Mark,
}

/// Answers gathered for one send.
#[derive(Default)]
struct Batch {
    slices: Vec<Bytes>,
    bytes: usize,
    memory: Vec<Permit>,
    marks: Vec<Mark>,
}

impl Answers {
    /// Adds the next request.
    pub fn push(&self, pending: Pending, mark: Mark) {
        self.queue.borrow_mut().push_back(Waiting { pending, mark });
        self.bytes.set(self.bytes.get() + mark.bytes);
        self.count.set(self.count.get() + 1);
        self.added.notify_all();
    }

    /// Requests that are not answered.
    pub fn in_flight(&self) -> usize {
        self.count.get()
    }

    /// Waits until another request may be dispatched. Returns false once the connection is closed.
    pub async fn room(&self) -> bool {
        loop {
            let removed = self.removed.notified();
            if self.is_closed.get() {
                return false;
            }
            if self.count.get() < REQUESTS_IN_FLIGHT_MAX && self.bytes.get() < REQUEST_BYTES_IN_FLIGHT_MAX {
                return true;
            }
            removed.await;
        }
    }

    /// Ends both tasks; what is not sent is dropped.
    pub fn close(&self) {
        self.is_closed.set(true);
        self.added.notify_all();
        self.removed.notify_all();
    }

    /// Sends the answers until the connection ends, and counts them in; calls `sending`, which says what time it is, before and `sent`
    /// after every send.
    pub async fn write_to(
        &self,
        half: &mut WriteHalf,
        meters: &Meters,
        sending: impl Fn() -> Instant,
        sent: impl Fn(),
    ) -> CloseReason {
        let mut batch = Batch::default();
        loop {
            let Some(waiting) = self.next().await else { return CloseReason::Ended };
            let Some(outcome) = self.unless_closed(waiting.pending).await else { return CloseReason::Ended };
            let mut end = batch.add(outcome, waiting.mark, meters).err();
            while end.is_none() && batch.has_room() {
                let Some((outcome, mark)) = self.take_ready() else { break };
                end = batch.add(outcome, mark, meters).err();
            }
            meters.answered(&batch.marks, sending());
            if !batch.slices.is_empty()
                && let Err(error) = half.write_all(&mut batch.slices).await
            {
                return CloseReason::Socket(error);
            }
            self.finished(&mut batch);
            sent();
            if let Some(reason) = end {
                return reason;
            }
        }
    }

    async fn next(&self) -> Option<Waiting> {
        loop {
            let added = self.added.notified();
            if self.is_closed.get() {
                return None;
            }
            if let Some(waiting) = self.queue.borrow_mut().pop_front() {
                return Some(waiting);
            }
            added.await;
        }
    }

    async fn unless_closed(&self, mut pending: Pending) -> Option<Outcome> {
        loop {
            match select(pending, self.added.notified()).await {
                Either::Left((outcome, _)) => return Some(outcome),
                Either::Right(_) if self.is_closed.get() => return None,
                Either::Right(((), rest)) => pending = rest,
            }
        }
    }

    /// The outcome of the oldest request if it takes no waiting.
    fn take_ready(&self) -> Option<(Outcome, Mark)> {
        let mut waiting = self.queue.borrow_mut().pop_front()?;
        match Pin::new(&mut waiting.pending).poll(&mut Context::from_waker(noop_waker_ref())) {
            Poll::Ready(outcome) => Some((outcome, waiting.mark)),
            Poll::Pending => {
                self.queue.borrow_mut().push_front(waiting);
                None
            }
        }
    }

    fn finished(&self, batch: &mut Batch) {
        let bytes: usize = batch.marks.iter().map(|mark| mark.bytes).sum();
        self.bytes.set(self.bytes.get() - bytes);
        self.count.set(self.count.get() - batch.marks.len());
        batch.marks.clear();
        batch.memory.clear();
        batch.bytes = 0;
        self.removed.notify_all();
    }
}

impl Batch {
    fn has_room(&self) -> bool {
        self.bytes < WRITE_BYTES_MAX && self.slices.len() < WRITE_SLICES_MAX
    }

    fn add(&mut self, outcome: Outcome, mark: Mark, meters: &Meters) -> Result<(), CloseReason> {
        self.marks.push(mark);
        meters.handled(&mark, &outcome);
        match outcome {
            Outcome::Answer(answer) => {
                self.slices.extend(answer.slices);
                self.bytes += answer.bytes;
                self.memory.extend(answer.memory);
                Ok(())
            }
            Outcome::Silent => Ok(()),
            Outcome::Close(reason) => Err(reason),
        }
    }
}
