//! Owns the state that the tasks of one log share.
//!
//! One per log directory, on its shard. [`super::ShardLog`] is its face; writer, roller, preparer and readers work on it. No borrow of its cells
//! is ever held across an await, nor while the observer is called.

use super::files::{DeadSegment, Files};
use super::index::Index;
use super::interface::{CompactionStatistics, EntryProgress, LogObserver};
use super::meters::LogMeters;
use super::milestone::Milestone;
use super::options::LogOptions;
use super::queue::CommitQueue;
use super::read_ahead::Goals;
use super::segment_file::SegmentFile;
use super::settle::Pace;
use crate::cache::blocks::BlockCache;
use crate::cache::footers::FooterCache;
use crate::cache::tail::TailCache;
use crate::ids::CommitSequence;
use corelog_rt::fatal::{self, Reason};
use corelog_rt::sync::Notify;
use corelog_rt::task::JoinHandle;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;
use std::task::{Context, Waker};

/// The state of one log.
pub struct Core {
    pub(super) dir: PathBuf,
    pub(super) options: LogOptions,
    pub(super) index: RefCell<Index>,
    pub(super) queue: RefCell<CommitQueue>,
    pub(super) observer: RefCell<Option<Rc<dyn LogObserver>>>,
    pub(super) written: Milestone,
    pub(super) durable: Milestone,
    pub(super) tail: RefCell<TailCache>,
    pub(super) blocks: BlockCache,
    pub(super) footers: FooterCache,
    /// What the readers of partitions will want next, where somebody sees to that.
    pub(super) goals: RefCell<Goals>,
    pub(super) files: RefCell<Files>,
    pub(super) signals: Signals,
    pub(super) tasks: RefCell<Vec<JoinHandle<()>>>,
    pub(super) stopping: Cell<bool>,
    /// Segments and bytes that the settling pass wrote since the log was opened.
    pub(super) settled: Cell<(u64, u64)>,
    pub(super) meters: LogMeters,
    pub(super) pace: Pace,
    pub(super) compaction: Cell<CompactionStatistics>,
}

/// What the log's tasks wait for.
#[derive(Debug, Default)]
pub struct Signals {
    pub(super) writers: IdleTasks,
    pub(super) syncers: IdleTasks,
    pub(super) admission: Notify,
    pub(super) roll: Notify,
    pub(super) prepare: Notify,
    pub(super) prewrite: Notify,
    pub(super) reclaim: Notify,
    pub(super) settle: Notify,
    pub(super) roll_signalled: Cell<bool>,
}

/// Tasks of one kind that have nothing to do, by their number.
#[derive(Debug, Default)]
pub struct IdleTasks {
    wakers: RefCell<Vec<Option<Waker>>>,
}

impl IdleTasks {
    /// The task `number` waits.
    pub(super) fn wait(&self, number: usize, context: &Context<'_>) {
        let mut wakers = self.wakers.borrow_mut();
        if wakers.len() <= number {
            wakers.resize(number + 1, None);
        }
        if let Some(slot) = wakers.get_mut(number) {
            match slot {
                Some(waker) => waker.clone_from(context.waker()),
                None => *slot = Some(context.waker().clone()),
            }
        }
    }

    /// Wakes one that waits, if any does.
    pub(super) fn wake_one(&self) {
        let waker = self.wakers.borrow_mut().iter_mut().find_map(Option::take);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Wakes all that wait.
    pub(super) fn wake_all(&self) {
        let wakers: Vec<Waker> = self.wakers.borrow_mut().iter_mut().filter_map(Option::take).collect();
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Core {
    /// Calls the observer, if there is one.
    pub(super) fn observe(&self, call: impl FnOnce(&dyn LogObserver)) {
        let observer = self.observer.borrow().clone();
        if let Some(observer) = observer {
            call(&*observer);
        }
    }

    /// Wakes whom a change of the queue concerns.
    pub(super) fn queue_changed(&self) {
        let (has_write, roll_wanted) = {
            let queue = self.queue.borrow();
            (queue.has_write(), queue.roll_wanted())
        };
        if has_write {
            self.signals.writers.wake_one();
        }
        if roll_wanted && !self.signals.roll_signalled.replace(true) {
            self.signals.roll.notify_all();
        }
    }

    /// On a full disk, has the preparer see whether control entries need more room.
    pub(super) fn keep_control_room(&self) {
        let is_short = {
            let queue = self.queue.borrow();
            queue.is_disk_full() && queue.is_control_short()
        };
        if is_short {
            self.signals.prepare.notify_all();
        }
    }

    /// Everything up to `sequence` survives the loss of power.
    pub(super) fn became_durable(&self, sequence: CommitSequence) {
        let (progress, open): (Vec<EntryProgress>, bool) = {
            let mut queue = self.queue.borrow_mut();
            let progress = queue.synced(sequence);
            (progress, queue.is_open())
        };
        if !progress.is_empty() {
            self.observe(|observer| observer.durable(&progress));
        }
        self.durable.reach(sequence);
        if open {
            self.signals.admission.notify_all();
        }
        self.queue_changed();
    }

    /// Hands segments that just lost their last live batch to the reclaimer.
    pub(super) fn collect_dying(&self) {
        let dying = self.index.borrow_mut().take_dying();
        if dying.is_empty() {
            return;
        }
        let after = self.queue.borrow().sequence_appended();
        self.files.borrow_mut().dead.extend(dying.into_iter().map(|segment| DeadSegment { segment, after }));
        self.signals.reclaim.notify_all();
    }
}

/// Ends the process: what the device holds of `segment` is unknown.
pub(super) fn fail(reason: Reason, segment: &SegmentFile, error: &std::io::Error) -> ! {
    fatal::exit(reason, format_args!("{}: {error}", segment.path.display()))
}

impl fmt::Debug for Core {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Core").field("dir", &self.dir).finish_non_exhaustive()
    }
}
