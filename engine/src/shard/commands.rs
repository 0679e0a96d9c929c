//! Owns the way of metadata commands: from any shard to the controller on shard 0, and of what changed to all shards.
//!
//! Handlers call the methods here on their own shard. An answer is given once every shard follows, so whoever is told that a topic is
//! there finds it on every connection.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use corelog_rt::task;
use futures_util::future::join_all;

use super::state::Shard;
use crate::ids::{Offset, ShardId};
use crate::metadata::controller::fresh_id;
use crate::metadata::{
    Controller, CreatedTopic, Decision, DeletedTopic, ImageDelta, MetadataError, MetadataState, NewPartitions,
    NewTopic, ResourceUpdate, TopicReference,
};

/// The shard that the controller runs on.
pub const CONTROLLER_SHARD: ShardId = ShardId(0);

impl Shard {
    /// Creates topics, or only says whether it would; one answer each, in order.
    pub async fn create_topics(
        self: &Rc<Self>,
        topics: Vec<NewTopic>,
        validate_only: bool,
    ) -> Vec<Result<CreatedTopic, MetadataError>> {
        let count = topics.len();
        let answers = self.command(move |state| state.create_topics(&topics, validate_only, fresh_id)).await;
        answers.unwrap_or_else(|error| vec![Err(error); count])
    }

    /// Deletes topics; one answer each, in order.
    pub async fn delete_topics(
        self: &Rc<Self>,
        topics: Vec<TopicReference>,
    ) -> Vec<Result<DeletedTopic, MetadataError>> {
        let count = topics.len();
        let answers = self.command(move |state| state.delete_topics(&topics)).await;
        answers.unwrap_or_else(|error| vec![Err(error); count])
    }

    /// Adds partitions to topics, or only says whether it would; one answer each, in order.
    pub async fn create_partitions(
        self: &Rc<Self>,
        topics: Vec<NewPartitions>,
        validate_only: bool,
    ) -> Vec<Result<(), MetadataError>> {
        let count = topics.len();
        let answers = self.command(move |state| state.create_partitions(&topics, validate_only)).await;
        answers.unwrap_or_else(|error| vec![Err(error); count])
    }

    /// Changes configs, or only says whether it would; one answer for each resource, in order. `replace_all` takes back whatever a
    /// resource sets and the command does not name.
    pub async fn alter_configs(
        self: &Rc<Self>,
        resources: Vec<ResourceUpdate>,
        replace_all: bool,
        validate_only: bool,
    ) -> Vec<Result<(), MetadataError>> {
        let count = resources.len();
        let answers = self.command(move |state| state.alter_configs(&resources, replace_all, validate_only)).await;
        answers.unwrap_or_else(|error| vec![Err(error); count])
    }

    /// Where the metadata log ends.
    pub async fn metadata_log_end(self: &Rc<Self>) -> Result<Offset, MetadataError> {
        let work = |controller: Rc<Controller>, _: Rc<Shard>| -> Pin<Box<dyn Future<Output = _>>> {
            Box::pin(async move { Ok(controller.log_end()) })
        };
        self.at_controller(work).await
    }

    /// A producer id that nobody was given before.
    pub async fn next_producer_id(self: &Rc<Self>) -> Result<i64, MetadataError> {
        let work = |controller: Rc<Controller>, shard: Rc<Shard>| -> Pin<Box<dyn Future<Output = _>>> {
            Box::pin(async move { controller.next_producer_id(async |delta| shard.broadcast(delta).await).await })
        };
        self.at_controller(work).await
    }

    /// Runs a command on the state machine.
    pub async fn command<T: Send + 'static>(
        self: &Rc<Self>,
        decide: impl FnOnce(&MetadataState) -> Decision<T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        let work = move |controller: Rc<Controller>, shard: Rc<Shard>| -> Pin<Box<dyn Future<Output = _>>> {
            Box::pin(async move { controller.execute(decide, async |delta| shard.broadcast(delta).await).await })
        };
        self.at_controller(work).await
    }

    /// Brings what changed to every shard; returns once all of them follow.
    pub(super) async fn broadcast(self: &Rc<Self>, delta: Arc<ImageDelta>) {
        let follow = |target: usize| {
            let delta = Arc::clone(&delta);
            self.run(ShardId(target as u16), async move |shard: Rc<Shard>| shard.follow(&delta).await)
        };
        // A shard that stops needs no metadata any more.
        let _ = join_all((0..self.shards()).map(follow)).await;
    }

    /// Runs `work` beside the controller, to its end even if the asker goes away.
    async fn at_controller<T: Send + 'static>(
        self: &Rc<Self>,
        work: impl FnOnce(Rc<Controller>, Rc<Shard>) -> Pin<Box<dyn Future<Output = Result<T, MetadataError>>>>
        + Send
        + 'static,
    ) -> Result<T, MetadataError> {
        let answer = self.run(CONTROLLER_SHARD, move |shard: Rc<Shard>| async move {
            let controller = shard.controller.get().map(Rc::clone).ok_or(MetadataError::Stopping)?;
            task::spawn(work(controller, Rc::clone(&shard))).await
        });
        answer.await.unwrap_or(Err(MetadataError::Stopping))
    }
}
