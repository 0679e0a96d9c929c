//! Entry for tests that run on both backends.
//!
//! Owns one throw-away runtime per test: one shard or several, on the real kernel or in a simulation seeded by
//! `CORELOG_SEED`. Only tests call it. A panic of the test reaches the test's thread.

use crate::backend;
use std::future::Future;
use std::path::PathBuf;

/// Runs `test` on one shard.
pub fn run<F, Fut>(test: F)
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    backend::testing::run(test);
}

/// Runs `test(shard)` on every one of `shards`.
pub fn run_shards<F, Fut>(shards: usize, test: F)
where
    F: Fn(usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    backend::testing::run_shards(shards, test);
}

/// A fresh, empty directory for direct files. On the real kernel it lies under `CORELOG_TEST_DIR` or the directory for
/// temporary files and is removed when the thread that asked for it ends; in simulation it is a path of its disk.
pub fn temp_dir() -> PathBuf {
    backend::testing::temp_dir()
}
