//! Owns one coordinator and its partition: whether it is loaded, and whose turn it is.
//!
//! Events come one at a time. Between what a coordinator decides and its record in the log nothing else happens to it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use corelog_engine::ids::CommitSequence;
use corelog_engine::partition::{Acks, Partition};
use corelog_protocol::{ErrorCode, Text, Uuid};
use corelog_rt::sync::{Notify, Semaphore};
use corelog_rt::{task, time};

use super::answers::Waiting;
use super::places::Common;
use crate::groups::consumer::{Resolution, ResolutionRequest};
use crate::groups::coordinator::Coordinator;
use crate::groups::effects::Effects;
use crate::groups::moment::Moment;

/// Names that a pattern is matched against in one go.
const NAMES_PER_SLICE: usize = 64;

/// How far a coordinator's life is.
pub(super) enum Phase {
    Loading,
    Ready(Box<Coordinator>),
    /// Its partition is gone, or cannot be read.
    Closed,
}

/// One coordinator with what it takes to run it.
pub struct Slot {
    pub(super) common: Rc<Common>,
    pub(super) partition: Rc<Partition>,
    pub(super) phase: RefCell<Phase>,
    /// Held from an event to its record in the log.
    pub(super) turn: Semaphore,
    pub(super) waiting: Waiting,
    /// The last commit of the log that holds a record of this coordinator.
    pub(super) last_commit: Cell<Option<CommitSequence>>,
    /// Bytes of records that a load would read.
    pub(super) history_bytes: Cell<u64>,
    pub(super) is_rewriting: Cell<bool>,
    /// The tick that the timer task sleeps until.
    pub(super) sleeps_until_ms: Cell<u64>,
    pub(super) timers_changed: Notify,
    /// What this coordinator's groups take of the shard's memory, as counted there.
    counted_bytes: Cell<usize>,
}

/// What an event came to: the caller's value, and what must be durable before anybody is told.
pub struct Done<T> {
    /// What the coordinator said.
    pub value: T,
    /// The last commit that may hold something of it.
    pub commit: Option<CommitSequence>,
}

impl Slot {
    /// A coordinator that loads. One without history is ready at once.
    pub(super) fn start(common: &Rc<Common>, partition: Rc<Partition>) -> Rc<Slot> {
        let watermarks = partition.watermarks();
        let is_new = watermarks.log_start() == watermarks.end();
        let slot = Rc::new(Slot {
            common: Rc::clone(common),
            partition,
            phase: RefCell::new(Phase::Loading),
            turn: Semaphore::new(1),
            waiting: Waiting::default(),
            last_commit: Cell::new(None),
            history_bytes: Cell::new(0),
            is_rewriting: Cell::new(false),
            sleeps_until_ms: Cell::new(u64::MAX),
            timers_changed: Notify::new(),
            counted_bytes: Cell::new(0),
        });
        if is_new {
            let coordinator = slot.common.coordinator();
            *slot.phase.borrow_mut() = Phase::Ready(Box::new(coordinator));
        } else {
            task::spawn(Rc::clone(&slot).load());
        }
        task::spawn(super::background::run_timers(Rc::downgrade(&slot), slot.timers_changed.clone()));
        slot
    }

    pub(super) fn is_of(&self, partition: &Rc<Partition>) -> bool {
        Rc::ptr_eq(&self.partition, partition)
    }

