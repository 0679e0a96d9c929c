//! Owns the blocks of segments that were read from the device last, shared by all readers of the log.
//!
//! A block is an aligned piece of a segment of `read_block_bytes`. Readers of the log ask it; who asks for a block that is being read waits for that one
//! read, and who knows what it will ask for says so, so that the device works on many blocks at a time. Of a block in which a long run of one partition begins or
//! ends, only that run's part is read: the rest is read when somebody asks for it. Bounded in bytes (`recent` says which are kept); what
//! readers still hold lives on beyond the bound. It must never keep a part of a segment that was not written yet.

use super::recent::{Block, BlockKey, Part, RecentBlocks};
use crate::ids::SegmentSequence;
use crate::limits::LOADS_BYTES_MAX;
use crate::log::BytesInUse;
use crate::log::error::ReadError;
use crate::log::segment_file::SegmentFile;
use crate::measure::Counter;
use corelog_rt::buffer::ALIGNMENT;
use corelog_rt::map::HashMap;
use corelog_rt::sync::Notify;
use corelog_rt::task;
use std::cell::RefCell;
use std::io;
use std::ops::Range;
use std::rc::Rc;

/// The blocks that were read last. Clones share them.
#[derive(Clone, Debug)]
pub struct BlockCache {
    shared: Rc<Shared>,
}

#[derive(Debug)]
struct Shared {
    block_bytes: u64,
    blocks: RefCell<RecentBlocks>,
    loading: RefCell<HashMap<BlockKey, Rc<Load>>>,
    load_ended: Notify,
    hits: Counter,
    device_reads: Counter,
    device_read_bytes: Counter,
}

impl Shared {
    /// What may hold a position, likeliest first.
    fn keys(&self, segment: SegmentSequence, position: u64) -> [BlockKey; 2] {
        let index = position / self.block_bytes;
        [Part::Start, Part::Later].map(|part| BlockKey { segment, index, part })
    }

    /// The block that is here with all of a range, which lies in one block. It counts as used.
    fn held(&self, segment: SegmentSequence, range: &Range<u64>) -> Option<Block> {
        let mut blocks = self.blocks.borrow_mut();
        let key = self.keys(segment, range.start).into_iter().find(|key| blocks.covers(*key, range))?;
        blocks.get(key)
    }

    /// The load that is under way of all of a range, which lies in one block.
    fn load_of(&self, segment: SegmentSequence, range: &Range<u64>) -> Option<Rc<Load>> {
        let loading = self.loading.borrow();
        let mut loads = self.keys(segment, range.start).into_iter().filter_map(|key| loading.get(&key));
        loads.find(|load| load.range.start <= range.start && range.end <= load.range.end).cloned()
    }

    /// Whether all of a range, which lies in one block, is here or on its way.
    fn knows(&self, segment: SegmentSequence, range: &Range<u64>) -> bool {
        let blocks = self.blocks.borrow();
        self.keys(segment, range.start).into_iter().any(|key| blocks.covers(key, range))
            || self.load_of(segment, range).is_some()
    }

    /// Where a block lies in its file.
    fn whole(&self, index: u64) -> Range<u64> {
        index * self.block_bytes..(index + 1) * self.block_bytes
    }

    /// What to read of a block for who reads `run`: all of it where that is short, because what is around it is cheap then, and somebody else's.
    fn part(&self, index: u64, run: &Range<u64>) -> Range<u64> {
        let whole = self.whole(index);
        if run.end.saturating_sub(run.start) < self.block_bytes {
            return whole;
        }
        let alignment = ALIGNMENT as u64;
        whole.start.max(run.start / alignment * alignment)..whole.end.min(run.end).next_multiple_of(alignment)
    }
}

#[derive(Debug)]
struct Load {
    range: Range<u64>,
    done: Notify,
    result: RefCell<Option<Result<Block, io::ErrorKind>>>,
}

impl Load {
    async fn arrived(&self) {
        let done = self.done.notified();
        if self.result.borrow().is_none() {
            done.await;
        }
    }
}

impl BlockCache {
    /// Holds at most `bytes_max` in blocks of `block_bytes`.
    pub fn new(bytes_max: usize, block_bytes: usize) -> BlockCache {
        let shared = Shared {
            block_bytes: block_bytes as u64,
            blocks: RefCell::new(RecentBlocks::new(bytes_max)),
            loading: RefCell::new(HashMap::default()),
            load_ended: Notify::new(),
            hits: Counter::default(),
            device_reads: Counter::default(),
            device_read_bytes: Counter::default(),
        };
        BlockCache { shared: Rc::new(shared) }
    }

