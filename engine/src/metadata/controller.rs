//! Owns the doing half of the state machine: takes commands one at a time, makes their records durable, applies them, lets every shard
//! follow, and only then answers.
//!
//! On shard 0 alone; other shards reach it through the router. Whoever runs a command must run it to its end, as a task of its own: a
//! command that is dropped between the log and the image would leave the two apart.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use corelog_rt::fatal::{self, Reason};
use corelog_rt::rand;
use corelog_rt::sync::Semaphore;

use super::batches;
use super::error::MetadataError;
use super::image::ImageDelta;
use super::state::{Decision, MetadataState};
use super::store::MetadataStore;
use super::topic_id::TopicId;
use crate::ids::Offset;
use crate::limits::METADATA_COMMAND_BYTES_MAX;

/// Takes commands on the metadata.
#[derive(Debug)]
pub struct Controller {
    state: RefCell<MetadataState>,
    store: MetadataStore,
    turn: Semaphore,
    /// Producer ids of the current block that are not yet given out.
    producer_ids: Cell<(i64, i64)>,
}

impl Controller {
    /// Begins with what the log said.
    pub fn new(state: MetadataState, store: MetadataStore) -> Controller {
        Controller { state: RefCell::new(state), store, turn: Semaphore::new(1), producer_ids: Cell::new((0, 0)) }
    }

    /// Runs one command: `decide` looks at the state, `follow` brings what changed to every shard and returns once they have it.
    pub async fn execute<T>(
        &self,
        decide: impl FnOnce(&MetadataState) -> Decision<T>,
        follow: impl AsyncFn(Arc<ImageDelta>),
    ) -> Result<T, MetadataError> {
        let _turn = self.turn.acquire(1).await;
        self.execute_in_turn(decide, follow).await
    }

    /// The next producer id. Takes a further block from the state machine when the current one is used up.
    pub async fn next_producer_id(&self, follow: impl AsyncFn(Arc<ImageDelta>)) -> Result<i64, MetadataError> {
        let _turn = self.turn.acquire(1).await;
        let (mut next, mut left) = self.producer_ids.get();
        if left == 0 {
            (next, left) = self.execute_in_turn(MetadataState::allocate_producer_ids, follow).await?;
        }
        self.producer_ids.set((next + 1, left - 1));
        Ok(next)
    }

    /// Where the metadata log ends.
    pub fn log_end(&self) -> Offset {
        self.store.end()
    }

    /// All that an empty image needs to become the current one.
    pub fn whole(&self) -> ImageDelta {
        self.state.borrow().image.whole()
    }

    async fn execute_in_turn<T>(
        &self,
        decide: impl FnOnce(&MetadataState) -> Decision<T>,
        follow: impl AsyncFn(Arc<ImageDelta>),
    ) -> Result<T, MetadataError> {
        let Decision { records, answer } = decide(&self.state.borrow());
        if batches::cut(&records).iter().any(|run| batches::encoded_bytes(run) > METADATA_COMMAND_BYTES_MAX) {
            return Err(MetadataError::CommandTooLarge);
        }
        // Batch by batch: should the disk be full halfway, the image still says what the log says.
        for run in batches::cut(&records) {
            self.store.append(run).await?;
            let applied = self.state.borrow_mut().image.apply(run);
            match applied {
                Ok(delta) => follow(Arc::new(delta)).await,
                Err(error) => fatal::exit(Reason::MetadataInvalid, format_args!("a record just decided: {error}")),
            }
        }
        if self.store.snapshot_is_due() {
            self.snapshot().await;
        }
        Ok(answer)
    }

    async fn snapshot(&self) {
        let image = self.state.borrow().image.clone();
        if let Err(error) = self.store.snapshot(&image).await {
            // The next command tries again; until then a start replays more.
            tracing::warn!("the snapshot of the metadata was not written: {error}");
        }
    }
}

/// A fresh random id.
pub fn fresh_id() -> TopicId {
    loop {
        let mut bytes = [0; 16];
        rand::fill(&mut bytes);
        if let Some(id) = TopicId::from_random(bytes) {
            return id;
        }
    }
}
