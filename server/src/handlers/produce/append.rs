//! Appending a request's batches on the shards that own their partitions, and waiting until they are as safe as asked for.
//!
//! The first half runs before the connection's next request is looked at, so appends of one connection keep their order on
//! every shard. Where the log is full of work it waits, and with it the connection's socket.

use std::rc::Rc;
use std::time::Duration;

use corelog_engine::ids::{CommitSequence, PartitionKey, ShardId};
use corelog_engine::log::AppendRefused;
use corelog_engine::partition::{Acks, AppendError, Appended, Partition};
use corelog_engine::shard::Shard;
use corelog_protocol::Records;
use corelog_rt::sync::cross;
use corelog_rt::time::Instant;
use corelog_rt::{task, time};
use futures_util::future::join_all;

use crate::broker::Broker;

/// One batch of a request.
pub struct Batch {
    /// Its place among the request's partitions.
    pub index: usize,
    /// Where it goes.
    pub key: PartitionKey,
    /// What the client sent.
    pub records: Records,
}

/// What came of one batch, by its place.
pub type Result = (usize, std::result::Result<Appended, AppendError>);

/// Appends that are not yet as safe as asked for.
#[derive(Default)]
pub struct Unsafe {
    own: Vec<(Rc<Partition>, CommitSequence)>,
    elsewhere: Vec<cross::Receiver<bool>>,
}

/// Why it is not known whether an append is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The client's time is over.
    Timeout,
    /// The log ended.
    Stopping,
}

/// Appends the batches of each shard in the order given, those of a request that was `received` then.
pub async fn append(
    broker: &Rc<Broker>,
    groups: Vec<(ShardId, Vec<Batch>)>,
    acks: Option<Acks>,
    received: Instant,
) -> (Vec<Result>, Unsafe) {
    if let [(shard, _)] = groups.as_slice()
        && *shard == broker.shard().id()
    {
        let batches = groups.into_iter().next().map(|(_, batches)| batches).unwrap_or_default();
        let (results, own) = append_here(broker, batches, received).await;
        return (results, Unsafe { own, elsewhere: Vec::new() });
    }
    let own_shard = broker.shard().id();
    let (own, elsewhere): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(shard, _)| *shard == own_shard);
    let asked = elsewhere.into_iter().map(|(shard, batches)| append_there(broker, shard, batches, acks));
    let there = join_all(asked);
    let here = append_here(broker, own.into_iter().flat_map(|(_, batches)| batches).collect(), received);
    let (there, (mut results, own)) = futures_util::join!(there, here);
    let mut elsewhere = Vec::with_capacity(there.len());
    for (part, receiver) in there {
        results.extend(part);
        elsewhere.extend(receiver);
    }
    (results, Unsafe { own, elsewhere })
}

/// Appends what arrived on this shard at `began`.
async fn append_here(
    broker: &Broker,
    batches: Vec<Batch>,
    began: Instant,
) -> (Vec<Result>, Vec<(Rc<Partition>, CommitSequence)>) {
    let mut results = Vec::with_capacity(batches.len());
    let mut commits = Vec::with_capacity(batches.len());
    if batches.is_empty() {
        return (results, commits);
    }
    let meters = broker.meters();
    let mut waited = Duration::ZERO;
    for batch in batches {
        let bytes = batch.records.len();
        let result = match broker.shard().partition(batch.key) {
            None => Err(AppendError::Deleted),
            Some(partition) => {
                let result = append_one(&partition, batch.records, &mut waited).await;
                commits.extend(result.as_ref().ok().map(|appended| (partition, appended.commit)));
                result
            }
        };
        if let Ok(appended) = &result
            && !appended.is_duplicate
        {
            meters.produced((appended.last_offset.0 - appended.base_offset.0 + 1) as u64, bytes as u64);
        }
        results.push((batch.index, result));
    }
    meters.appended(began.elapsed().saturating_sub(waited), waited);
    (results, commits)
}

/// Appends one batch; adds to `waited` how long the log was too busy for it.
async fn append_one(
    partition: &Partition,
    records: Records,
    waited: &mut Duration,
) -> std::result::Result<Appended, AppendError> {
    let records = records.into_contiguous();
    loop {
        if !partition.log().is_admitting() {
            let began = time::now();
            partition.log().admission().await;
            *waited += began.elapsed();
        }
        match partition.append(&records, time::unix_ms()) {
            Err(AppendError::Log(AppendRefused::Busy)) => {}
            result => return result,
        }
    }
}

/// Has another shard append; it says on its own when all of it is safe, if anybody waits for that.
async fn append_there(
    broker: &Rc<Broker>,
    shard: ShardId,
    batches: Vec<Batch>,
    acks: Option<Acks>,
) -> (Vec<Result>, Option<cross::Receiver<bool>>) {
    let indexes: Vec<usize> = batches.iter().map(|batch| batch.index).collect();
    let appended = broker.shard().run(shard, move |shard: Rc<Shard>| async move {
        let Some(broker) = shard.attached::<Broker>() else {
            let closed = |batch: Batch| (batch.index, Err(AppendError::Log(AppendRefused::Closed)));
            return (batches.into_iter().map(closed).collect(), None);
        };
        let (results, commits) = append_here(&broker, batches, time::now()).await;
        let receiver = acks.map(|acks| {
            let (sender, receiver) = cross::channel();
            task::spawn(async move {
                // Nobody waits where the connection is gone.
                let _ = sender.send(committed(&commits, acks).await);
            });
            receiver
        });
        (results, receiver)
    });
    match appended.await {
        Ok(appended) => appended,
        Err(_) => {
            (indexes.into_iter().map(|index| (index, Err(AppendError::Log(AppendRefused::Closed)))).collect(), None)
        }
    }
}

async fn committed(commits: &[(Rc<Partition>, CommitSequence)], acks: Acks) -> bool {
    for (partition, commit) in commits {
        if partition.committed(*commit, acks).await.is_err() {
            return false;
        }
    }
    true
}

impl Unsafe {
    /// Waits until every append is safe, at most for `limit`.
    pub async fn wait(self, acks: Acks, limit: Duration) -> std::result::Result<(), Doubt> {
        let all = async {
            let mut is_safe = committed(&self.own, acks).await;
            for receiver in self.elsewhere {
                is_safe &= receiver.await.unwrap_or(false);
            }
            is_safe
        };
        match time::timeout(limit, all).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Doubt::Stopping),
            Err(_) => Err(Doubt::Timeout),
        }
    }
}
