//! What every executor thread keeps: which shard it is, and the way home for read buffers.
//!
//! Owns the shard's identity and the queue of buffers that other threads dropped. A task of the shard drops them.
//! Nothing here outlives the executor except buffers that come too late, which are leaked.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};

/// Something that must be dropped on the thread it came from.
pub(crate) trait Homesick: Send {
    /// Drops it; called at home only.
    fn drop_at_home(self: Box<Self>);
}

/// The way to a shard's thread.
#[derive(Clone)]
pub(crate) struct Home {
    id: u64,
    queue: flume::Sender<Box<dyn Homesick>>,
}

struct Current {
    shard: usize,
    home: Home,
}

static HOME_NEXT: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
    static HOME_ID: Cell<u64> = const { Cell::new(0) };
}

/// Makes this thread the executor of `shard` and starts its task for returned buffers.
pub(crate) fn enter(shard: usize) {
    let id = HOME_NEXT.fetch_add(1, Ordering::Relaxed);
    let (queue, returned) = flume::unbounded::<Box<dyn Homesick>>();
    HOME_ID.set(id);
    CURRENT.with_borrow_mut(|current| *current = Some(Current { shard, home: Home { id, queue } }));
    super::task::spawn(async move {
        while let Ok(item) = returned.recv_async().await {
            item.drop_at_home();
        }
    });
}

/// The executor is about to end: what comes back from now on is leaked.
pub(crate) fn leave() {
    CURRENT.with_borrow_mut(Option::take);
}

/// The shard of this thread.
pub(crate) fn current() -> Option<usize> {
    CURRENT.with_borrow(|current| current.as_ref().map(|current| current.shard))
}

/// The way back to this thread.
pub(crate) fn home() -> Home {
    CURRENT.with_borrow(|current| current.as_ref().map(|current| current.home.clone())).expect("on an executor")
}

impl Home {
    pub(crate) fn is_here(&self) -> bool {
        HOME_ID.get() == self.id
    }

    /// Sends `item` to its thread. If that has ended, the item is leaked: nothing may drop it elsewhere.
    pub(crate) fn send(&self, item: Box<dyn Homesick>) {
        if let Err(error) = self.queue.send(item) {
            std::mem::forget(error.into_inner());
        }
    }
}