    /// Ends it: whoever waits is told to look elsewhere.
    pub(super) fn close(&self) {
        *self.phase.borrow_mut() = Phase::Closed;
        self.waiting.drop_all();
        self.count_memory(0);
        self.timers_changed.notify_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Closed)
    }

    /// Now, on the clocks of this shard.
    pub(super) fn now() -> Moment {
        Moment { ticks_ms: time::now().as_nanoseconds() / 1_000_000, unix_ms: time::unix_ms() }
    }

    /// Whether the shard has memory for more groups and offsets.
    pub fn has_room(&self) -> bool {
        let has_room = self.common.memory_bytes.get() < self.common.memory_bytes_max;
        if !has_room {
            let bytes = self.common.memory_bytes.get();
            tracing::error!(bytes, "groups take all the memory that they may: new members and offsets are refused");
        }
        has_room
    }

    /// Lets the coordinator work on one event, and writes what it decides. Must be polled to its end.
    ///
    /// # Errors
    /// `COORDINATOR_LOAD_IN_PROGRESS`, `NOT_COORDINATOR`, or why the log did not take the records.
    pub async fn event<T>(
        self: &Rc<Self>,
        work: impl FnOnce(&mut Coordinator, Moment) -> T,
    ) -> Result<Done<T>, ErrorCode> {
        let turn = self.turn.acquire(1).await;
        let (value, effects) = self.decide(work)?;
        self.settle(effects).await?;
        drop(turn);
        Ok(Done { value, commit: self.last_commit.get() })
    }

    /// As [`Slot::event`], and waits until what it came to is durable.
    ///
    /// # Errors
    /// As [`Slot::event`].
    pub async fn durably<T>(self: &Rc<Self>, work: impl FnOnce(&mut Coordinator, Moment) -> T) -> Result<T, ErrorCode> {
        let Done { value, commit } = self.event(work).await?;
        self.durable(commit).await?;
        Ok(value)
    }

    /// Looks at the coordinator; what is seen holds once the commit is durable.
    ///
    /// # Errors
    /// `COORDINATOR_LOAD_IN_PROGRESS` or `NOT_COORDINATOR`.
    pub async fn look<T>(self: &Rc<Self>, look: impl FnOnce(&Coordinator) -> T) -> Result<T, ErrorCode> {
        self.durably(|coordinator, _| look(coordinator)).await
    }

    /// Looks at the coordinator as it is, durable or not; none while it loads, and after its end.
    pub fn peek<T>(&self, look: impl FnOnce(&Coordinator) -> T) -> Option<T> {
        match &*self.phase.borrow() {
            Phase::Ready(coordinator) => Some(look(coordinator)),
            Phase::Loading | Phase::Closed => None,
        }
    }

    /// Waits until a commit is durable.
    pub(super) async fn durable(&self, commit: Option<CommitSequence>) -> Result<(), ErrorCode> {
        match commit {
            None => Ok(()),
            Some(commit) => self.partition.committed(commit, Acks::All).await.map_err(|_| ErrorCode::NotCoordinator),
        }
    }

    fn decide<T>(&self, work: impl FnOnce(&mut Coordinator, Moment) -> T) -> Result<(T, Effects), ErrorCode> {
        let mut phase = self.phase.borrow_mut();
        let coordinator = match &mut *phase {
            Phase::Ready(coordinator) => coordinator,
            Phase::Loading => return Err(ErrorCode::CoordinatorLoadInProgress),
            Phase::Closed => return Err(ErrorCode::NotCoordinator),
        };
        let value = work(coordinator, Slot::now());
        Ok((value, coordinator.take_effects()))
    }

    /// Writes an event's records, lets go of its answers, and looks after the timers.
    async fn settle(self: &Rc<Self>, effects: Effects) -> Result<(), ErrorCode> {
        if !effects.records.is_empty() {
            self.write(&effects).await?;
        }
        let commit = self.last_commit.get();
        for (ticket, answer) in effects.answers {
            self.waiting.answer(ticket, answer, commit);
        }
        if let Phase::Ready(coordinator) = &*self.phase.borrow() {
            self.count_memory(coordinator.memory_bytes());
            let next_ms = coordinator.next_deadline_ms().unwrap_or(u64::MAX);
            if next_ms < self.sleeps_until_ms.get() {
                self.timers_changed.notify_all();
            }
        }
        for (group, request) in effects.resolutions {
            task::spawn(Rc::clone(self).resolve(group, request));
        }
        self.rewrite_if_due();
        Ok(())
    }

    pub(super) fn count_memory(&self, bytes: usize) {
        let all = &self.common.memory_bytes;
        all.set(all.get() + bytes - self.counted_bytes.replace(bytes));
    }

    /// Finds the topics of a group's patterns, in slices.
    async fn resolve(self: Rc<Self>, group: Text, request: ResolutionRequest) {
        let mut work = Resolution::new(request);
        while !work.step(&*self.common.cluster, NAMES_PER_SLICE) {
            task::yield_now().await;
        }
        let resolved = work.finish();
        // Refused, it is asked for again at a later heartbeat.
        let _: Result<_, ErrorCode> = self.event(|coordinator, now| coordinator.resolved(&group, resolved, now)).await;
    }

    /// Lets offsets go of topics that are gone.
    pub(super) async fn forget_topics(self: &Rc<Self>, is_gone: impl Fn(&Text, Uuid) -> bool) {
        let mut from: Option<Text> = None;
        loop {
            let step = self.event(|coordinator, _| coordinator.forget_topics(from.as_ref(), &is_gone)).await;
            match step {
                Ok(Done { value: Some(came_to), .. }) => from = Some(came_to),
                // A log that takes nothing now: they expire with time.
                Ok(Done { value: None, .. }) | Err(_) => return,
            }
            task::yield_now().await;
        }
    }
}
