//! Owns the clients that take part in telemetry: what each was asked for, when it last came, and the numbers that it pushed.
//!
//! Bounded in clients and in bytes: whoever came longest ago is forgotten first, and its metrics before that.

use std::collections::BTreeMap;

use bytes::Bytes;
use corelog_engine::log::BytesInUse;
use corelog_protocol::Uuid;
use corelog_rt::map::HashMap;
use corelog_rt::time::Instant;
use std::time::Duration;

use super::figures::Figures;
use super::subscriptions::{Asked, ClientAttributes, Subscriptions};
use crate::limits::TELEMETRY_INTERVALS_TOLD;

/// The highest of Kafka's numbers of compressions.
const COMPRESSION_MAX: i8 = 4;

/// Why a client is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TelemetryError {
    /// It named no id, or one that is nobody's, or had said that it ends.
    Invalid,
    /// It came too early.
    TooEarly,
    /// It was asked for something else meanwhile.
    UnknownSubscription,
    /// It compressed in a way that there is not.
    UnsupportedCompression,
    /// It pushed too much.
    TooLarge,
}

/// What a client pushed.
#[derive(Clone, Debug)]
pub struct Push {
    /// The subscription that it answers.
    pub subscription_id: i32,
    /// Whether it is its last.
    pub is_last: bool,
    /// Kafka's number of its compression.
    pub compression: i8,
    /// Metrics in OTLP's form, compressed.
    pub metrics: Bytes,
}

#[derive(Debug)]
struct Client {
    attributes: ClientAttributes,
    /// The state of the subscriptions that `asked` is from.
    version: u64,
    asked: Asked,
    subscription_id: i32,
    last_get: Option<Instant>,
    last_push: Option<Instant>,
    is_ending: bool,
    figures: Figures,
    /// When it last came, counted.
    turn: u64,
}

/// What bounds a shard's telemetry.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Clients.
    pub clients_max: usize,
    /// Bytes of all that is kept of what they pushed.
    pub figures_bytes_max: usize,
    /// Bytes of one push.
    pub push_bytes_max: usize,
}

/// The clients of a shard.
#[derive(Debug)]
pub struct Clients {
    limits: Limits,
    clients: HashMap<Uuid, Client>,
    /// Who came when, the longest ago first.
    turns: BTreeMap<u64, Uuid>,
    turn_next: u64,
    figures_bytes: usize,
    pushes: u64,
    pushes_unreadable: u64,
}

/// The subscription that a client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Names what is asked for.
    pub subscription_id: i32,
    /// What is asked for.
    pub asked: Asked,
}

impl Clients {
    /// No clients yet.
    pub fn new(limits: Limits) -> Clients {
        Clients {
            limits,
            clients: HashMap::default(),
            turns: BTreeMap::new(),
            turn_next: 0,
            figures_bytes: 0,
            pushes: 0,
            pushes_unreadable: 0,
        }
    }

    /// The largest push, in bytes.
    pub fn push_bytes_max(&self) -> usize {
        self.limits.push_bytes_max
    }

    /// Bytes of all that is kept of what they pushed, and the bound.
    pub fn memory_in_use(&self) -> BytesInUse {
        BytesInUse { used: self.figures_bytes as u64, limit: self.limits.figures_bytes_max as u64 }
    }

    /// How many clients are known.
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Every client.
    pub fn ids(&self) -> Vec<Uuid> {
        self.clients.keys().copied().collect()
    }

    /// What a client pushed, with what is known of it; none of one that has stopped pushing.
    pub fn figures(&self, id: Uuid, now: Instant) -> Option<(&ClientAttributes, &Figures)> {
        let client = self.clients.get(&id)?;
        let age = now.saturating_since(client.last_push?);
        (age <= client.interval() * TELEMETRY_INTERVALS_TOLD).then_some((&client.attributes, &client.figures))
    }

    /// Pushes that were taken, and those among them that could not be read.
    pub fn pushes(&self) -> (u64, u64) {
        (self.pushes, self.pushes_unreadable)
    }

    /// Tells a client what it is asked for.
    pub fn get(
        &mut self,
        id: Uuid,
        attributes: ClientAttributes,
        subscriptions: &Subscriptions,
        now: Instant,
    ) -> Result<Told, TelemetryError> {
        let client = self.client(id, attributes, subscriptions);
        let interval = client.interval();
        let last = client.last_get.max(client.last_push);
        if last.is_some_and(|last| now.saturating_since(last) < interval) {
            return Err(TelemetryError::TooEarly);
        }
        client.last_get = Some(now);
        Ok(Told { subscription_id: client.subscription_id, asked: client.asked.clone() })
    }

