//! Putting a fetch's answer together: slices of the commits that were written last, behind an encoded header.

use corelog_engine::ids::Offset;
use corelog_engine::partition::{Isolation, Partition, ReadRequest};
use corelog_protocol::messages::fetch_response::{FetchResponse, FetchableTopicResponse, PartitionData};
use corelog_protocol::{ApiKey, Records, Uuid, header};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::batches::batch;
use crate::case::Work;
use crate::messages::{FETCH_VERSION, TOPIC_ID};
use crate::world::World;

/// Commits before the fetch: of each partition it reads one extent in each.
const COMMITS: usize = 4;
/// The most bytes of a partition.
const PARTITION_BYTES_MAX: usize = 1 << 20;

struct Assembly {
    world: World,
}

impl Work for Assembly {
    fn run(&mut self) -> u64 {
        let partitions = self.world.partitions.iter().map(|partition| read(partition)).collect();
        let topic = FetchableTopicResponse { topic_id: Uuid(TOPIC_ID), partitions, ..Default::default() };
        let response = FetchResponse { responses: vec![topic], ..Default::default() };
        let encoded = header::encode_response(ApiKey::Fetch, FETCH_VERSION, 7, &response).expect("it can be said");
        // Two pieces of our own and a slice for each commit of a partition: no record was copied.
        let shared = encoded.slices.len() - self.world.partitions.len() - 1;
        assert_eq!(shared, COMMITS * self.world.partitions.len(), "records travel in slices");
        self.world.partitions.len() as u64
    }
}

fn read(partition: &Partition) -> PartitionData {
    let request = ReadRequest {
        from: Offset::ZERO,
        bytes_max: PARTITION_BYTES_MAX,
        isolation: Isolation::ReadUncommitted,
        at_least_one: true,
    };
    let fetched = partition.read(request).now_or_never().expect("everything is in memory").expect("it can be read");
    PartitionData {
        partition_index: partition.key().partition as i32,
        high_watermark: fetched.high_watermark.0,
        last_stable_offset: fetched.stable.0,
        log_start_offset: fetched.log_start.0,
        records: Some(Records::from(fetched.records.slices)),
        ..Default::default()
    }
}

/// Answers a fetch of `PARTITIONS` with some batches of each.
pub fn assembly<const PARTITIONS: u32>() -> LocalBoxFuture<'static, Box<dyn Work>> {
    async {
        let world = World::new(PARTITIONS).await;
        let batch = batch(4, 1000);
        for _ in 0..COMMITS {
            world.append(&batch, world.partitions.len());
            world.write_all();
        }
        Box::new(Assembly { world }) as Box<dyn Work>
    }
    .boxed_local()
}
