//! The receiving side of one connection: bytes in, whole frames out.
//!
//! Owned by the connection's reading task on its shard. While nothing arrives it holds a buffer of
//! [`READ_BUFFER_BYTES_IDLE`]; it grows as bytes arrive, never by what a frame announces, and every byte beyond the idle
//! buffer is taken from the shard's [`ReadBudget`]. It never looks into a frame.

use std::io;
use std::pin::pin;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use corelog_engine::log::BytesInUse;
use corelog_protocol::frame::{self, FrameError, LENGTH_BYTES};
use corelog_rt::net::ReadHalf;
use corelog_rt::sync::{Permit, Semaphore};
use futures_util::future::{Either, select};

use crate::limits::{READ_AHEAD_BYTES_MAX, READ_BUFFER_BYTES_IDLE, READ_BUFFER_BYTES_STEP};

/// Memory of one shard for requests being received or handled. Clones share it.
#[derive(Clone, Debug)]
pub struct ReadBudget {
    bytes: Semaphore,
    bytes_max: u64,
    /// Lets one connection at a time go on when the budget is held by frames that all wait for more of it.
    overdraft: Semaphore,
}

/// Memory that a frame holds; it goes back to the budget with the last clone.
#[derive(Clone, Debug)]
pub struct FrameMemory {
    _permit: Rc<Permit>,
    /// The right to overdraw covers whatever its holder's frame takes.
    is_overdraft: bool,
}

/// One request as it came, without its length.
#[derive(Debug)]
pub struct Frame {
    /// The bytes, shared with the receive buffer.
    pub bytes: Bytes,
    /// Must be kept for as long as `bytes` or slices of it are.
    pub memory: Option<FrameMemory>,
}

/// The receive buffer of one connection.
#[derive(Debug)]
pub struct Input {
    buffer: BytesMut,
    memory: Option<FrameMemory>,
    budget: ReadBudget,
    frame_bytes_max: usize,
    /// The largest frame that this peer sent whole: as much may be allocated for its next one at once.
    earned_bytes: usize,
    /// Whether the last read filled all the room it had, so that more is likely to wait in the socket.
    is_streaming: bool,
    read_ahead_bytes: usize,
}

impl ReadBudget {
    /// A budget of `bytes` for one shard.
    pub fn new(bytes: u64) -> ReadBudget {
        ReadBudget { bytes: Semaphore::new(bytes), bytes_max: bytes, overdraft: Semaphore::new(1) }
    }

    /// Bytes that are free now.
    pub fn available_bytes(&self) -> u64 {
        self.bytes.available()
    }

    /// Bytes in use, and the most there may be.
    pub fn in_use(&self) -> BytesInUse {
        BytesInUse { used: self.bytes_max.saturating_sub(self.bytes.available()), limit: self.bytes_max }
    }

    fn try_acquire(&self, bytes: usize) -> Option<FrameMemory> {
        self.bytes.try_acquire(bytes as u64).map(|permit| FrameMemory { _permit: Rc::new(permit), is_overdraft: false })
    }

    /// Waits for `bytes`, or for the right to overdraw, whichever comes first.
    async fn acquire(&self, bytes: usize) -> FrameMemory {
        let within = pin!(self.bytes.acquire(bytes as u64));
        let beyond = pin!(self.overdraft.acquire(1));
        match select(within, beyond).await {
            Either::Left((permit, _)) => FrameMemory { _permit: Rc::new(permit), is_overdraft: false },
            Either::Right((permit, _)) => FrameMemory { _permit: Rc::new(permit), is_overdraft: true },
        }
    }
}

impl Input {
    /// An empty buffer; frames of more than `frame_bytes_max` bytes are refused.
    pub fn new(budget: ReadBudget, frame_bytes_max: usize) -> Input {
        Input {
            buffer: BytesMut::new(),
            memory: None,
            budget,
            frame_bytes_max,
            earned_bytes: 0,
            is_streaming: false,
            read_ahead_bytes: READ_BUFFER_BYTES_IDLE,
        }
    }

    /// The next whole frame that has arrived.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some(bytes) = frame::split(&mut self.buffer, self.frame_bytes_max)? else { return Ok(None) };
        self.earned_bytes = self.earned_bytes.max(bytes.len());
        Ok(Some(Frame { bytes, memory: self.memory.clone() }))
    }

    /// Whether a frame has begun for which memory beyond the idle buffer is held.
    pub fn holds_part_of_a_frame(&self) -> bool {
        self.memory.is_some() && !self.buffer.is_empty()
    }

    /// Waits for bytes and appends them. Returns how many; zero at the end of the stream.
    pub async fn read(&mut self, half: &mut ReadHalf) -> Result<usize, ReadError> {
        self.make_room().await?;
        let room = self.buffer.capacity() - self.buffer.len();
        let bytes = half.read(&mut self.buffer).await.map_err(ReadError::Socket)?;
        self.is_streaming = bytes == room;
        self.read_ahead_bytes = if self.is_streaming {
            (self.read_ahead_bytes * 2).min(READ_AHEAD_BYTES_MAX)
        } else {
            (self.read_ahead_bytes / 2).max(READ_BUFFER_BYTES_IDLE)
        };
        Ok(bytes)
    }

    /// Makes room for at least one byte.
    async fn make_room(&mut self) -> Result<(), ReadError> {
        let announced = frame::announced(&self.buffer, self.frame_bytes_max).map_err(ReadError::Frame)?;
        let missing = announced.map_or(0, |bytes| (bytes + LENGTH_BYTES).saturating_sub(self.buffer.len()));
        if missing == 0 && !self.is_streaming && self.buffer.is_empty() {
            self.rest();
            return Ok(());
        }
        let trusted = READ_BUFFER_BYTES_STEP.max(self.buffer.len()).max(self.earned_bytes + LENGTH_BYTES);
        let needed = missing.min(trusted).max(1);
        let wanted = needed.max(self.read_ahead_bytes);
        if self.buffer.capacity() - self.buffer.len() >= needed || self.buffer.try_reclaim(wanted) {
            return Ok(());
        }
        self.grow(needed, wanted).await;
        Ok(())
    }

    /// Goes back to the idle buffer, which belongs to no budget.
    fn rest(&mut self) {
        if self.memory.is_some() || self.buffer.capacity() == 0 {
            self.memory = None;
            self.buffer = BytesMut::with_capacity(READ_BUFFER_BYTES_IDLE);
        }
        if self.buffer.capacity() < READ_BUFFER_BYTES_IDLE / 2 && !self.buffer.try_reclaim(READ_BUFFER_BYTES_IDLE) {
            self.buffer = BytesMut::with_capacity(READ_BUFFER_BYTES_IDLE);
        }
    }

    /// Moves what has arrived into a larger buffer: `wanted` if the budget has it, else no more than `needed`.
    async fn grow(&mut self, needed: usize, wanted: usize) {
        let held = self.buffer.len();
        let (capacity, memory) = match (self.budget.try_acquire(held + wanted), &self.memory) {
            (Some(memory), _) => (held + wanted, memory),
            (None, Some(memory)) if memory.is_overdraft => (held + needed, memory.clone()),
            (None, _) => (held + needed, self.budget.acquire(held + needed).await),
        };
        let mut buffer = BytesMut::with_capacity(capacity);
        buffer.extend_from_slice(&self.buffer);
        self.buffer = buffer;
        self.memory = Some(memory);
    }
}

/// Why nothing more can be read.
#[derive(Debug)]
pub enum ReadError {
    /// The socket failed.
    Socket(io::Error),
    /// What arrived is no frame.
    Frame(FrameError),
}
