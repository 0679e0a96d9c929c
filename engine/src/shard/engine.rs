//! Owns the life of an engine: shards connected, started, served, stopped in order.
//!
//! Called by the server's `start` command, and by tests. Each shard's own work is given as `main`, which gets the shard once it serves and
//! returns when it has nothing left to do, at the latest after [`Shard::stopped`].

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use corelog_rt::task;
use futures_util::future::join_all;

use super::boot::{boot, give_up};
use super::commands::CONTROLLER_SHARD;
use super::error::BootError;
use super::router::{Inbox, Router, connect};
use super::settings::EngineSettings;
use super::state::{Phase, Shard};
use crate::ids::ShardId;

type Ends = Vec<Option<(Router<Shard>, Inbox<Shard>)>>;

/// An engine that is about to start; clones are the same one. Each shard takes its part by [`Engine::run`].
#[derive(Clone)]
pub struct Engine {
    settings: Arc<EngineSettings>,
    #[expect(clippy::disallowed_types, reason = "hands each new thread its queues, once, before it is a shard")]
    ends: Arc<std::sync::Mutex<Ends>>,
}

impl Engine {
    /// Connects the shards that `settings` asks for.
    #[expect(clippy::disallowed_types, reason = "hands each new thread its queues, once, before it is a shard")]
    pub fn new(settings: EngineSettings) -> Engine {
        let ends = connect(settings.shards).into_iter().map(Some).collect();
        Engine { settings: Arc::new(settings), ends: Arc::new(std::sync::Mutex::new(ends)) }
    }

    /// Runs one shard on the executor that this is called on: starts it, runs `main`, and stops it once every shard's `main` has
    /// returned. Every shard must be run, each once.
    pub async fn run<F, Fut>(&self, shard: usize, main: F) -> Result<(), BootError>
    where
        F: FnOnce(Rc<Shard>) -> Fut,
        Fut: Future<Output = ()>,
    {
        let (router, inbox) = {
            let mut ends = self.ends.lock().expect("nothing panics while it holds the lock");
            ends.get_mut(shard).and_then(Option::take).expect("each shard runs once")
        };
        let shard = Rc::new(Shard::new(ShardId(shard as u16), Arc::clone(&self.settings), router));
        task::spawn(inbox.serve(Rc::clone(&shard)));
        if shard.id == CONTROLLER_SHARD
            && let Err(error) = boot(&shard).await
        {
            give_up(&shard).await;
            return Err(error);
        }
        shard.reached(Phase::Running).await;
        if shard.phase.get() == Phase::Ended {
            return Err(BootError::Stopped);
        }
        main(Rc::clone(&shard)).await;
        // An error means that shard 0 has stopped already, which it does last.
        let _ = shard.run(CONTROLLER_SHARD, |zero: Rc<Shard>| async move { zero.main_returned().await }).await;
        shard.reached(Phase::Ended).await;
        Ok(())
    }
}

impl Shard {
    /// Asks every shard to stop: their mains see it by [`Shard::stopped`]. Logs close when all mains have returned.
    pub async fn stop(self: &Rc<Self>) {
        let ask = |target: usize| {
            self.run(ShardId(target as u16), |shard: Rc<Shard>| async move {
                shard.stopping.set(true);
                shard.stop_asked.notify_all();
            })
        };
        // A shard that has stopped need not be asked.
        let _ = join_all((0..self.shards()).map(ask)).await;
    }

    /// On shard 0: one more main has returned. After the last one, closes the logs, its own last: the metadata is in it.
    async fn main_returned(self: &Rc<Self>) {
        self.mains_done.set(self.mains_done.get() + 1);
        if self.mains_done.get() < self.shards() {
            return;
        }
        self.stop().await;
        let close =
            |target: usize| self.run(ShardId(target as u16), |shard: Rc<Shard>| async move { shard.close().await });
        let _ = join_all((1..self.shards()).map(close)).await;
        self.close().await;
    }

    /// Makes everything durable, marks the ends of the logs, and lets go of the directory.
    async fn close(&self) {
        let logs = std::mem::take(&mut *RefCell::borrow_mut(&self.logs));
        join_all(logs.into_values().map(crate::log::ShardLog::close)).await;
        self.lock.borrow_mut().take();
        self.enter(Phase::Ended);
    }
}
