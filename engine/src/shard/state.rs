//! Owns the shard: everything that one core owns, and what handlers ask of it.
//!
//! One per executor, shared by all its tasks. Nothing in it is ever touched by another thread: what another shard needs of it comes as a
//! closure through the router. No borrow of its cells is held across an await.

use std::any::Any;
use std::cell::{Cell, OnceCell, Ref, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use corelog_rt::dir::DirLock;
use corelog_rt::map::HashMap;
use corelog_rt::sync::{Notify, cross};

use super::partitions::Partitions;
use super::recovery::Recovering;
use super::router::{Router, Stopping};
use super::settings::EngineSettings;
use crate::config::{ConfigMap, TopicSettings};
use crate::ids::{LogId, PartitionKey, ShardId, TopicNumber};
use crate::log::inspect::SegmentReport;
use crate::log::{LogSample, ShardLog};
use crate::metadata::{Controller, MetadataImage};
use crate::partition::Partition;

/// How far the shard's life is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Its logs are being opened.
    Booting,
    /// It serves.
    Running,
    /// Its logs are closed, or the start failed.
    Ended,
}

/// A partition that a log must still be told to forget.
pub(super) struct Doomed {
    pub(super) log: LogId,
    pub(super) key: PartitionKey,
    /// What requests may still hold of it; `None` where a crash left it.
    pub(super) partition: Option<Rc<Partition>>,
}

/// Everything that one core owns.
pub struct Shard {
    pub(super) id: ShardId,
    pub(super) settings: Arc<EngineSettings>,
    pub(super) router: Router<Shard>,
    pub(super) image: RefCell<MetadataImage>,
    pub(super) logs: RefCell<BTreeMap<LogId, ShardLog>>,
    pub(super) partitions: Partitions,
    /// Resolved settings of topics, made when first asked for.
    pub(super) topic_settings: RefCell<HashMap<TopicNumber, Rc<TopicSettings>>>,
    /// What the logs told while they were opened; empty once the shard serves.
    pub(super) recovered: RefCell<HashMap<LogId, Recovering>>,
    /// Partitions that the logs must still be told to forget.
    pub(super) doomed: RefCell<Vec<Doomed>>,
    /// On shard 0 alone.
    pub(super) controller: OnceCell<Rc<Controller>>,
    /// On shard 0 alone: held as long as the engine runs.
    pub(super) lock: RefCell<Option<DirLock>>,
    /// What the shard's main keeps beside it, for jobs that come from other shards.
    pub(super) attached: RefCell<Option<Weak<dyn Any>>>,
    pub(super) phase: Cell<Phase>,
    pub(super) phase_changed: Notify,
    pub(super) stopping: Cell<bool>,
    pub(super) stop_asked: Notify,
    /// On shard 0 alone: how many shards' mains have returned.
    pub(super) mains_done: Cell<usize>,
}

impl Shard {
    pub(super) fn new(id: ShardId, settings: Arc<EngineSettings>, router: Router<Shard>) -> Shard {
        Shard {
            id,
            settings,
            router,
            image: RefCell::default(),
            logs: RefCell::default(),
            partitions: Partitions::default(),
            topic_settings: RefCell::default(),
            recovered: RefCell::default(),
            doomed: RefCell::default(),
            controller: OnceCell::new(),
            lock: RefCell::default(),
            attached: RefCell::default(),
            phase: Cell::new(Phase::Booting),
            phase_changed: Notify::new(),
            stopping: Cell::new(false),
            stop_asked: Notify::new(),
            mains_done: Cell::new(0),
        }
    }

    /// Which shard this is.
    pub fn id(&self) -> ShardId {
        self.id
    }

    /// How many shards there are.
    pub fn shards(&self) -> usize {
        self.router.shards()
    }

    /// How much work each shard was sent by others and has not begun, in shard order.
    pub fn queued(&self) -> impl Iterator<Item = usize> {
        self.router.queued()
    }

    /// What the engine was started with.
    pub fn settings(&self) -> &Arc<EngineSettings> {
        &self.settings
    }

