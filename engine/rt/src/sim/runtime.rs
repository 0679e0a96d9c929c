//! Shards as groups of tasks of one process.

use super::executor::{self, Place};
use super::testing;
use super::world::{Sim, world};
use crate::runtime::{Config, RunError};
use crate::sync::oneshot;
use std::future::Future;

/// As many as a simulated machine has.
pub(crate) fn available_cpus() -> Vec<usize> {
    (0..4).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "the other backend fails")]
/// A simulated kernel offers everything.
pub(crate) fn check(_: &Config) -> Result<(), RunError> {
    Ok(())
}

pub(crate) fn shard() -> usize {
    world().place().shard
}

#[expect(clippy::unnecessary_wraps, reason = "the other backend fails")]
/// Runs the shards in a simulation of their own, seeded by the environment; panics unless they finish.
pub(crate) fn run<F, Fut>(config: &Config, main: F) -> Result<(), RunError>
where
    F: Fn(usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    Sim::new(testing::seed()).run(run_shards(config.shards, main)).done();
    Ok(())
}

/// Runs `main(shard)` on every shard of the process that this is called in: what `runtime::run` does, inside a run of
/// the simulation.
pub async fn run_shards<F, Fut>(shards: usize, main: F)
where
    F: Fn(usize) -> Fut + Clone + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let world = world();
    let node = world.place().node;
    let mut ends = Vec::new();
    for shard in 0..shards {
        let (sender, end) = oneshot::channel();
        let main = main.clone();
        let task = async move {
            main(shard).await;
            // The receiver below waits, or its process is gone.
            let _ = sender.send(());
        };
        executor::spawn_at(&world, Place { node, shard }, Box::pin(task));
        ends.push(end);
    }
    for end in ends {
        end.await.expect("a shard ends only by finishing");
    }
}
