//! Owns the start of an engine: from a directory to shards that serve.
//!
//! Conducted by shard 0, which sends the steps of the others through the router. In order: lock and identity of the directory; every
//! shard opens its logs; shard 0 replays the metadata; every shard takes the image and makes its partitions of what its logs told; the
//! logs begin to write; the start itself is made durable. Until then nothing was written but empty logs, so a crash on the way leaves a
//! directory that starts the same way again.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use corelog_rt::{dir, time};
use futures_util::future::join_all;

use super::commands::CONTROLLER_SHARD;
use super::error::BootError;
use super::identity::{self, Identity};
use super::recovery::Recovering;
use super::state::{Phase, Shard};
use crate::ids::{LogId, ShardId};
use crate::limits::LOGS_MAX;
use crate::log::ShardLog;
use crate::metadata::controller::fresh_id;
use crate::metadata::{Controller, ImageDelta, MetadataImage, MetadataSettings, MetadataState, MetadataStore, TopicId};

/// Starts the engine whose shard 0 is `zero`.
pub(super) async fn boot(zero: &Rc<Shard>) -> Result<(), BootError> {
    let settings = Arc::clone(&zero.settings);
    let data_dir = &settings.data_dir;
    let io = |error| BootError::Io { path: data_dir.clone(), error };
    dir::create_all(data_dir).await.map_err(io)?;
    *zero.lock.borrow_mut() = Some(dir::lock(data_dir)?);
    let fresh = Identity { cluster_id: fresh_id(), broker_id: settings.broker_id };
    let identity = identity::load_or_create(data_dir, fresh).await?;
    let existing = existing_logs(zero).await?;
    let highest = existing.last().map_or(0, |log| log.0 + 1);
    let logs = highest.max(settings.shards as u32);
    on_every_shard(zero, move |shard| async move { shard.open_logs(logs).await }).await?;
    let (store, image) = replay(zero, identity.cluster_id, &existing).await?;
    let settings = MetadataSettings { broker_id: settings.broker_id, statics: Arc::clone(&settings.statics), logs };
    let mut state = MetadataState { image, settings };
    let start = state.start_broker(identity.cluster_id);
    state.image.apply(&start.records).expect("a broker may start at any time");
    let whole = Arc::new(state.image.whole());
    on_every_shard(zero, move |shard| {
        let whole = Arc::clone(&whole);
        async move { shard.adopt(&whole).await }
    })
    .await?;
    store.append(&start.records).await.map_err(BootError::MetadataWrite)?;
    let _ = zero.controller.set(Rc::new(Controller::new(state, store)));
    on_every_shard(zero, |shard| async move { shard.serve().await }).await
}

impl Shard {
    /// Opens the logs of this shard out of `logs`, and makes those that are not there.
    async fn open_logs(self: Rc<Self>, logs: u32) -> Result<(), BootError> {
        let own: Vec<LogId> = (0..logs).map(LogId).filter(|log| self.owner_of_log(*log) == self.id).collect();
        for id in &own {
            let path = self.settings.log_dir(*id);
            dir::create_all(&path).await.map_err(|error| BootError::Io { path: path.clone(), error })?;
            let mut recovering = Recovering::new(time::unix_ms());
            let log = ShardLog::open(path, self.settings.log_options(*id, own.len()), &mut recovering).await?;
            recovering.check(*id)?;
            log.set_observer(self.partitions.observer(*id));
            self.logs.borrow_mut().insert(*id, log);
            self.recovered.borrow_mut().insert(*id, recovering);
        }
        Ok(())
    }

    /// Takes the image, makes the partitions, lets the logs write.
    async fn adopt(self: Rc<Self>, whole: &ImageDelta) -> Result<(), BootError> {
        let mut recovered = std::mem::take(&mut *self.recovered.borrow_mut());
        self.follow_with(whole, &mut recovered).await;
        self.doom_orphans();
        self.logs.borrow().values().for_each(ShardLog::start);
        Ok(())
    }

    async fn serve(self: Rc<Self>) -> Result<(), BootError> {
        self.bury().await;
        self.start_ticker();
        self.enter(Phase::Running);
        Ok(())
    }
}

/// Reads the metadata, and checks it against the directory that it was found in.
async fn replay(
    zero: &Rc<Shard>,
    cluster_id: TopicId,
    existing: &BTreeSet<LogId>,
) -> Result<(MetadataStore, MetadataImage), BootError> {
    let log = zero.logs.borrow().get(&LogId(0)).cloned().ok_or(BootError::Stopped)?;
    let (store, image) = MetadataStore::open(log).await?;
    let found = image.cluster_id();
    if found != TopicId::ZERO && found != cluster_id {
        return Err(BootError::OtherCluster { identity: cluster_id, metadata: found });
    }
    let placed = image.topics().flat_map(|topic| topic.partitions.iter().map(|partition| partition.log));
    if let Some(missing) = placed.into_iter().find(|log| !existing.contains(log)) {
        return Err(BootError::LogMissing { path: zero.settings.log_dir(missing) });
    }
    Ok((store, image))
}

/// The logs that the data directory holds.
async fn existing_logs(zero: &Shard) -> Result<BTreeSet<LogId>, BootError> {
    let data_dir = &zero.settings.data_dir;
    let io = |error| BootError::Io { path: data_dir.clone(), error };
    let names = dir::list(data_dir).await.map_err(io)?;
    let number = |name: &String| name.strip_prefix("log-").and_then(|number| number.parse().ok());
    let logs: BTreeSet<LogId> = names.iter().filter_map(number).map(LogId).collect();
    match logs.last() {
        Some(last) if last.0 >= LOGS_MAX => Err(BootError::TooManyLogs { data_dir: data_dir.clone() }),
        _ => Ok(logs),
    }
}

/// Runs a step on all shards at once; the first error of any of them is the step's.
async fn on_every_shard<F>(
    zero: &Rc<Shard>,
    step: impl Fn(Rc<Shard>) -> F + Clone + Send + 'static,
) -> Result<(), BootError>
where
    F: Future<Output = Result<(), BootError>> + 'static,
{
    let targets = (0..zero.shards()).map(|target| ShardId(target as u16));
    let results = join_all(targets.map(|target| zero.run(target, step.clone()))).await;
    results.into_iter().try_for_each(|result| result.unwrap_or(Err(BootError::Stopped)))
}

/// Tells the shards that wait for the start that there will be none.
pub(super) async fn give_up(zero: &Rc<Shard>) {
    let end = |shard: Rc<Shard>| async move {
        shard.enter(Phase::Ended);
        Ok(())
    };
    // They are all still waiting, and there is nothing to do about one that is not.
    let _ = on_every_shard(zero, end).await;
    zero.lock.borrow_mut().take();
    debug_assert_eq!(zero.id, CONTROLLER_SHARD);
}
