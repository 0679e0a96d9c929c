//! One simulation per test thread, so that a test may run again on what an earlier run left on the disk.

use super::runtime::run_shards as run_shards_within;
use super::world::{Sim, try_world};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::path::{Path, PathBuf};

thread_local! {
    static SIM: RefCell<Option<Sim>> = const { RefCell::new(None) };
    static DIRECTORY_NEXT: Cell<u64> = const { Cell::new(0) };
}

/// The seed that `CORELOG_SEED` gives, or a fixed one.
pub(crate) fn seed() -> u64 {
    match std::env::var("CORELOG_SEED") {
        Ok(text) => text.parse().expect("CORELOG_SEED is a number"),
        Err(_) => 1,
    }
}

fn sim() -> Sim {
    SIM.with_borrow_mut(|sim| sim.get_or_insert_with(|| Sim::new(seed())).clone())
}

pub(crate) fn run<F, Fut>(test: F)
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    sim().run(async move { test().await }).done();
}

pub(crate) fn run_shards<F, Fut>(shards: usize, test: F)
where
    F: Fn(usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    sim().run(run_shards_within(shards, test)).done();
}

pub(crate) fn temp_dir() -> PathBuf {
    let number = try_world().map_or_else(
        || {
            DIRECTORY_NEXT.set(DIRECTORY_NEXT.get() + 1);
            DIRECTORY_NEXT.get()
        },
        |world| 1_000_000 + world.next_name(),
    );
    Path::new(super::names::ROOT).join(format!("test-{number}"))
}