    /// This broker's id.
    pub fn broker_id(&self) -> i32 {
        self.settings.broker_id
    }

    /// The broker's configs that were set at start.
    pub fn statics(&self) -> &ConfigMap {
        &self.settings.statics
    }

    /// The metadata as this shard knows it: at least everything that was answered before. Let go of it before an await.
    pub fn image(&self) -> Ref<'_, MetadataImage> {
        self.image.borrow()
    }

    /// The shard that owns a log.
    pub fn owner_of_log(&self, log: LogId) -> ShardId {
        ShardId((log.0 as usize % self.shards()) as u16)
    }

    /// The shard that owns a partition; `None` where there is no such partition.
    pub fn owner(&self, key: PartitionKey) -> Option<ShardId> {
        self.image().log_of(key).map(|log| self.owner_of_log(log))
    }

    /// A partition of this very shard; `None` where another shard owns it or there is none.
    pub fn partition(&self, key: PartitionKey) -> Option<Rc<Partition>> {
        self.partitions.get(key)
    }

    /// The names of all partitions of this very shard, in no order.
    pub fn partition_keys(&self) -> Vec<PartitionKey> {
        self.partitions.keys()
    }

    /// How many partitions this very shard has.
    pub fn partition_count(&self) -> usize {
        self.partitions.len()
    }

    /// What each log of this very shard has done, and holds.
    pub fn log_samples(&self) -> Vec<LogSample> {
        self.logs.borrow().values().map(ShardLog::sample).collect()
    }

    /// The segments of each log of this very shard.
    pub fn log_segments(&self) -> Vec<(LogId, Vec<SegmentReport>)> {
        self.logs.borrow().iter().map(|(id, log)| (*id, log.segments())).collect()
    }

    /// Every partition of this very shard.
    pub fn partitions(&self) -> Vec<Rc<Partition>> {
        self.partitions.all()
    }

    /// Runs `work` on the shard `target` and brings back its result; in place where that is this one. Fails only while it stops.
    pub async fn run<W, F, T>(self: &Rc<Self>, target: ShardId, work: W) -> Result<T, Stopping>
    where
        W: FnOnce(Rc<Shard>) -> F + Send + 'static,
        F: Future<Output = T> + 'static,
        T: Send + 'static,
    {
        self.router.run(self, target, work).await
    }

    /// Queues `work` for another shard and goes on; its result comes by what this returns, which is closed if that shard ends first.
    /// Work starts in the order in which it was queued here. Fails only while that shard stops.
    pub async fn ask<W, F, T>(&self, target: ShardId, work: W) -> Result<cross::Receiver<T>, Stopping>
    where
        W: FnOnce(Rc<Shard>) -> F + Send + 'static,
        F: Future<Output = T> + 'static,
        T: Send + 'static,
    {
        self.router.ask(target, work).await
    }

    /// Keeps `companion` where jobs from other shards find it, for as long as its owner does. What was attached before is let go.
    pub fn attach<T: 'static>(&self, companion: &Rc<T>) {
        let companion: Rc<dyn Any> = Rc::<T>::clone(companion);
        *self.attached.borrow_mut() = Some(Rc::downgrade(&companion));
    }

    /// What was attached; `None` before that, after its owner let go of it, or where it is something else.
    pub fn attached<T: 'static>(&self) -> Option<Rc<T>> {
        let companion = self.attached.borrow().as_ref().and_then(Weak::upgrade)?;
        companion.downcast().ok()
    }

    /// Whether the engine was asked to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping.get()
    }

    /// Returns once the engine was asked to stop.
    pub async fn stopped(&self) {
        while !self.stopping.get() {
            self.stop_asked.notified().await;
        }
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        self.phase_changed.notify_all();
    }

    pub(super) async fn reached(&self, phase: Phase) {
        while self.phase.get() < phase {
            self.phase_changed.notified().await;
        }
    }
}

impl fmt::Debug for Shard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Shard").field("id", &self.id).field("phase", &self.phase.get()).finish_non_exhaustive()
    }
}
