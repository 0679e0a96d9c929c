//! Appending a request's batches on the shards that own their partitions, and waiting until they are as safe as asked for.
//!
//! The first half runs before the connection's next request is looked at. It appends what is this shard's own and queues the
//! rest, which its shard appends in the order of arrival, so appends of one connection keep their order on every shard. One
//! message goes to each other shard and one comes back, when all is safe. Where this shard's log is full of work the first half
//! waits, and with it the connection's socket; where another's is, the connection goes on until too much of it is unanswered.

use std::rc::Rc;
use std::time::Duration;

use corelog_engine::ids::{CommitSequence, PartitionKey, ShardId};
use corelog_engine::log::AppendRefused;
use corelog_engine::partition::{Acks, AppendError, Appended, Partition};
use corelog_protocol::Records;
use corelog_rt::sync::cross;
use corelog_rt::time::{self, Instant};

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

/// Appends that are not yet as safe as asked for, or not yet done.
pub struct Appends {
    acks: Option<Acks>,
    results: Vec<Result>,
    own: Vec<(Rc<Partition>, CommitSequence)>,
    elsewhere: Vec<cross::Receiver<Elsewhere>>,
}

/// What another shard did, and whether it is as safe as asked for.
type Elsewhere = (Vec<Result>, bool);

/// Why it is not known whether an append is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The client's time is over.
    Timeout,
    /// The log ended.
    Stopping,
}

/// Appends the batches of each shard in the order given, those of a request that was `received` then. Without `acks` they are as safe as
/// asked for once they are appended.
pub async fn append(
    broker: &Rc<Broker>,
    groups: Vec<(ShardId, Vec<Batch>)>,
    acks: Option<Acks>,
    received: Instant,
) -> Appends {
    let mut appends = Appends { acks, results: Vec::new(), own: Vec::new(), elsewhere: Vec::new() };
    let mut here = Vec::new();
    for (shard, batches) in groups {
        if shard == broker.shard().id() {
            here = batches;
        } else {
            appends.ask(broker, shard, batches).await;
        }
    }
    let (results, own) = append_here(broker, here, received).await;
    appends.results.extend(results);
    appends.own = own;
    appends
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

/// The results of batches that come too late.
fn closed(indexes: &[usize]) -> Vec<Result> {
    indexes.iter().map(|index| (*index, Err(AppendError::Log(AppendRefused::Closed)))).collect()
}

async fn committed(commits: &[(Rc<Partition>, CommitSequence)], acks: Option<Acks>) -> bool {
    let Some(acks) = acks else { return true };
    for (partition, commit) in commits {
        if partition.committed(*commit, acks).await.is_err() {
            return false;
        }
    }
    true
}

impl Appends {
    /// Has another shard append.
    async fn ask(&mut self, broker: &Broker, shard: ShardId, batches: Vec<Batch>) {
        let acks = self.acks;
        let indexes: Vec<usize> = batches.iter().map(|batch| batch.index).collect();
        let asked = broker.shard().ask(shard, {
            let indexes = indexes.clone();
            move |shard| {
                let broker = shard.attached::<Broker>();
                let turn = broker.as_ref().map(|broker| broker.produce_turns().take());
                async move {
                    let (Some(broker), Some(mut turn)) = (broker, turn) else { return (closed(&indexes), true) };
                    turn.come().await;
                    let (results, commits) = append_here(&broker, batches, time::now()).await;
                    drop(turn);
                    (results, committed(&commits, acks).await)
                }
            }
        });
        match asked.await {
            Ok(receiver) => self.elsewhere.push(receiver),
            Err(_) => self.results.extend(closed(&indexes)),
        }
    }

    /// Waits until every append is as safe as asked for, with acks at most for `limit`. The results of batches that were not appended by then are
    /// missing.
    pub async fn finish(mut self, limit: Duration) -> (Vec<Result>, std::result::Result<(), Doubt>) {
        let acks = self.acks;
        let all = async {
            let mut is_safe = committed(&self.own, acks).await;
            for receiver in self.elsewhere {
                match receiver.await {
                    Ok((results, is_safe_there)) => {
                        self.results.extend(results);
                        is_safe &= is_safe_there;
                    }
                    Err(_) => is_safe = false,
                }
            }
            is_safe
        };
        let waited = match acks {
            Some(_) => time::timeout(limit, all).await,
            None => Ok(all.await),
        };
        let safety = match waited {
            Ok(true) => Ok(()),
            Ok(false) => Err(Doubt::Stopping),
            Err(_) => Err(Doubt::Timeout),
        };
        (self.results, safety)
    }
}
