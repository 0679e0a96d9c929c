//! Looking records up: by offset and by time, among many partitions with many extents.

use corelog_engine::ids::Offset;
use corelog_engine::log::micro;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::batches::{NOW_MS, batch};
use crate::case::Work;
use crate::world::World;

/// Partitions of the log.
const PARTITIONS: u32 = 1000;
/// Commits, each with a batch of every partition: so many extents has each.
const COMMITS: i64 = 20;
/// Records of each batch.
const RECORDS: i64 = 2;
/// Look-ups of one run.
pub const LOOKUPS: u64 = 100;

struct Lookups {
    world: World,
    /// Indexes of partitions with offsets in them.
    wanted: Vec<(usize, Offset)>,
}

impl Lookups {
    async fn new() -> Lookups {
        let world = World::new(PARTITIONS).await;
        let batch = batch(RECORDS as usize, 64);
        for _ in 0..COMMITS {
            world.append(&batch, world.partitions.len());
            world.write_all();
        }
        // Steps that share no factor with the counts go everywhere.
        let offsets = COMMITS * RECORDS;
        let wanted = (0..LOOKUPS as i64)
            .map(|number| ((number * 7919) as usize % PARTITIONS as usize, Offset(number * 17 % offsets)))
            .collect();
        Lookups { world, wanted }
    }
}

struct ByOffset(Lookups);

impl Work for ByOffset {
    fn run(&mut self) -> u64 {
        let Lookups { world, wanted } = &self.0;
        let mut found = 0;
        for (partition, offset) in wanted {
            let partition = world.partitions.get(*partition).expect("one of the world's");
            let extents = micro::locate(&world.log, partition.key(), *offset).now_or_never();
            let extents = extents.expect("everything is in memory").expect("nothing is damaged");
            assert_eq!(
                extents.expect("it is there") as i64,
                COMMITS - offset.0 / RECORDS,
                "from the one that holds the offset on"
            );
            found += 1;
        }
        found
    }
}

/// From partition and offset to the extents that a reader goes through.
pub fn by_offset() -> LocalBoxFuture<'static, Box<dyn Work>> {
    async { Box::new(ByOffset(Lookups::new().await)) as Box<dyn Work> }.boxed_local()
}

struct ByTime(Lookups);

impl Work for ByTime {
    fn run(&mut self) -> u64 {
        let Lookups { world, wanted } = &self.0;
        let mut found = 0;
        for (partition, _) in wanted {
            let partition = world.partitions.get(*partition).expect("one of the world's");
            let first = world.log.first_batch_at_or_after(partition.key(), NOW_MS, Offset(COMMITS * RECORDS));
            let first = first.now_or_never().expect("everything is in memory").expect("nothing is damaged");
            assert_eq!(first.map(|batch| batch.base_offset), Some(Offset(0)), "all have that time");
            found += 1;
        }
        found
    }
}

/// From partition and time to the first batch that is so late.
pub fn by_time() -> LocalBoxFuture<'static, Box<dyn Work>> {
    async { Box::new(ByTime(Lookups::new().await)) as Box<dyn Work> }.boxed_local()
}
