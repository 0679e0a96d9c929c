//! The simulated world and the handle that tests hold.
//!
//! Owns time, chance, the trace, the machines and the network. Tasks reach it through a thread-local while it runs.
//! Its cells are borrowed for one operation at a time, never while a task is polled or dropped.

use super::disk::DiskState;
use super::executor::{self, Death, Outcome, Place, Tasks};
use super::faults::Disk;
use super::net::Network;
use super::random::{Random, mix};
use crate::sync::{Notify, oneshot};
use std::cell::{Cell, RefCell, RefMut};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

/// A machine of the simulation. The first is [`Node::FIRST`]; tests of one process use no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub(crate) u8);

impl Node {
    /// The machine that [`Sim::run`] runs on.
    pub const FIRST: Node = Node(0);

    /// Its address for other machines. Each reaches itself by 127.0.0.1 too.
    pub fn address(self, port: u16) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, self.0 + 1)), port)
    }
}

/// Bounds of one [`Sim::run`], past which it counts as stuck.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Polls of tasks.
    pub polls_max: u64,
    /// Virtual time.
    pub time_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { polls_max: 100_000_000, time_max: Duration::from_hours(24) }
    }
}

/// A simulation. Clones are the same one.
#[derive(Clone)]
pub struct Sim {
    world: Rc<World>,
}

pub(crate) struct World {
    pub(crate) seed: u64,
    random: RefCell<Random>,
    trace: Cell<u64>,
    pub(crate) now: Cell<u64>,
    wall_offset_ms: Cell<i64>,
    timers: RefCell<Timers>,
    pub(crate) tasks: Tasks,
    pub(crate) current: Cell<Option<Place>>,
    nodes: RefCell<Vec<Rc<Machine>>>,
    pub(crate) network: RefCell<Network>,
    pub(crate) limits: Cell<Limits>,
    names_next: Cell<u64>,
}

/// What one machine keeps.
pub(crate) struct Machine {
    pub(crate) disk: RefCell<DiskState>,
    /// False while the tasks of a dead process are dropped: what they still do has no effect.
    pub(crate) alive: Cell<bool>,
    pub(crate) death: RefCell<Option<Death>>,
    /// How the last process on it ended, if it did not finish.
    pub(crate) epitaph: RefCell<Option<Death>>,
    pub(crate) terminating: Cell<bool>,
    pub(crate) termination: Notify,
}

#[derive(Default)]
struct Timers {
    sequence: u64,
    waiting: BTreeMap<TimerKey, Waker>,
}

/// When a timer fires, and its number.
pub(crate) type TimerKey = (u64, u64);

thread_local! {
    static WORLD: RefCell<Option<Rc<World>>> = const { RefCell::new(None) };
}

/// The world that runs on this thread.
pub(crate) fn world() -> Rc<World> {
    try_world().expect("inside a running simulation")
}

pub(crate) fn try_world() -> Option<Rc<World>> {
    WORLD.try_with(|world| world.try_borrow().ok().and_then(|world| world.clone())).ok().flatten()
}

/// Makes a world the one that runs on this thread, until dropped.
pub(crate) struct Entered;

impl Entered {
    pub(crate) fn enter(world: &Rc<World>) -> Entered {
        WORLD.with_borrow_mut(|current| {
            assert!(current.is_none(), "a simulation runs inside another: use sim::run_shards within one");
            *current = Some(Rc::clone(world));
        });
        Entered
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        WORLD.with_borrow_mut(Option::take);
    }
}

/// 2026-01-01, where every wall clock starts.
const WALL_ORIGIN_MS: i64 = 1_767_225_600_000;

impl World {
    fn new(seed: u64) -> World {
        World {
            seed,
            random: RefCell::new(Random::new(seed)),
            trace: Cell::new(mix(seed)),
            now: Cell::new(1_000_000_000),
            wall_offset_ms: Cell::new(0),
            timers: RefCell::default(),
            tasks: Tasks::default(),
            current: Cell::new(None),
            nodes: RefCell::new(vec![Machine::new()]),
            network: RefCell::default(),
            limits: Cell::new(Limits::default()),
            names_next: Cell::new(0),
        }
    }

    pub(crate) fn random(&self) -> RefMut<'_, Random> {
        self.random.borrow_mut()
    }

    /// Adds an event to the trace.
    pub(crate) fn note(&self, kind: u8, first: u64, second: u64) {
        let event = mix(u64::from(kind).wrapping_add(first.rotate_left(8)).wrapping_add(mix(second)));
        self.trace.set(mix(self.trace.get().rotate_left(5) ^ event ^ self.now.get()));
    }

    /// Where the running task is. Panics outside a task.
    pub(crate) fn place(&self) -> Place {
        self.current.get().expect("inside a task of the simulation")
    }

    pub(crate) fn machine(&self, node: Node) -> Rc<Machine> {
        let nodes = self.nodes.borrow();
        Rc::clone(nodes.get(usize::from(node.0)).expect("a node of this simulation"))
    }

    pub(crate) fn machine_here(&self) -> Rc<Machine> {
        self.machine(self.place().node)
    }

    pub(crate) fn nodes(&self) -> Vec<Node> {
        (0..self.nodes.borrow().len()).map(|index| Node(index as u8)).collect()
    }

    pub(crate) fn unix_ms(&self) -> i64 {
        WALL_ORIGIN_MS + (self.now.get() / 1_000_000) as i64 + self.wall_offset_ms.get()
    }

    pub(crate) fn set_timer(&self, when: u64, waker: Waker) -> TimerKey {
        let mut timers = self.timers.borrow_mut();
        timers.sequence += 1;
        let key = (when, timers.sequence);
        timers.waiting.insert(key, waker);
        key
    }

    pub(crate) fn rewake_timer(&self, key: TimerKey, waker: &Waker) {
        if let Some(waiting) = self.timers.borrow_mut().waiting.get_mut(&key) {
            waiting.clone_from(waker);
        }
    }

    /// The waker of a timer that has not fired, which it now never will.
    pub(crate) fn take_timer(&self, key: TimerKey) -> Option<Waker> {
        self.timers.borrow_mut().waiting.remove(&key)
    }

    pub(crate) fn clear_timer(&self, key: TimerKey) {
        drop(self.take_timer(key));
    }

    /// Jumps to the next timer, if there is one, and wakes all that are due.
    pub(crate) fn advance(&self) -> bool {
        let Some(next) = self.timers.borrow().waiting.keys().next().map(|key| key.0) else { return false };
        self.now.set(self.now.get().max(next));
        self.fire();
        true
    }

    /// Wakes what is due.
    pub(crate) fn fire(&self) {
        let later = (self.now.get().saturating_add(1), 0);
        let due = {
            let mut timers = self.timers.borrow_mut();
            let rest = timers.waiting.split_off(&later);
            std::mem::replace(&mut timers.waiting, rest)
        };
        for waker in due.into_values() {
            waker.wake();
        }
    }

    pub(crate) fn next_name(&self) -> u64 {
        self.names_next.set(self.names_next.get() + 1);
        self.names_next.get()
    }
}

