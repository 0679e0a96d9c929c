//! Runs the tasks of all machines in a random order.
//!
//! Owns the tasks and their wakers. A task that dies with its process is unwound by a payload of our own and never
//! polled again; a panic of any other kind ends the run and reaches the test.

use super::crash::Crash;
use super::world::{Entered, Node, World};
use crate::fatal::Reason;
use crate::map::HashMap;
use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// The main future returned.
    Done(T),
    /// The process crashed, as the test had it.
    Crashed(Crash),
    /// The process ended itself through `fatal::exit`.
    Exited(Reason, String),
    /// Nothing can run and no timer is set, or a limit of the run was passed.
    Stuck,
}

impl<T> Outcome<T> {
    /// The result; panics if the run ended any other way.
    #[track_caller]
    pub fn done(self) -> T {
        match self {
            Outcome::Done(value) => value,
            Outcome::Crashed(crash) => panic!("the process crashed: {crash:?}"),
            Outcome::Exited(reason, message) => panic!("the process exited: {reason}: {message}"),
            Outcome::Stuck => panic!("the simulation is stuck"),
        }
    }

    /// Whether the process crashed.
    pub fn is_crash(&self) -> bool {
        matches!(self, Outcome::Crashed(_))
    }
}

/// How a process died.
#[derive(Clone, Debug)]
pub(crate) enum Death {
    Crash(Crash),
    Exit(Reason, String),
}

/// Unwinds the task in which its process dies.
struct Died;

/// The machine and shard of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) node: Node,
    pub(crate) shard: usize,
}

pub(crate) type BoxedFuture = Pin<Box<dyn Future<Output = ()>>>;

#[expect(clippy::disallowed_types, reason = "wakers must be shareable between threads, though none is here")]
type Ready = Arc<std::sync::Mutex<Vec<u64>>>;

#[derive(Default)]
pub(crate) struct Tasks {
    slots: RefCell<Slots>,
    ready: Ready,
}

#[derive(Default)]
struct Slots {
    number_next: u64,
    by_number: HashMap<u64, Task>,
}

struct Task {
    place: Place,
    /// Absent while it is polled.
    future: Option<BoxedFuture>,
    alarm: Arc<Alarm>,
}

struct Alarm {
    number: u64,
    rung: AtomicBool,
    ready: Ready,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rung.swap(true, Ordering::Relaxed) {
            self.ready.lock().unwrap_or_else(PoisonError::into_inner).push(self.number);
        }
    }
}

/// Starts a task. On a machine whose process has died it is dropped at once.
pub(crate) fn spawn_at(world: &Rc<World>, place: Place, future: BoxedFuture) {
    if !world.machine(place.node).alive.get() {
        return;
    }
    let tasks = &world.tasks;
    let mut slots = tasks.slots.borrow_mut();
    slots.number_next += 1;
    let number = slots.number_next;
    let alarm = Arc::new(Alarm { number, rung: AtomicBool::new(false), ready: Arc::clone(&tasks.ready) });
    alarm.wake_by_ref();
    slots.by_number.insert(number, Task { place, future: Some(future), alarm });
}

/// Ends the process on `node`. Does not return if the running task is part of it.
pub(crate) fn die(world: &Rc<World>, node: Node, death: Death) {
    let machine = world.machine(node);
    let running_here = world.current.get().is_some_and(|place| place.node == node);
    if !machine.alive.get() {
        return;
    }
    machine.death.borrow_mut().get_or_insert(death);
    if running_here {
        machine.alive.set(false);
        resume_unwind(Box::new(Died));
    }
    if world.current.get().is_none() {
        bury(world);
    }
}

pub(crate) fn run<T: 'static>(world: &Rc<World>, main: impl Future<Output = T> + 'static) -> Outcome<T> {
    let _entered = Entered::enter(world);
    for node in world.nodes() {
        let machine = world.machine(node);
        machine.terminating.set(false);
        machine.epitaph.borrow_mut().take();
    }
    let result = Rc::new(RefCell::new(None));
    let slot = Rc::clone(&result);
    let place = Place { node: Node::FIRST, shard: 0 };
    spawn_at(world, place, Box::pin(async move { *slot.borrow_mut() = Some(main.await) }));
    let ended = catch_unwind(AssertUnwindSafe(|| drive(world, &result)));
    for node in world.nodes() {
        drop_tasks(world, node);
        world.machine(node).disk.borrow_mut().end_process();
    }
    match ended {
        Ok(outcome) => outcome,
        Err(panic) => resume_unwind(panic),
    }
}

