//! Bounded queues between shards.
//!
//! Owns the two ends of a queue. Any shard sends; one task of one shard receives and does nothing else, because
//! waiting on several receivers at once leaks wakers in the runtime underneath. Capacity is the only back-pressure:
//! never send from a task that its own receiver waits for.

use std::fmt;

/// The sending end; clones share the queue.
pub struct Sender<T> {
    queue: flume::Sender<T>,
}

/// The receiving end, held by one task.
pub struct Receiver<T> {
    queue: flume::Receiver<T>,
}

/// The receiver is gone; the value comes back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the receiver of the queue is gone")]
pub struct Closed<T>(pub T);

/// Why a value was not queued; it comes back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrySendError<T> {
    /// The queue is at its capacity.
    #[error("the queue is full")]
    Full(T),
    /// The receiver is gone.
    #[error("the receiver of the queue is gone")]
    Closed(T),
}

/// A queue of at most `capacity` values, which must be at least one.
pub fn channel<T: Send>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "a queue without room cannot move anything");
    let (sender, receiver) = flume::bounded(capacity);
    (Sender { queue: sender }, Receiver { queue: receiver })
}

impl<T: Send> Sender<T> {
    /// Waits for room, then queues `value`. Dropping the future takes the value out of the queue's waiting line.
    pub async fn send(&self, value: T) -> Result<(), Closed<T>> {
        match self.try_send(value) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(value)) => Err(Closed(value)),
            Err(TrySendError::Full(value)) => self.queue.send_async(value).await.map_err(|error| Closed(error.0)),
        }
    }

    /// Queues `value` if there is room.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.queue.try_send(value).map_err(|error| match error {
            flume::TrySendError::Full(value) => TrySendError::Full(value),
            flume::TrySendError::Disconnected(value) => TrySendError::Closed(value),
        })
    }

    /// Whether the receiver is gone.
    pub fn is_closed(&self) -> bool {
        self.queue.is_disconnected()
    }

    /// Values queued now.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether nothing is queued now.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

impl<T: Send> Receiver<T> {
    /// The next value; `None` once every sender is gone and the queue is empty.
    pub async fn recv(&mut self) -> Option<T> {
        if let Ok(value) = self.queue.try_recv() {
            return Some(value);
        }
        self.queue.recv_async().await.ok()
    }

    /// The next value if one is queued now.
    pub fn try_recv(&mut self) -> Option<T> {
        self.queue.try_recv().ok()
    }

    /// Waits for a value, then moves up to `count_max` of those queued to the end of `values`. Returns how many; zero
    /// once every sender is gone and the queue is empty.
    pub async fn recv_many(&mut self, values: &mut Vec<T>, count_max: usize) -> usize {
        assert!(count_max > 0, "receiving nothing would look like the end");
        let Some(first) = self.recv().await else { return 0 };
        values.push(first);
        let mut count = 1;
        while count < count_max {
            let Ok(value) = self.queue.try_recv() else { break };
            values.push(value);
            count += 1;
        }
        count
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender { queue: self.queue.clone() }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sender").field("len", &self.queue.len()).finish()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Receiver").field("len", &self.queue.len()).finish()
    }
}

impl<T> fmt::Debug for Closed<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Closed")
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            TrySendError::Full(_) => "Full",
            TrySendError::Closed(_) => "Closed",
        })
    }
}
