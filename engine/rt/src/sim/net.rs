//! The network between the machines of a simulation.
//!
//! Owns listeners, connections and the cuts between machines. A cut delays what is under way until it is healed, as
//! retransmission does; a connect across it fails after a while.

use super::pipe::Pipe;
use super::random::Random;
use super::time::Sleep;
use super::world::{Node, World, try_world, world};
use bytes::{Bytes, BytesMut};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;

const CONNECT_TIME_MAX: Duration = Duration::from_secs(30);
const FIRST_FREE_PORT: u16 = 20_000;

pub(crate) struct Network {
    number_next: u64,
    port_next: u16,
    listeners: BTreeMap<u64, Listening>,
    /// Connections that wait to be bound to a shard.
    accepted: BTreeMap<u64, Rc<End>>,
    pipes: Vec<Weak<RefCell<Pipe>>>,
    cuts: BTreeSet<(Node, Node)>,
    waiting: BTreeMap<(Node, Node), Vec<Waker>>,
    pub(crate) delay_us: Range<u64>,
}

struct Listening {
    node: Node,
    port: u16,
    backlog: VecDeque<Rc<End>>,
    waker: Option<Waker>,
    stopped: bool,
}

impl Default for Network {
    fn default() -> Self {
        Network {
            number_next: 0,
            port_next: FIRST_FREE_PORT,
            listeners: BTreeMap::new(),
            accepted: BTreeMap::new(),
            pipes: Vec::new(),
            cuts: BTreeSet::new(),
            waiting: BTreeMap::new(),
            delay_us: 20..200,
        }
    }
}

fn pair(first: Node, second: Node) -> (Node, Node) {
    (first.min(second), first.max(second))
}

impl Network {
    pub(crate) fn cut(&mut self, first: Node, second: Node) {
        self.cuts.insert(pair(first, second));
    }

    pub(crate) fn heal(&mut self, first: Node, second: Node) -> Vec<Waker> {
        self.cuts.remove(&pair(first, second));
        self.take_waiters(first, second)
    }

    pub(crate) fn take_waiters(&mut self, first: Node, second: Node) -> Vec<Waker> {
        self.waiting.remove(&pair(first, second)).unwrap_or_default()
    }

    /// Whether two machines are cut off from each other; if so, `waker` is called when that changes.
    pub(crate) fn waits_for_heal(&mut self, first: Node, second: Node, waker: &Waker) -> bool {
        let pair = pair(first, second);
        if !self.cuts.contains(&pair) {
            return false;
        }
        let waiting = self.waiting.entry(pair).or_default();
        if !waiting.iter().any(|other| other.will_wake(waker)) {
            waiting.push(waker.clone());
        }
        true
    }

    /// A delay in nanoseconds.
    pub(crate) fn draw_delay(&self, random: &mut Random) -> u64 {
        1000 * random.within(&self.delay_us)
    }

    fn next_number(&mut self) -> u64 {
        self.number_next += 1;
        self.number_next
    }

    fn next_port(&mut self) -> u16 {
        let port = self.port_next;
        self.port_next = port.checked_add(1).unwrap_or(FIRST_FREE_PORT);
        port
    }

    /// A pair of ends between two machines.
    fn connect(&mut self, from: (Node, SocketAddr), to: (Node, SocketAddr)) -> (Rc<End>, Rc<End>) {
        let forth = Rc::new(RefCell::new(Pipe::new(from.0, to.0)));
        let back = Rc::new(RefCell::new(Pipe::new(to.0, from.0)));
        self.pipes.retain(|pipe| pipe.strong_count() > 0);
        self.pipes.push(Rc::downgrade(&forth));
        self.pipes.push(Rc::downgrade(&back));
        let client = End { incoming: Rc::clone(&back), outgoing: Rc::clone(&forth), local: from.1, peer: to.1 };
        let server = End { incoming: forth, outgoing: back, local: to.1, peer: from.1 };
        (Rc::new(client), Rc::new(server))
    }

    fn find_listener(&self, node: Node, port: u16, random: &mut Random) -> Option<u64> {
        let open = |listening: &Listening| listening.node == node && listening.port == port && !listening.stopped;
        let numbers: Vec<u64> =
            self.listeners.iter().filter(|(_, listening)| open(listening)).map(|(number, _)| *number).collect();
        numbers.get(random.below(numbers.len() as u64) as usize).copied()
    }
}

/// Resets the connections whose two machines `choose` picks.
pub(crate) fn reset(world: &Rc<World>, choose: impl Fn(Node, Node) -> bool) {
    let pipes: Vec<_> = world.network.borrow().pipes.iter().filter_map(Weak::upgrade).collect();
    for pipe in pipes {
        let (from, to) = (pipe.borrow().from, pipe.borrow().to);
        if choose(from, to) {
            pipe.borrow_mut().reset(world);
        }
    }
}

pub(crate) struct Listener {
    number: u64,
    address: SocketAddr,
}