fn drive<T>(world: &Rc<World>, result: &RefCell<Option<T>>) -> Outcome<T> {
    let limits = world.limits.get();
    let time_end = world.now.get().saturating_add(u64::try_from(limits.time_max.as_nanos()).unwrap_or(u64::MAX));
    let mut polls = 0;
    loop {
        if let Some(value) = result.borrow_mut().take() {
            return Outcome::Done(value);
        }
        match world.machine(Node::FIRST).epitaph.borrow_mut().take() {
            Some(Death::Crash(crash)) => return Outcome::Crashed(crash),
            Some(Death::Exit(reason, message)) => return Outcome::Exited(reason, message),
            None => {}
        }
        if polls >= limits.polls_max || world.now.get() > time_end {
            return Outcome::Stuck;
        }
        if poll_one(world) {
            polls += 1;
        } else if !world.advance() {
            return Outcome::Stuck;
        }
    }
}

/// Polls one ready task, drawn at random. False if none is ready.
fn poll_one(world: &Rc<World>) -> bool {
    let number = {
        let mut ready = world.tasks.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if ready.is_empty() {
            return false;
        }
        let index = world.random().below(ready.len() as u64) as usize;
        ready.swap_remove(index)
    };
    let Some((place, mut future, alarm)) = take(world, number) else { return true };
    let spent = 100 + world.random().below(900);
    world.now.set(world.now.get() + spent);
    world.note(b'p', number, spent);
    alarm.rung.store(false, Ordering::Relaxed);
    let waker = Waker::from(alarm);
    world.current.set(Some(place));
    let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut Context::from_waker(&waker))));
    match polled {
        Ok(Poll::Pending) => put_back(world, number, future),
        Ok(Poll::Ready(())) => {
            world.tasks.slots.borrow_mut().by_number.remove(&number);
            drop(future);
        }
        Err(panic) => {
            world.tasks.slots.borrow_mut().by_number.remove(&number);
            let died = panic.is::<Died>();
            drop(future);
            world.machine(place.node).alive.set(true);
            world.current.set(None);
            if !died {
                resume_unwind(panic);
            }
        }
    }
    world.current.set(None);
    bury(world);
    world.fire();
    true
}

fn take(world: &World, number: u64) -> Option<(Place, BoxedFuture, Arc<Alarm>)> {
    let mut slots = world.tasks.slots.borrow_mut();
    let task = slots.by_number.get_mut(&number)?;
    Some((task.place, task.future.take()?, Arc::clone(&task.alarm)))
}

fn put_back(world: &World, number: u64, future: BoxedFuture) {
    let mut slots = world.tasks.slots.borrow_mut();
    if let Some(task) = slots.by_number.get_mut(&number) {
        task.future = Some(future);
    }
}

/// Clears away the processes that have died.
fn bury(world: &Rc<World>) {
    for node in world.nodes() {
        let machine = world.machine(node);
        let Some(death) = machine.death.borrow_mut().take() else { continue };
        drop_tasks(world, node);
        super::net::reset(world, |first, second| first == node || second == node);
        let loss = match death {
            Death::Crash(crash) => crash,
            Death::Exit(..) => Crash::Kill,
        };
        world.note(b'x', u64::from(node.0), 0);
        let mut disk = machine.disk.borrow_mut();
        if loss == Crash::PowerLoss {
            disk.lose_power(&mut world.random());
        }
        disk.end_process();
        drop(disk);
        *machine.epitaph.borrow_mut() = Some(death);
    }
}

/// Drops every task of `node`; what their destructors do has no effect.
fn drop_tasks(world: &Rc<World>, node: Node) {
    let machine = world.machine(node);
    machine.alive.set(false);
    world.current.set(Some(Place { node, shard: 0 }));
    let mut numbers: Vec<u64> = {
        let slots = world.tasks.slots.borrow();
        slots.by_number.iter().filter(|(_, task)| task.place.node == node).map(|(number, _)| *number).collect()
    };
    numbers.sort_unstable();
    for number in numbers {
        let task = world.tasks.slots.borrow_mut().by_number.remove(&number);
        drop(task);
    }
    world.current.set(None);
    machine.alive.set(true);
}