    /// The block with the bytes from `position` on: `bytes` of them, or those up to the block's end. They must be written.
    ///
    /// # Errors
    /// `Io`.
    pub async fn read(&self, segment: &Rc<SegmentFile>, position: u64, bytes: usize) -> Result<Block, ReadError> {
        let sequence = segment.header.sequence;
        let whole = self.shared.whole(position / self.shared.block_bytes);
        let range = position..whole.end.min(position + bytes as u64);
        if range.end > segment.written_end() {
            return Err(ReadError::Io { segment: sequence, kind: io::ErrorKind::UnexpectedEof });
        }
        let has_all = |block: &Block| block.get(position, (range.end - position) as usize).is_some();
        loop {
            if let Some(block) = self.shared.held(sequence, &range) {
                self.shared.hits.add(1);
                return Ok(block);
            }
            let load = self.shared.load_of(sequence, &range).unwrap_or_else(|| self.load(segment, whole.clone()));
            load.arrived().await;
            let result = load.result.borrow().clone();
            match result {
                Some(Ok(block)) if has_all(&block) => return Ok(block),
                // The load was for another part of the block, or began before the range was written: read again.
                Some(Ok(_)) | None => {}
                Some(Err(kind)) => return Err(ReadError::Io { segment: sequence, kind }),
            }
        }
    }

    /// Whether what lies at a position is here or on its way.
    pub fn knows(&self, segment: SegmentSequence, position: u64) -> bool {
        self.shared.knows(segment, &(position..position + 1))
    }

    /// Waits for what lies at a position, if it is on its way.
    pub async fn arrived(&self, segment: SegmentSequence, position: u64) {
        let load = self.shared.load_of(segment, &(position..position + 1));
        if let Some(load) = load {
            load.arrived().await;
        }
    }

    /// Has room for so many bytes that readers have ahead of them, as far as its bound allows.
    pub fn expect(&self, ahead_bytes: usize) {
        self.shared.blocks.borrow_mut().expect(ahead_bytes);
    }

    /// How many bytes ahead of readers it has room for at most.
    pub fn room_ahead(&self) -> usize {
        self.shared.blocks.borrow().room_ahead()
    }

    /// Waits until a load ends. False if none is under way.
    pub async fn load_ended(&self) -> bool {
        let ended = self.shared.load_ended.notified();
        let is_loading = !self.shared.loading.borrow().is_empty();
        if is_loading {
            ended.await;
        }
        is_loading
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

    /// Joins the load that is under way from where `range` begins in its block, or starts one. It runs as a task of its own, so that a reader that goes away leaves nobody
    /// waiting.
    fn load(&self, segment: &Rc<SegmentFile>, range: Range<u64>) -> Rc<Load> {
        let [start, later] = self.shared.keys(segment.header.sequence, range.start);
        let key = if range.start.is_multiple_of(self.shared.block_bytes) { start } else { later };
        if let Some(load) = self.shared.loading.borrow().get(&key) {
            return Rc::clone(load);
        }
        let load = Rc::new(Load { range: range.clone(), done: Notify::new(), result: RefCell::new(None) });
        self.shared.loading.borrow_mut().insert(key, Rc::clone(&load));
        let (shared, running, segment) = (Rc::clone(&self.shared), Rc::clone(&load), Rc::clone(segment));
        let guard = segment.read_guard();
        task::spawn(async move {
            let until = range.end.min(segment.written_end());
            let result = segment.file.read_at(range.start, until.saturating_sub(range.start) as usize).await;
            let result = result.map(|bytes| Block { start: range.start, bytes });
            drop(guard);
            shared.loading.borrow_mut().remove(&key);
            if let Ok(block) = &result {
                shared.device_reads.add(1);
                shared.device_read_bytes.add(block.bytes.len() as u64);
                shared.blocks.borrow_mut().add(key, block.clone());
            }
            *running.result.borrow_mut() = Some(result.map_err(|error| error.kind()));
            running.done.notify_all();
            shared.load_ended.notify_all();
        });
        load
    }

    /// Starts to read the blocks of a range that are not here, and returns how many bytes of the range are on their way or here: fewer than all where
    /// enough is on its way already, or where the range was not all written. `run`: where what the reader wants begins and ends, which holds the range.
    pub fn load_ahead(&self, segment: &Rc<SegmentFile>, range: Range<u64>, run: Range<u64>) -> u64 {
        let shared = &self.shared;
        // What is ahead must not drive out what is about to be used.
        let bytes_max = LOADS_BYTES_MAX.min(shared.blocks.borrow().bytes_wanted() as u64 / 2);
        let sequence = segment.header.sequence;
        let mut position = range.start;
        while position < range.end {
            let index = position / shared.block_bytes;
            let end = (index + 1) * shared.block_bytes;
            if !shared.knows(sequence, &(position..end.min(range.end))) {
                let loading_bytes = shared.loading.borrow().len() as u64 * shared.block_bytes;
                if loading_bytes + shared.block_bytes > bytes_max || end.min(range.end) > segment.written_end() {
                    break;
                }
                self.load(segment, shared.part(index, &run));
            }
            position = end;
        }
        position.min(range.end) - range.start
    }
}