impl Listener {
    #[expect(clippy::unnecessary_wraps, reason = "the other backend fails")]
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Listener> {
        let world = world();
        let node = world.place().node;
        let mut network = world.network.borrow_mut();
        let mut address = address;
        if address.port() == 0 {
            address.set_port(network.next_port());
        }
        let number = network.next_number();
        let port = address.port();
        let listening = Listening { node, port, backlog: VecDeque::new(), waker: None, stopped: false };
        network.listeners.insert(number, listening);
        Ok(Listener { number, address })
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn accept(&self) -> io::Result<Accepted> {
        let world = world();
        poll_fn(|context| {
            let mut network = world.network.borrow_mut();
            let listening = network.listeners.get_mut(&self.number).expect("a listener is known until it is dropped");
            if listening.stopped {
                return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
            }
            let Some(end) = listening.backlog.pop_front() else {
                listening.waker = Some(context.waker().clone());
                return Poll::Pending;
            };
            let number = network.next_number();
            let peer = end.peer;
            network.accepted.insert(number, end);
            Poll::Ready(Ok(Accepted { number, peer }))
        })
        .await
    }

    pub(crate) fn stop(&self) {
        let world = world();
        let (waker, backlog) = {
            let mut network = world.network.borrow_mut();
            let listening = network.listeners.get_mut(&self.number).expect("a listener is known until it is dropped");
            listening.stopped = true;
            (listening.waker.take(), std::mem::take(&mut listening.backlog))
        };
        drop(backlog);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let removed = try_world().and_then(|world| world.network.borrow_mut().listeners.remove(&self.number));
        drop(removed);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A number instead of the connection, so that it may change threads by its type.
#[derive(Debug)]
pub(crate) struct Accepted {
    number: u64,
    peer: SocketAddr,
}

impl Accepted {
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub(crate) fn bind(self) -> io::Result<Stream> {
        let end = world().network.borrow_mut().accepted.remove(&self.number);
        Ok(Stream { end: end.ok_or(io::ErrorKind::ConnectionReset)?, ended: Rc::default() })
    }
}

impl Drop for Accepted {
    fn drop(&mut self) {
        let removed = try_world().and_then(|world| world.network.borrow_mut().accepted.remove(&self.number));
        drop(removed);
    }
}

/// One end of a connection; the connection closes when it is dropped.
struct End {
    incoming: Rc<RefCell<Pipe>>,
    outgoing: Rc<RefCell<Pipe>>,
    local: SocketAddr,
    peer: SocketAddr,
}

impl Drop for End {
    fn drop(&mut self) {
        if let Some(world) = try_world() {
            self.outgoing.borrow_mut().finish(&world);
            self.incoming.borrow_mut().abandon(&world);
        }
    }
}

#[derive(Clone)]
pub(crate) struct Stream {
    end: Rc<End>,
    ended: Rc<Cell<bool>>,
}

impl Stream {
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Stream> {
        let connecting = Stream::connect_patiently(address);
        crate::time::timeout(CONNECT_TIME_MAX, connecting).await.map_err(|_| io::ErrorKind::TimedOut)?
    }

    async fn connect_patiently(address: SocketAddr) -> io::Result<Stream> {
        let world = world();
        let here = world.place().node;
        let there = resolve(&world, here, address.ip())?;
        travel(&world, here, there).await;
        let client = {
            let mut network = world.network.borrow_mut();
            let listener = network.find_listener(there, address.port(), &mut world.random());
            let Some(listener) = listener else { return Err(io::ErrorKind::ConnectionRefused.into()) };
            let own_ip = if here == there { address.ip() } else { here.address(0).ip() };
            let own = SocketAddr::new(own_ip, network.next_port());
            let (client, server) = network.connect((here, own), (there, address));
            let listening = network.listeners.get_mut(&listener).expect("found above");
            listening.backlog.push_back(server);
            if let Some(waker) = listening.waker.take() {
                waker.wake();
            }
            client
        };
        world.note(b'c', u64::from(address.port()), 0);
        travel(&world, there, here).await;
        Ok(Stream { end: client, ended: Rc::default() })
    }

    pub(crate) fn peer(&self) -> SocketAddr {
        self.end.peer
    }

    #[expect(clippy::unnecessary_wraps, reason = "the other backend fails")]
    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.end.local)
    }

    pub(crate) async fn read(&self, buffer: &mut BytesMut) -> io::Result<usize> {
        let world = world();
        poll_fn(|context| self.end.incoming.borrow_mut().poll_read(&world, context, buffer)).await
    }

    pub(crate) async fn write_all(&self, slices: &mut [Bytes]) -> io::Result<()> {
        let world = world();
        for slice in slices {
            while !slice.is_empty() {
                poll_fn(|context| self.end.outgoing.borrow_mut().poll_write(&world, context, slice)).await?;
            }
        }
        Ok(())
    }

    #[expect(clippy::unnecessary_wraps, reason = "the other backend fails")]
    pub(crate) fn finish(&self) -> io::Result<()> {
        self.end.outgoing.borrow_mut().finish(&world());
        Ok(())
    }

    pub(crate) fn shutdown(&self) {
        if !self.ended.replace(true) {
            let world = world();
            self.end.outgoing.borrow_mut().finish(&world);
            self.end.incoming.borrow_mut().abandon(&world);
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Stream").field("peer", &self.end.peer).finish_non_exhaustive()
    }
}

/// Takes the time of a message, and waits while the two machines are cut off from each other.
async fn travel(world: &Rc<World>, from: Node, to: Node) {
    let delay = world.network.borrow().draw_delay(&mut world.random());
    Sleep::until(world.now.get() + delay).await;
    poll_fn(|context| {
        let cut = world.network.borrow_mut().waits_for_heal(from, to, context.waker());
        if cut { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
}

fn resolve(world: &World, here: Node, ip: IpAddr) -> io::Result<Node> {
    if ip.is_loopback() || ip.is_unspecified() {
        return Ok(here);
    }
    let nodes = world.nodes();
    let found = nodes.into_iter().find(|node| node.address(0).ip() == ip);
    found.ok_or_else(|| io::ErrorKind::NetworkUnreachable.into())
}
