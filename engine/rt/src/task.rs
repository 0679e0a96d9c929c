//! Tasks of the current shard.
//!
//! Owns the handle on a spawned task. Every shard uses it; a task stays on the shard that spawned it. A task is never
//! cancelled from outside: tell it to stop and join it.

use crate::backend;
use crate::sync::oneshot;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Waits for the result of a task. Dropping it leaves the task running.
#[derive(Debug)]
pub struct JoinHandle<T> {
    result: oneshot::Receiver<T>,
}

/// Starts `future` as a task of this shard. Panics outside a runtime.
pub fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
    let (sender, result) = oneshot::channel();
    backend::task::spawn(async move {
        // A dropped handle means that nobody wants the result.
        let _ = sender.send(future.await);
    });
    JoinHandle { result }
}

impl<T> Future for JoinHandle<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.result).poll(context).map(|result| result.expect("a task ends only by finishing"))
    }
}

/// A slice boundary for long work: other tasks run and I/O is looked at before this one goes on. Costs a few tens of
/// microseconds on an idle shard, so call it once per slice of about that length or more.
pub async fn yield_now() {
    backend::task::yield_now().await;
}

/// Lets the tasks run that are ready now, without looking for new I/O. Cheap, but a loop over it starves sockets and
/// files for tens of milliseconds: use [`yield_now`] in loops.
pub async fn yield_to_ready() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
