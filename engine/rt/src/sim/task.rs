//! Tasks of the simulation.

use super::executor;
use super::world::world;
use std::future::Future;

/// Starts a task beside the running one.
pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) {
    let world = world();
    let place = world.place();
    executor::spawn_at(&world, place, Box::pin(future));
}

pub(crate) async fn yield_now() {
    super::time::sleep(std::time::Duration::from_micros(1)).await;
}
