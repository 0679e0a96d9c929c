//! Owns the way from one shard to another: a bounded queue per shard, and the closures that travel on it.
//!
//! Every shard holds one `Router`; handlers call [`Router::run`] with the shard that owns what they need. Work for the
//! own shard runs in place, without a queue or a box. A closure starts on its target in the order in which its sender
//! queued it and must not block: what waits inside it waits as a task of the target.

use crate::ids::ShardId;
use crate::limits::{ROUTER_BATCH_MAX, ROUTER_QUEUE_MAX};
use corelog_rt::sync::cross;
use corelog_rt::{mesh, task};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

/// Work for another shard: built on the sender, turned into a future on the target.
type Job<S> = Box<dyn FnOnce(Rc<S>) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// The target is shutting down and takes no more work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("shard {0} is stopping")]
pub struct Stopping(pub ShardId);

/// One shard's way to all shards; `S` is what a job is given on the shard it runs on.
pub struct Router<S> {
    shard: ShardId,
    peers: Vec<mesh::Sender<Job<S>>>,
}

/// The receiving end of one shard, to be served by one task of it.
pub struct Inbox<S> {
    jobs: mesh::Receiver<Job<S>>,
}

/// Builds the queues of all shards: one router and one inbox each, in shard order.
pub fn connect<S: 'static>(shards: usize) -> Vec<(Router<S>, Inbox<S>)> {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..shards).map(|_| mesh::channel(ROUTER_QUEUE_MAX)).unzip();
    receivers
        .into_iter()
        .enumerate()
        .map(|(index, jobs)| (Router { shard: ShardId(index as u16), peers: senders.clone() }, Inbox { jobs }))
        .collect()
}

impl<S: 'static> Router<S> {
    /// How many shards there are.
    pub fn shards(&self) -> usize {
        self.peers.len()
    }

    /// How many jobs each shard was sent and has not begun, in shard order.
    pub fn queued(&self) -> impl Iterator<Item = usize> {
        self.peers.iter().map(mesh::Sender::len)
    }

    /// Runs `work` on the shard `target` and brings back its result. `own` is what a job on this very shard is given.
    /// Waits for room in the target's queue; fails only while that shard stops.
    pub async fn run<W, F, T>(&self, own: &Rc<S>, target: ShardId, work: W) -> Result<T, Stopping>
    where
        W: FnOnce(Rc<S>) -> F + Send + 'static,
        F: Future<Output = T> + 'static,
        T: Send + 'static,
    {
        if target == self.shard {
            return Ok(work(Rc::clone(own)).await);
        }
        self.ask(target, work).await?.await.map_err(|_| Stopping(target))
    }

    /// Queues `work` for the shard `target` and goes on: its result comes by what this returns, which is closed if that shard ends first.
    /// Waits for room in the target's queue; fails only while that shard stops.
    pub async fn ask<W, F, T>(&self, target: ShardId, work: W) -> Result<cross::Receiver<T>, Stopping>
    where
        W: FnOnce(Rc<S>) -> F + Send + 'static,
        F: Future<Output = T> + 'static,
        T: Send + 'static,
    {
        let (sender, receiver) = cross::channel();
        let job: Job<S> = Box::new(move |shard| {
            let future = work(shard);
            Box::pin(async move {
                // The asker may be gone; then nobody wants the result.
                let _ = sender.send(future.await);
            })
        });
        let peer = self.peers.get(usize::from(target.0)).ok_or(Stopping(target))?;
        peer.send(job).await.map_err(|_| Stopping(target))?;
        Ok(receiver)
    }
}

impl<S: 'static> Inbox<S> {
    /// Serves the queue until every router is gone: starts each job in order, as a task of this shard.
    pub async fn serve(mut self, shard: Rc<S>) {
        let mut jobs = Vec::with_capacity(ROUTER_BATCH_MAX);
        while self.jobs.recv_many(&mut jobs, ROUTER_BATCH_MAX).await > 0 {
            for job in jobs.drain(..) {
                let future = job(Rc::clone(&shard));
                task::spawn(future);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn jobs_of_one_sender_start_in_order_and_answer() {
        corelog_rt::testing::run(|| async {
            let mut ends = connect::<RefCell<Vec<u32>>>(2);
            let (other, inbox) = ends.pop().expect("two shards");
            let (router, _unserved) = ends.pop().expect("two shards");
            let (own, seen) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new())));
            let served = task::spawn(inbox.serve(Rc::clone(&seen)));
            for value in 0..100_u32 {
                let run = router.run(&own, ShardId(1), move |shard| async move {
                    shard.borrow_mut().push(value);
                    value * 2
                });
                assert_eq!(run.await, Ok(value * 2));
            }
            assert_eq!(*seen.borrow(), (0..100).collect::<Vec<_>>());
            // Nothing serves the first shard's queue here.
            let waiting = other.ask(ShardId(0), |_| async {}).await;
            assert_eq!((waiting.is_ok(), other.queued().collect::<Vec<_>>()), (true, vec![1, 0]));
            assert_eq!(router.run(&own, ShardId(0), |shard| async move { shard.borrow().len() }).await, Ok(0));
            assert_eq!(router.run(&own, ShardId(7), |_| async {}).await, Err(Stopping(ShardId(7))));
            drop((router, other));
            served.await;
        });
    }
}
