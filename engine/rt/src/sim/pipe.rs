//! One direction of a connection.
//!
//! Owns what is under way, in order, each piece with the time of its arrival. Bounded, so that a slow reader holds the
//! writer back.

use super::world::{Node, TimerKey, World};
use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, Waker};

/// What fits between a writer and a reader, in bytes.
const CAPACITY: usize = 256 << 10;
/// One read in so many returns less than there is.
const SHORT_READ_ONE_IN: u64 = 8;

pub(crate) struct Pipe {
    pub(crate) from: Node,
    pub(crate) to: Node,
    queue: VecDeque<(u64, Bytes)>,
    bytes: usize,
    /// When the last piece arrives.
    last_arrival: u64,
    /// When the end of the stream arrives.
    end: Option<u64>,
    reset: bool,
    reader_gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    timer: Option<TimerKey>,
}

impl Pipe {
    pub(crate) fn new(from: Node, to: Node) -> Pipe {
        Pipe {
            from,
            to,
            queue: VecDeque::new(),
            bytes: 0,
            last_arrival: 0,
            end: None,
            reset: false,
            reader_gone: false,
            reader: None,
            writer: None,
            timer: None,
        }
    }

    /// Takes what has arrived.
    pub(crate) fn poll_read(
        &mut self,
        world: &World,
        context: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        if self.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if self.reader_gone {
            return Poll::Ready(Ok(0));
        }
        if world.network.borrow_mut().waits_for_heal(self.from, self.to, context.waker()) {
            return Poll::Pending;
        }
        let now = world.now.get();
        let arrival = self.queue.front().map(|piece| piece.0).or(self.end);
        match arrival {
            Some(arrival) if arrival <= now => Poll::Ready(Ok(self.take(world, now, buffer))),
            Some(arrival) => {
                match self.timer {
                    Some(key) if key.0 > now && key.0 <= arrival => world.rewake_timer(key, context.waker()),
                    _ => self.timer = Some(world.set_timer(arrival, context.waker().clone())),
                }
                Poll::Pending
            }
            None => {
                self.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    fn take(&mut self, world: &World, now: u64, buffer: &mut BytesMut) -> usize {
        let mut room = buffer.capacity() - buffer.len();
        if world.random().below(SHORT_READ_ONE_IN) == 0 {
            room = 1 + world.random().below(room as u64) as usize;
        }
        let mut taken = 0;
        while taken < room {
            let Some((arrival, piece)) = self.queue.front_mut() else { break };
            if *arrival > now {
                break;
            }
            let count = piece.len().min(room - taken);
            buffer.extend_from_slice(piece.get(..count).expect("no more than there is"));
            piece.advance(count);
            taken += count;
            if piece.is_empty() {
                self.queue.pop_front();
            }
        }
        self.bytes -= taken;
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
        world.note(b'r', taken as u64, self.bytes as u64);
        taken
    }

    /// Sends what fits of `piece`, which keeps the rest.
    pub(crate) fn poll_write(
        &mut self,
        world: &World,
        context: &mut Context<'_>,
        piece: &mut Bytes,
    ) -> Poll<io::Result<()>> {
        if self.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if self.reader_gone || self.end.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.bytes >= CAPACITY {
            self.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        let part = piece.split_to(piece.len().min(CAPACITY - self.bytes));
        self.bytes += part.len();
        world.note(b'w', part.len() as u64, self.bytes as u64);
        let arrival = self.next_arrival(world);
        self.queue.push_back((arrival, part));
        self.wake_reader();
        Poll::Ready(Ok(()))
    }

    fn next_arrival(&mut self, world: &World) -> u64 {
        let delay = world.network.borrow().draw_delay(&mut world.random());
        self.last_arrival = self.last_arrival.max(world.now.get() + delay);
        self.last_arrival
    }

    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// The writer sends no more.
    pub(crate) fn finish(&mut self, world: &World) {
        if self.end.is_none() {
            self.end = Some(self.next_arrival(world));
            self.wake_reader();
            if let Some(writer) = self.writer.take() {
                writer.wake();
            }
        }
    }

    /// The reader wants no more.
    pub(crate) fn abandon(&mut self, world: &World) {
        self.reader_gone = true;
        self.queue.clear();
        self.bytes = 0;
        self.wake_all(world);
    }

    pub(crate) fn reset(&mut self, world: &World) {
        self.reset = true;
        self.queue.clear();
        self.bytes = 0;
        self.wake_all(world);
    }

    fn wake_all(&mut self, world: &World) {
        self.wake_reader();
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
        // A reader that waits for an arrival is woken by its timer; there is nothing to wait for any more.
        if let Some(waker) = self.timer.take().and_then(|key| world.take_timer(key)) {
            waker.wake();
        }
        let (from, to) = (self.from, self.to);
        for waker in world.network.borrow_mut().take_waiters(from, to) {
            waker.wake();
        }
    }
}
