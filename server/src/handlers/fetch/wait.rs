//! The long poll: waits until partitions of a fetch have more to read than was seen.
//!
//! Called by the Fetch handler on the shard that owns the connection. Woken by appends, on every shard that has partitions
//! of the fetch; it never reads.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use corelog_engine::ids::{Offset, PartitionKey, ShardId};
use corelog_engine::partition::{FetchWait, Watch};
use corelog_engine::shard::Shard;
use corelog_rt::sync::cross;
use corelog_rt::time;
use futures_util::future::{Either, LocalBoxFuture, select, select_all};

/// A partition and the high watermark that was read up to.
pub type Seen = (PartitionKey, Offset);

/// Waits until `missing_bytes` more can be read, at most for `limit`. Says whether it is worth reading again.
pub async fn wait(shard: &Rc<Shard>, groups: Vec<(ShardId, Vec<Seen>)>, missing_bytes: usize, limit: Duration) -> bool {
    if let [(target, seen)] = groups.as_slice()
        && *target == shard.id()
    {
        let is_ready = time::timeout(limit, wait_here(shard, seen, missing_bytes)).await.is_ok();
        // Fewer bytes than were missing may have come.
        return is_ready || missing_bytes > 1;
    }
    // Nobody adds up the bytes of several shards: look again as soon as one has any.
    let waits: Vec<LocalBoxFuture<'_, ()>> =
        groups.into_iter().map(|(target, seen)| wait_on(shard, target, seen, limit)).collect();
    if waits.is_empty() {
        time::sleep(limit).await;
        return false;
    }
    time::timeout(limit, select_all(waits)).await.is_ok()
}

fn wait_on(shard: &Rc<Shard>, target: ShardId, seen: Vec<Seen>, limit: Duration) -> LocalBoxFuture<'_, ()> {
    Box::pin(async move {
        // Goes away with this future, which ends the wait on the other shard.
        let (mut cancelled, _asker) = cross::channel::<()>();
        let waited = shard.run(target, move |shard: Rc<Shard>| async move {
            let ready = pin!(time::timeout(limit, wait_here(&shard, &seen, 1)));
            match select(ready, cancelled.cancellation()).await {
                Either::Left((result, _)) => result.is_ok(),
                Either::Right(_) => false,
            }
        });
        if !waited.await.unwrap_or(false) {
            // Not ready in time: somebody else ends the poll.
            std::future::pending::<()>().await;
        }
    })
}

async fn wait_here(shard: &Shard, seen: &[Seen], missing_bytes: usize) {
    let wait = FetchWait::new(missing_bytes);
    let watches: Result<Vec<Watch>, _> = seen
        .iter()
        .filter_map(|(key, high_watermark)| Some((shard.partition(*key)?, high_watermark)))
        .map(|(partition, high_watermark)| partition.watch(&wait, *high_watermark))
        .collect();
    // Where too many wait already, the client is answered with what there is.
    if watches.is_ok() {
        wait.ready().await;
    }
}
