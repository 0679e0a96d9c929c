//! Owns the blocks of segments that were read from the device last, shared by all readers of the log.
//!
//! A block is an aligned piece of a segment of `read_block_bytes`. Readers of the log ask it; who asks for a block that is being read waits for that one
//! read. Reading two neighbours in a row makes it read the next ones ahead. Bounded in bytes; what readers still hold lives on beyond
//! the bound. It must never keep a part of a segment that was not written yet.

use super::lru::Lru;
use crate::ids::SegmentSequence;
use crate::limits::READ_AHEAD_MAX;
use crate::log::BytesInUse;
use crate::log::error::ReadError;
use crate::log::segment_file::SegmentFile;
use crate::measure::Counter;
use bytes::Bytes;
use corelog_rt::map::HashMap;
use corelog_rt::sync::Notify;
use corelog_rt::task;
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;

type BlockKey = (SegmentSequence, u64);

/// The blocks that were read last. Clones share them.
#[derive(Clone, Debug)]
pub struct BlockCache {
    shared: Rc<Shared>,
}

#[derive(Debug)]
struct Shared {
    block_bytes: u64,
    read_ahead_blocks: u64,
    blocks: RefCell<Lru<BlockKey, Bytes>>,
    loading: RefCell<HashMap<BlockKey, Rc<Load>>>,
    read_ahead: Cell<usize>,
    hits: Counter,
    device_reads: Counter,
    device_read_bytes: Counter,
}

#[derive(Debug)]
struct Load {
    done: Notify,
    result: RefCell<Option<Result<Bytes, io::ErrorKind>>>,
}

impl BlockCache {
    /// Holds at most `bytes_max` in blocks of `block_bytes`; readers of neighbours have `read_ahead_blocks` read ahead of them.
    pub fn new(bytes_max: usize, block_bytes: usize, read_ahead_blocks: usize) -> BlockCache {
        let shared = Shared {
            block_bytes: block_bytes as u64,
            read_ahead_blocks: read_ahead_blocks as u64,
            blocks: RefCell::new(Lru::new(bytes_max)),
            loading: RefCell::new(HashMap::default()),
            read_ahead: Cell::new(0),
            hits: Counter::default(),
            device_reads: Counter::default(),
            device_read_bytes: Counter::default(),
        };
        BlockCache { shared: Rc::new(shared) }
    }

    /// Bytes from `position` on: at least one, at most `bytes`, as many as the block holds. The range must be written.
    ///
    /// # Errors
    /// `Io`.
    pub async fn read(&self, segment: &Rc<SegmentFile>, position: u64, bytes: usize) -> Result<Bytes, ReadError> {
        let index = position / self.shared.block_bytes;
        let start = index * self.shared.block_bytes;
        let wanted = bytes.min((start + self.shared.block_bytes - position) as usize);
        let from = (position - start) as usize;
        let key = (segment.header.sequence, index);
        if position + wanted as u64 > segment.written_end() {
            return Err(ReadError::Io { segment: segment.header.sequence, kind: io::ErrorKind::UnexpectedEof });
        }
        loop {
            let cached = self.shared.blocks.borrow_mut().get(key);
            if let Some(slice) = cached.and_then(|block| slice(&block, from, wanted)) {
                self.shared.hits.add(1);
                self.read_ahead(segment, index);
                return Ok(slice);
            }
            let load = self.load(segment, index);
            let done = load.done.notified();
            if load.result.borrow().is_none() {
                done.await;
            }
            let result = load.result.borrow().clone();
            match result {
                Some(Ok(block)) => {
                    if let Some(slice) = slice(&block, from, wanted) {
                        self.read_ahead(segment, index);
                        return Ok(slice);
                    }
                    // The load began before the range was written: read again.
                }
                Some(Err(kind)) => return Err(ReadError::Io { segment: segment.header.sequence, kind }),
                None => {}
            }
        }
    }

    /// What is kept, and the bound.
    pub fn in_use(&self) -> BytesInUse {
        self.shared.blocks.borrow().in_use()
    }

    /// How often a block was there already.
    pub fn hits(&self) -> u64 {
        self.shared.hits.get()
    }

    /// Blocks that were read from the device.
    pub fn device_reads(&self) -> u64 {
        self.shared.device_reads.get()
    }

    /// Their bytes.
    pub fn device_read_bytes(&self) -> u64 {
        self.shared.device_read_bytes.get()
    }

    /// Joins the load of a block, or starts it. It runs as a task of its own, so that a reader that goes away leaves nobody waiting.
    fn load(&self, segment: &Rc<SegmentFile>, index: u64) -> Rc<Load> {
        let key = (segment.header.sequence, index);
        if let Some(load) = self.shared.loading.borrow().get(&key) {
            return Rc::clone(load);
        }
        let load = Rc::new(Load { done: Notify::new(), result: RefCell::new(None) });
        self.shared.loading.borrow_mut().insert(key, Rc::clone(&load));
        let (shared, running, segment) = (Rc::clone(&self.shared), Rc::clone(&load), Rc::clone(segment));
        let guard = segment.read_guard();
        task::spawn(async move {
            let start = index * shared.block_bytes;
            let until = (start + shared.block_bytes).min(segment.written_end());
            let result = segment.file.read_at(start, until.saturating_sub(start) as usize).await;
            drop(guard);
            shared.loading.borrow_mut().remove(&key);
            if let Ok(block) = &result {
                shared.device_reads.add(1);
                shared.device_read_bytes.add(block.len() as u64);
                shared.blocks.borrow_mut().add(key, block.clone(), block.len());
            }
            *running.result.borrow_mut() = Some(result.map_err(|error| error.kind()));
            running.done.notify_all();
        });
        load
    }

    fn read_ahead(&self, segment: &Rc<SegmentFile>, index: u64) {
        let sequence = segment.header.sequence;
        let shared = &self.shared;
        let sequential = index > 0 && shared.blocks.borrow().contains((sequence, index - 1));
        if !sequential {
            return;
        }
        for next in index + 1..=index + shared.read_ahead_blocks {
            let known = shared.blocks.borrow().contains((sequence, next))
                || shared.loading.borrow().contains_key(&(sequence, next));
            // A block that is not whole yet would have to be read again soon: its commits are in the tail cache anyway.
            let whole = (next + 1) * shared.block_bytes <= segment.written_end();
            if known || !whole || shared.read_ahead.get() >= READ_AHEAD_MAX {
                continue;
            }
            shared.read_ahead.set(shared.read_ahead.get() + 1);
            let load = self.load(segment, next);
            let counted = Rc::clone(shared);
            let done = load.done.notified();
            task::spawn(async move {
                done.await;
                counted.read_ahead.set(counted.read_ahead.get() - 1);
            });
        }
    }
}

fn slice(block: &Bytes, from: usize, bytes: usize) -> Option<Bytes> {
    let until = from.checked_add(bytes).filter(|until| *until <= block.len())?;
    Some(block.slice(from..until))
}
