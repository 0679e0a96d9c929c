//! Memory of direct buffers, pooled by the shard that made it.
//!
//! Owns the pools. A buffer may be dropped on any thread; its memory goes back to the pool it came from while that has
//! room. Memory comes from the global allocator alone, never from the registered memory of the rings, whose allocator
//! belongs to one thread.
#![expect(unsafe_code, reason = "lends memory to the runtime and shares it between threads")]
#![expect(clippy::disallowed_types, reason = "the pool is given memory from other threads")]

use glommio::io::DmaBuffer;
use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

/// What a shard keeps for reuse at most, in bytes.
const POOL_BYTES_MAX: usize = 16 << 20;
/// Smaller memory goes back to the allocator, which is good at it.
const POOLED_BYTES_MIN: usize = 64 << 10;

struct Pool {
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    bytes: usize,
    by_capacity: BTreeMap<usize, Vec<Storage>>,
}

/// Memory allocated by `glommio::allocate_dma_buffer_global`.
struct Storage(DmaBuffer);

// SAFETY: such a buffer is a pointer to memory of the global allocator and its layout; nothing in it is tied to a
// thread. The variants of `DmaBuffer` that are come only from an executor's own allocator, which is not used here.
unsafe impl Send for Storage {}
// SAFETY: as above; shared references only read the memory.
unsafe impl Sync for Storage {}

/// Aligned memory of a fixed capacity, always initialised.
pub(crate) struct Memory {
    /// Present until the memory is dropped.
    storage: ManuallyDrop<Storage>,
    home: Arc<Pool>,
}

/// Memory that the kernel reads from. If it is dropped before it is taken back, the runtime still holds the view of
/// it and frees the memory after the kernel is done.
pub(crate) struct Lent {
    memory: ManuallyDrop<Memory>,
    view: Rc<DmaBuffer>,
}

thread_local! {
    static HOME: Arc<Pool> = Arc::new(Pool { idle: Mutex::default() });
}

impl Pool {
    fn take(&self, capacity: usize) -> Option<Storage> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let storage = idle.by_capacity.get_mut(&capacity)?.pop()?;
        idle.bytes -= capacity;
        Some(storage)
    }

    /// Keeps `storage`, or hands it back if there is no room.
    fn keep(&self, storage: Storage) -> Option<Storage> {
        let capacity = storage.0.len();
        if capacity < POOLED_BYTES_MIN {
            return Some(storage);
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.bytes + capacity > POOL_BYTES_MAX {
            return Some(storage);
        }
        idle.bytes += capacity;
        idle.by_capacity.entry(capacity).or_default().push(storage);
        None
    }
}

impl Memory {
    /// Memory of exactly `capacity` bytes, a multiple of the alignment.
    pub(crate) fn take(capacity: usize) -> Memory {
        let home = HOME.with(Arc::clone);
        let storage = home.take(capacity).unwrap_or_else(|| {
            let mut fresh = glommio::allocate_dma_buffer_global(capacity);
            // SAFETY: the pointer is to `capacity` bytes that nothing else refers to yet.
            unsafe { std::ptr::write_bytes(fresh.as_mut_ptr(), 0, capacity) };
            Storage(fresh)
        });
        assert_eq!(storage.0.len(), capacity, "the pool keeps memory by its capacity");
        Memory { storage: ManuallyDrop::new(storage), home }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        self.storage.0.as_bytes()
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        self.storage.0.as_bytes_mut()
    }

    /// Lends the first `bytes` to the runtime.
    pub(crate) fn lend(self, bytes: usize) -> Lent {
        // SAFETY: the copy and the original are never both dropped: `Lent` forgets the one when it returns the other.
        let mut view = unsafe { std::ptr::read(&raw const self.storage.0) };
        view.trim_to_size(bytes);
        Lent { memory: ManuallyDrop::new(self), view: Rc::new(view) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: this is the only place that takes it, and it runs once.
        let storage = unsafe { ManuallyDrop::take(&mut self.storage) };
        drop(self.home.keep(storage));
    }
}

impl Lent {
    /// What the runtime writes from.
    pub(crate) fn view(&self) -> Rc<DmaBuffer> {
        Rc::clone(&self.view)
    }

    /// The memory again, once the runtime has let go of every view.
    pub(crate) fn take_back(self) -> Memory {
        assert_eq!(Rc::strong_count(&self.view), 1, "the runtime lets go of a buffer when its write is done");
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is never dropped and its view is not used again.
        let view = unsafe { std::ptr::read(&raw const this.view) };
        // The original below owns the storage.
        std::mem::forget(Rc::into_inner(view));
        // SAFETY: `this` is never dropped, so the memory is taken once.
        unsafe { ManuallyDrop::take(&mut this.memory) }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // The view owns the storage now. SAFETY below: the pool is dropped once; the storage beside it is left alone.
        let home = &raw mut self.memory.home;
        // SAFETY: `self.memory` is never dropped as a whole, and this runs once.
        unsafe { std::ptr::drop_in_place(home) };
    }
}
