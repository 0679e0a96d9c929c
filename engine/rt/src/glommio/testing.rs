//! Throw-away executors for tests.

use super::runtime::Shards;
use crate::runtime::Config;
use std::cell::RefCell;
use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) fn run<F, Fut>(test: F)
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let (sender, receiver) = flume::bounded(1);
    sender.send(test).expect("the queue is empty");
    run_shards(1, move |_shard| {
        let test = receiver.try_recv().expect("one shard runs the test once");
        test()
    });
}

pub(crate) fn run_shards<F, Fut>(shards: usize, test: F)
where
    F: Fn(usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    // Tests run side by side: pinned, they would all share the first cores.
    let config = Config { shards, cpus: Some(Vec::new()), ..Config::default() };
    let shards = Shards::start(&config, test).expect("a machine that can run the tests");
    if let Err(panicked) = shards.join() {
        std::panic::resume_unwind(panicked.0);
    }
}

/// Directories to remove when the thread ends.
#[derive(Default)]
struct Directories(Vec<PathBuf>);

impl Drop for Directories {
    fn drop(&mut self) {
        for directory in &self.0 {
            // A test may have removed it.
            let _ = std::fs::remove_dir_all(directory);
        }
    }
}

thread_local! {
    static DIRECTORIES: RefCell<Directories> = RefCell::default();
}

pub(crate) fn temp_dir() -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let base = std::env::var_os("CORELOG_TEST_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = base.join(format!("corelog-test-{}-{number}", std::process::id()));
    // What a process of the same number left behind.
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a directory for the test");
    DIRECTORIES.with_borrow_mut(|directories| directories.0.push(path.clone()));
    path
}
