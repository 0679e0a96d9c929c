//! Owns what a shard tells of itself when somebody wants to see inside.
//!
//! Taken on each shard by a job that shard 0 sends; it reads counters and state, and changes nothing.

use std::rc::Rc;

use corelog_engine::log::{BytesInUse, LogSample};
use corelog_engine::shard::Shard;

use super::clients::{self, ClientsSample};
use super::meters::MetersSample;
use super::partitions::{self, PartitionsSample};
use crate::broker::Broker;

/// What bounds the page.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Partitions with series of their own.
    pub partitions_max: usize,
    /// Pairs of group and topic with series of their own.
    pub groups_max: usize,
    /// Series of metrics that clients push.
    pub clients_max: usize,
}

/// What a shard tells of itself.
#[derive(Clone, Debug)]
pub struct ShardSample {
    /// Which shard.
    pub shard: u16,
    /// What other shards sent it and it has not begun, as who gathers sees it.
    pub queued: u64,
    /// What its connections and handlers counted.
    pub meters: MetersSample,
    /// Its logs.
    pub logs: Vec<LogSample>,
    /// Its connections.
    pub connections: u64,
    /// Its partitions.
    pub partition_count: u64,
    /// The same one by one, up to the bound.
    pub partitions: PartitionsSample,
    /// What its clients pushed of themselves.
    pub clients: ClientsSample,
    /// The groups that it coordinates.
    pub groups: u64,
    /// Memory, by what for.
    pub memory: Vec<(&'static str, BytesInUse)>,
}

/// Takes the sample of this shard; none while it does not serve.
pub async fn take(shard: Rc<Shard>, bounds: Bounds) -> Option<ShardSample> {
    let broker = shard.attached::<Broker>()?;
    let partitions = partitions::take(&shard, bounds.partitions_max).await;
    let clients = clients::take(&broker, bounds.clients_max).await;
    let logs = shard.log_samples();
    Some(ShardSample {
        queued: 0,
        shard: shard.id().0,
        meters: broker.meters().sample(),
        connections: broker.registry().len() as u64,
        partition_count: shard.partition_count() as u64,
        partitions,
        clients,
        groups: broker.groups().slots().iter().filter_map(|slot| slot.peek(|groups| groups.len() as u64)).sum(),
        memory: memory(&broker, &logs),
        logs,
    })
}

fn memory(broker: &Broker, logs: &[LogSample]) -> Vec<(&'static str, BytesInUse)> {
    let of_logs = |part: fn(&LogSample) -> BytesInUse| {
        logs.iter().map(part).fold(BytesInUse::default(), |all, one| BytesInUse {
            used: all.used + one.used,
            limit: all.limit + one.limit,
        })
    };
    vec![
        ("requests", broker.requests_memory().in_use()),
        ("answers", broker.fetch_memory().in_use()),
        ("groups", broker.groups().memory_in_use()),
        ("telemetry", broker.telemetry().clients.memory_in_use()),
        ("commits", of_logs(|log| log.queued)),
        ("tail", of_logs(|log| log.tail)),
        ("blocks", of_logs(|log| log.blocks)),
        ("footers", of_logs(|log| log.footers)),
    ]
}
