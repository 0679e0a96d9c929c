//! Owns the partition itself: its state, who is told of the log's progress, and its part of a checkpoint.

use super::leader_epochs::{EpochEnd, LeaderEpochs};
use super::meters::{PartitionCounts, PartitionMeters};
use super::producer::ProducerState;
use super::producers::Producers;
use super::settings::PartitionSettings;
use super::snapshot;
use super::waiters::{FetchWait, TooManyWaiters, Waiters, Watch};
use super::watermarks::Watermarks;
use crate::ids::{CommitSequence, LeaderEpoch, Offset, PartitionKey};
use crate::log::{AppendRefused, Closed, ShardLog};
use std::cell::RefCell;
use std::collections::VecDeque;

/// What a producer waits for, apart from `acks=0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// `acks=1`: written to the device.
    Leader,
    /// `acks=all`: synced on every replica that is in sync; written is enough with `write.caching`.
    All,
}

/// One partition on the shard that owns it. Share it with `Rc`.
#[derive(Debug)]
pub struct Partition {
    key: PartitionKey,
    pub(super) log: ShardLog,
    pub(super) state: RefCell<State>,
    pub(super) waiters: Waiters,
    pub(super) meters: PartitionMeters,
}

/// What changes.
#[derive(Debug)]
pub(super) struct State {
    pub(super) watermarks: Watermarks,
    /// The end of what survives the end of the process.
    pub(super) written_end: Offset,
    /// The end of what survives the loss of power.
    pub(super) durable_end: Offset,
    pub(super) leader_epoch: LeaderEpoch,
    pub(super) epochs: LeaderEpochs,
    pub(super) producers: Producers,
    pub(super) settings: PartitionSettings,
    /// What was appended and is not visible yet, in order: bounded by what the log queues.
    pub(super) pending: VecDeque<Pending>,
    pub(super) is_deleted: bool,
}

/// What one commit adds to the partition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) commit: CommitSequence,
    pub(super) last_offset: Offset,
    pub(super) bytes: usize,
}

impl State {
    pub(super) fn new(
        watermarks: Watermarks,
        epochs: LeaderEpochs,
        producers: Producers,
        settings: PartitionSettings,
    ) -> State {
        State {
            written_end: watermarks.end(),
            durable_end: watermarks.end(),
            watermarks,
            leader_epoch: epochs.latest().unwrap_or(LeaderEpoch(0)),
            epochs,
            producers,
            settings,
            pending: VecDeque::new(),
            is_deleted: false,
        }
    }

    /// Moves the high watermark to where durability is, and gives the bytes that became visible by it.
    fn settle(&mut self) -> usize {
        let high = if self.settings.write_caching { self.written_end } else { self.durable_end };
        if !self.watermarks.raise_high(high) {
            return 0;
        }
        let mut bytes = 0;
        while let Some(first) = self.pending.front().filter(|first| first.last_offset < self.watermarks.high()) {
            bytes += first.bytes;
            self.pending.pop_front();
        }
        bytes
    }

    pub(super) fn add_pending(&mut self, commit: CommitSequence, last_offset: Offset, bytes: usize) {
        match self.pending.back_mut() {
            Some(last) if last.commit == commit => {
                last.last_offset = last_offset;
                last.bytes += bytes;
            }
            _ => self.pending.push_back(Pending { commit, last_offset, bytes }),
        }
    }
}

impl Partition {
    /// A partition that holds nothing yet.
    pub fn new(key: PartitionKey, log: ShardLog, settings: PartitionSettings) -> Partition {
        let watermarks = Watermarks::settled(Offset::ZERO, Offset::ZERO);
        let state = State::new(watermarks, LeaderEpochs::default(), Producers::default(), settings);
        Partition::with_state(key, log, state)
    }

    pub(super) fn with_state(key: PartitionKey, log: ShardLog, state: State) -> Partition {
        Partition {
            key,
            log,
            state: RefCell::new(state),
            waiters: Waiters::default(),
            meters: PartitionMeters::default(),
        }
    }

    /// Its name inside the engine.
    pub fn key(&self) -> PartitionKey {
        self.key
    }

    /// The log that holds it.
    pub fn log(&self) -> &ShardLog {
        &self.log
    }

    /// Its offsets as of now.
    pub fn watermarks(&self) -> Watermarks {
        self.state.borrow().watermarks
    }