    /// Takes what a client pushed.
    pub fn push(
        &mut self,
        id: Uuid,
        attributes: ClientAttributes,
        subscriptions: &Subscriptions,
        push: &Push,
        now: Instant,
    ) -> Result<(), TelemetryError> {
        let bytes_max = self.limits.push_bytes_max;
        let client = self.client(id, attributes, subscriptions);
        let accepted = client.accept(push, bytes_max, now);
        client.is_ending = push.is_last;
        accepted?;
        if push.metrics.is_empty() {
            return Ok(());
        }
        let before = client.figures.memory_bytes();
        let absorbed = client.figures.absorb(push.compression, &push.metrics);
        let after = client.figures.memory_bytes();
        self.figures_bytes = self.figures_bytes + after - before;
        self.pushes += 1;
        self.pushes_unreadable += u64::from(absorbed.is_err());
        self.shed();
        Ok(())
    }

    /// The client, introduced if it is new, asked anew if the subscriptions changed.
    fn client(&mut self, id: Uuid, attributes: ClientAttributes, subscriptions: &Subscriptions) -> &mut Client {
        let turn = self.turn_next;
        self.turn_next += 1;
        if let Some(known) = self.clients.get(&id) {
            self.turns.remove(&known.turn);
        } else {
            while self.clients.len() >= self.limits.clients_max.max(1) {
                let Some((_, oldest)) = self.turns.pop_first() else { break };
                let gone = self.clients.remove(&oldest);
                self.figures_bytes -= gone.map_or(0, |client| client.figures.memory_bytes());
            }
        }
        self.turns.insert(turn, id);
        let fresh = |attributes: ClientAttributes| {
            let asked = subscriptions.of(&attributes);
            let subscription_id = subscription_id(&asked, id);
            let version = subscriptions.version();
            let (last_get, last_push, is_ending, figures) = (None, None, false, Figures::default());
            Client { attributes, version, asked, subscription_id, last_get, last_push, is_ending, figures, turn }
        };
        let client = self.clients.entry(id).or_insert_with(|| fresh(attributes));
        if client.version != subscriptions.version() {
            let figures = std::mem::take(&mut client.figures);
            *client = Client { figures, ..fresh(std::mem::take(&mut client.attributes)) };
        }
        client.turn = turn;
        client
    }

    /// Forgets metrics, those of the clients first that came longest ago, until what is left fits.
    fn shed(&mut self) {
        let mut ids = self.turns.values();
        while self.figures_bytes > self.limits.figures_bytes_max {
            let Some(id) = ids.next() else { return };
            let figures = self.clients.get_mut(id).map(|client| std::mem::take(&mut client.figures));
            self.figures_bytes -= figures.map_or(0, |figures| figures.memory_bytes());
        }
    }
}

impl Client {
    fn interval(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.asked.interval_ms).unwrap_or(0))
    }

    fn accept(&mut self, push: &Push, bytes_max: usize, now: Instant) -> Result<(), TelemetryError> {
        if self.is_ending {
            return Err(TelemetryError::Invalid);
        }
        // The first push after being asked may come early: clients spread theirs.
        let is_answer = self.last_get > self.last_push;
        let is_due = self.last_push.is_none_or(|last| now.saturating_since(last) >= self.interval());
        if is_answer || is_due {
            self.last_push = Some(now);
        } else if !push.is_last {
            return Err(TelemetryError::TooEarly);
        }
        if push.subscription_id != self.subscription_id {
            return Err(TelemetryError::UnknownSubscription);
        }
        if !(0..=COMPRESSION_MAX).contains(&push.compression) {
            return Err(TelemetryError::UnsupportedCompression);
        }
        if push.metrics.len() > bytes_max {
            return Err(TelemetryError::TooLarge);
        }
        Ok(())
    }
}

/// Names what a client is asked for: another subscription has another name, and each client its own.
fn subscription_id(asked: &Asked, client: Uuid) -> i32 {
    // FNV-1a: the same on every shard and after every start.
    let texts = asked.metrics.iter().map(String::as_bytes).flat_map(|metric| metric.iter().copied().chain([0]));
    let bytes = texts.chain(asked.interval_ms.to_le_bytes()).chain(client.0);
    bytes.fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)).cast_signed()
}