impl Machine {
    fn new() -> Rc<Machine> {
        Rc::new(Machine {
            disk: RefCell::new(DiskState::new()),
            alive: Cell::new(true),
            death: RefCell::new(None),
            epitaph: RefCell::new(None),
            terminating: Cell::new(false),
            termination: Notify::new(),
        })
    }
}

impl Sim {
    /// A world with one machine and an empty disk.
    pub fn new(seed: u64) -> Sim {
        Sim { world: Rc::new(World::new(seed)) }
    }

    /// The simulation that the calling task is part of. Panics outside one.
    pub fn current() -> Sim {
        Sim { world: world() }
    }

    /// What everything is drawn from.
    pub fn seed(&self) -> u64 {
        self.world.seed
    }

    /// Changes the bounds of the runs that follow.
    pub fn set_limits(&self, limits: Limits) {
        self.world.limits.set(limits);
    }

    /// Runs `main` as a process on [`Node::FIRST`] until it returns, dies or is stuck. Then every task of the
    /// simulation is dropped; disks, clock and trace stay for the next run. A panic of any task comes out of here.
    pub fn run<T: 'static>(&self, main: impl Future<Output = T> + 'static) -> Outcome<T> {
        executor::run(&self.world, main)
    }

    /// Starts `future` as a process on `node`; call it inside a run. The receiver fails if the process dies.
    pub fn spawn_on<T: 'static>(&self, node: Node, future: impl Future<Output = T> + 'static) -> oneshot::Receiver<T> {
        let (sender, receiver) = oneshot::channel();
        let place = Place { node, shard: 0 };
        let task = async move {
            // The one who started it may not care how it ends.
            let _ = sender.send(future.await);
        };
        executor::spawn_at(&self.world, place, Box::pin(task));
        receiver
    }

    /// Adds a machine.
    pub fn add_node(&self) -> Node {
        let mut nodes = self.world.nodes.borrow_mut();
        let node = Node(u8::try_from(nodes.len()).expect("at most 254 machines"));
        assert!(node.0 < 254, "at most 254 machines have an address");
        nodes.push(Machine::new());
        node
    }

    /// The disk of [`Node::FIRST`].
    pub fn disk(&self) -> Disk {
        self.disk_of(Node::FIRST)
    }

    /// The disk of `node`.
    pub fn disk_of(&self, node: Node) -> Disk {
        Disk::new(Rc::clone(&self.world), node)
    }

    /// Kills the process on `node`, now. Called from that process, it does not return.
    pub fn crash(&self, node: Node, crash: super::Crash) {
        executor::die(&self.world, node, Death::Crash(crash));
    }

    /// Asks the process on [`Node::FIRST`] to end, as SIGTERM does.
    pub fn terminate(&self) {
        let machine = self.world.machine(Node::FIRST);
        machine.terminating.set(true);
        machine.termination.notify_all();
    }

    /// Cuts the connection between two machines: what is under way waits.
    pub fn partition(&self, first: Node, second: Node) {
        self.world.network.borrow_mut().cut(first, second);
    }

    /// Connects two machines again.
    pub fn heal(&self, first: Node, second: Node) {
        let wakers = self.world.network.borrow_mut().heal(first, second);
        for waker in wakers {
            waker.wake();
        }
    }

    /// Resets every connection between two machines, or of one with itself.
    pub fn reset_connections(&self, first: Node, second: Node) {
        super::net::reset(&self.world, |a, b| (a, b) == (first, second) || (a, b) == (second, first));
    }

    /// How long a message may take from machine to machine, in microseconds.
    pub fn set_network_delay_us(&self, delay_us: std::ops::Range<u64>) {
        self.world.network.borrow_mut().delay_us = delay_us;
    }

    /// Moves every wall clock; the monotonic clock goes on undisturbed.
    pub fn jump_wall_clock(&self, milliseconds: i64) {
        self.world.wall_offset_ms.set(self.world.wall_offset_ms.get() + milliseconds);
    }

    /// Virtual time since the start of the world.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.world.now.get())
    }

    /// A hash of everything that has happened: the same seed and the same code give the same.
    pub fn trace_hash(&self) -> u64 {
        self.world.trace.get()
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sim").field("seed", &self.world.seed).field("elapsed", &self.elapsed()).finish()
    }
}