    /// The current leader's term.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.state.borrow().leader_epoch
    }

    /// What it obeys.
    pub fn settings(&self) -> PartitionSettings {
        self.state.borrow().settings
    }

    /// Obeys other settings from now on.
    pub fn set_settings(&self, settings: PartitionSettings) {
        self.state.borrow_mut().settings = settings;
        self.settle();
    }

    /// A new term begins here; a term not after the current one changes nothing. The shard says so at boot and when metadata does.
    pub fn become_leader(&self, leader_epoch: LeaderEpoch) {
        let mut state = self.state.borrow_mut();
        if state.epochs.latest().is_some_and(|latest| latest >= leader_epoch) {
            return;
        }
        let end = state.watermarks.end();
        state.leader_epoch = leader_epoch;
        state.epochs.assign(leader_epoch, end);
        drop(state);
        self.waiters.interrupt();
    }

    /// Where the term `asked` ended here; none if that is not known.
    pub fn epoch_end(&self, asked: LeaderEpoch) -> Option<EpochEnd> {
        let state = self.state.borrow();
        state.epochs.end_of(asked, state.watermarks.end())
    }

    /// What clients wrote and read since the shard serves it.
    pub fn counts(&self) -> PartitionCounts {
        self.meters.counts()
    }

    /// Bytes in the log.
    pub fn bytes(&self) -> u64 {
        self.log.partition_bytes(self.key)
    }

    /// The idempotent producers that it remembers, by id.
    pub fn producers(&self) -> Vec<(i64, ProducerState)> {
        self.state.borrow().producers.sorted().into_iter().map(|(id, state)| (id, state.clone())).collect()
    }

    /// Waits until an append is as safe as `acks` asks for.
    ///
    /// # Errors
    /// `Closed` if the log ends first: nothing is known about the append then.
    pub async fn committed(&self, commit: CommitSequence, acks: Acks) -> Result<(), Closed> {
        let written_is_enough = acks == Acks::Leader || self.state.borrow().settings.write_caching;
        if written_is_enough { self.log.written(commit).await } else { self.log.durable(commit).await }
    }

    /// The log wrote everything up to `last_offset`. The shard calls it in the order of the log.
    pub fn on_written(&self, last_offset: Offset) {
        {
            let mut state = self.state.borrow_mut();
            state.written_end = state.written_end.max(last_offset.plus(1));
        }
        self.settle();
    }

    /// The log synced everything up to `last_offset`. The shard calls it in the order of the log.
    pub fn on_durable(&self, last_offset: Offset) {
        {
            let mut state = self.state.borrow_mut();
            state.durable_end = state.durable_end.max(last_offset.plus(1));
            state.written_end = state.written_end.max(state.durable_end);
        }
        self.settle();
    }

    fn settle(&self) {
        let bytes = self.state.borrow_mut().settle();
        if bytes > 0 {
            self.waiters.feed(bytes);
        }
    }

    /// Its part of a checkpoint, as of everything appended so far.
    pub fn snapshot(&self) -> Vec<u8> {
        let state = self.state.borrow();
        snapshot::encode(&state.epochs, &state.producers)
    }

    /// Lets the partition feed `wait` as its high watermark moves. `seen` is the high watermark that the caller's read went up to.
    ///
    /// # Errors
    /// [`TooManyWaiters`].
    pub fn watch(&self, wait: &FetchWait, seen: Offset) -> Result<Watch, TooManyWaiters> {
        let (high, is_deleted) = {
            let state = self.state.borrow();
            (state.watermarks.high(), state.is_deleted)
        };
        let watch = self.waiters.watch(wait, seen, high)?;
        if is_deleted {
            self.waiters.interrupt();
        }
        Ok(watch)
    }

    /// How many long polls watch it.
    pub fn watch_count(&self) -> usize {
        self.waiters.len()
    }

    /// Takes no more appends, ends the long polls, and frees what the log holds of it.
    ///
    /// # Errors
    /// [`AppendRefused`]: nothing changed, call again (after `Busy` once the log admits again).
    pub fn delete(&self) -> Result<CommitSequence, AppendRefused> {
        let commit = self.log.delete_partition(self.key)?;
        self.state.borrow_mut().is_deleted = true;
        self.waiters.interrupt();
        Ok(commit)
    }
}
