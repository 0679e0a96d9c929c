//! The live connections of one shard.
//!
//! Owns what is known of each connection from outside its two tasks, and the sweep that ends the idle ones. Connections
//! enter and leave themselves. It never touches the bytes of a connection.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use corelog_protocol::Text;
use corelog_rt::map::HashMap;
use corelog_rt::net::Shutdown;
use corelog_rt::sync::Notify;
use corelog_rt::time::{self, Instant};

use super::answers::Answers;
use crate::broker::endpoints::Entrance;
use crate::limits::{FRAME_PROGRESS_BYTES_MIN, FRAME_PROGRESS_INTERVAL, SWEEP_INTERVAL_MAX};

/// What is known of one connection.
pub struct Connection {
    /// The other end.
    pub peer: SocketAddr,
    /// Where it came in.
    pub entrance: Entrance,
    /// What the client called itself last.
    pub client_id: RefCell<Option<Text>>,
    /// The client's library and its version, once it has told.
    pub software: RefCell<Option<(String, String)>>,
    /// Its answers.
    pub answers: Answers,
    shutdown: Shutdown,
    last_active: Cell<Instant>,
    /// Since when an answer is on its way into the socket.
    sending_since: Cell<Option<Instant>>,
    received_bytes: Cell<u64>,
    /// Since when, and from how many received bytes on, it holds memory for a frame that is not whole.
    partial: Cell<Option<(Instant, u64)>>,
}

/// The live connections of one shard.
pub struct Registry {
    live: RefCell<HashMap<u64, Rc<Connection>>>,
    id_next: Cell<u64>,
    emptied: Notify,
    idle_max: Duration,
    is_stopping: Cell<bool>,
}

/// Takes the connection out of the registry when dropped.
pub struct Registered {
    registry: Rc<Registry>,
    id: u64,
}

impl Connection {
    /// A connection that was just accepted.
    pub fn new(peer: SocketAddr, entrance: Entrance, shutdown: Shutdown) -> Connection {
        Connection {
            peer,
            entrance,
            client_id: RefCell::new(None),
            software: RefCell::new(None),
            answers: Answers::default(),
            shutdown,
            last_active: Cell::new(time::now()),
            sending_since: Cell::new(None),
            received_bytes: Cell::new(0),
            partial: Cell::new(None),
        }
    }

    /// Says that `bytes` arrived.
    pub fn touch_received(&self, bytes: usize) {
        self.received_bytes.set(self.received_bytes.get() + bytes as u64);
        self.last_active.set(time::now());
    }

    /// Says that more bytes are waited for, and whether memory is held for a frame that is not whole.
    pub fn waits_for_bytes(&self, holds_part_of_a_frame: bool) {
        if !holds_part_of_a_frame {
            self.partial.set(None);
        } else if self.partial.get().is_none() {
            self.partial.set(Some((time::now(), self.received_bytes.get())));
        }
    }

    /// Says that a frame is being handled, for however long.
    pub fn waits_for_nothing(&self) {
        self.partial.set(None);
    }

    /// Whether a frame arrives so slowly that its memory is better given to others.
    fn is_stalled(&self, now: Instant) -> bool {
        let Some((since, bytes_then)) = self.partial.get() else { return false };
        if now.saturating_since(since) < FRAME_PROGRESS_INTERVAL {
            return false;
        }
        let bytes_now = self.received_bytes.get();
        self.partial.set(Some((now, bytes_now)));
        bytes_now - bytes_then < FRAME_PROGRESS_BYTES_MIN
    }

    /// Says that an answer goes into the socket now, and when that is.
    pub fn touch_sending(&self) -> Instant {
        let now = time::now();
        self.sending_since.set(Some(now));
        now
    }

    /// Says that the answer is in the socket, and how long that took.
    pub fn touch_sent(&self) -> Duration {
        let now = time::now();
        self.last_active.set(now);
        self.sending_since.take().map_or(Duration::ZERO, |since| now - since)
    }

    /// Ends both directions; the tasks of the connection notice.
    pub fn shutdown(&self) {
        self.answers.close();
        self.shutdown.shutdown();
    }
}

impl Registry {
    /// No connections; one that is idle for `idle_max` (`connections.max.idle.ms`) is ended.
    pub fn new(idle_max: Duration) -> Registry {
        Registry {
            live: RefCell::default(),
            id_next: Cell::new(0),
            emptied: Notify::new(),
            idle_max,
            is_stopping: Cell::new(false),
        }
    }

    /// Adds a connection for as long as the returned value lives; none once the broker stops.
    pub fn enter(self: &Rc<Self>, connection: Rc<Connection>) -> Option<Registered> {
        if self.is_stopping.get() {
            return None;
        }
        let id = self.id_next.get();
        self.id_next.set(id + 1);
        self.live.borrow_mut().insert(id, connection);
        Some(Registered { registry: Rc::clone(self), id })
    }

    /// Live connections.
    pub fn len(&self) -> usize {
        self.live.borrow().len()
    }

    /// Whether there is no connection.
    pub fn is_empty(&self) -> bool {
        self.live.borrow().is_empty()
    }

    /// Ends idle connections until the broker stops.
    pub async fn sweep(&self) {
        let interval = SWEEP_INTERVAL_MAX.min(self.idle_max / 2).max(Duration::from_millis(10));
        while !self.is_stopping.get() {
            time::sleep(interval).await;
            self.sweep_once(time::now());
        }
    }

    fn sweep_once(&self, now: Instant) {
        let expired: Vec<Rc<Connection>> = {
            let live = self.live.borrow();
            live.values().filter(|connection| self.is_expired(connection, now)).cloned().collect()
        };
        for connection in expired {
            tracing::debug!(peer = %connection.peer, "closing a connection that is idle or stalled inside a request");
            connection.shutdown();
        }
    }

    fn is_expired(&self, connection: &Connection, now: Instant) -> bool {
        let quiet = now.saturating_since(connection.last_active.get());
        quiet >= self.idle_max || connection.is_stalled(now)
    }

    /// Ends the connection that has not taken its answer for the longest time, if that is at least `age_min`. Says whether
    /// there was one.
    pub fn end_slowest_reader(&self, age_min: Duration) -> bool {
        let slowest = {
            let live = self.live.borrow();
            let sending = live.values().filter_map(|connection| Some((connection.sending_since.get()?, connection)));
            sending.min_by_key(|(since, _)| *since).map(|(since, connection)| (since, Rc::clone(connection)))
        };
        let Some((since, connection)) = slowest.filter(|(since, _)| since.elapsed() >= age_min) else { return false };
        let seconds = since.elapsed().as_secs();
        tracing::warn!(peer = %connection.peer, "closing the connection: it took nothing of its answer for {seconds} s and memory is short");
        connection.shutdown();
        true
    }

    /// Lets no connection in any more, waits up to `grace` for requests in flight, then ends all of them.
    pub async fn stop(&self, grace: Duration) {
        self.is_stopping.set(true);
        let deadline = time::now() + grace;
        while time::now() < deadline && self.live.borrow().values().any(|connection| connection.answers.in_flight() > 0)
        {
            time::sleep(Duration::from_millis(5)).await;
        }
        let live: Vec<Rc<Connection>> = self.live.borrow().values().cloned().collect();
        for connection in live {
            connection.shutdown();
        }
        loop {
            let emptied = self.emptied.notified();
            if self.is_empty() {
                return;
            }
            emptied.await;
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let connection = self.registry.live.borrow_mut().remove(&self.id);
        drop(connection);
        if self.registry.is_empty() {
            self.registry.emptied.notify_all();
        }
    }
}
