//! The way of batches into a commit: the append of each, the sealing of the block for the device, the news that it is written.

use corelog_engine::log::micro::{self, SealedCommit};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::batches::batch;
use crate::case::Work;
use crate::world::World;

/// A request's batches, one for each partition, into an open commit.
struct Append {
    world: World,
    batch: Vec<u8>,
}

impl Work for Append {
    fn reset(&mut self) {
        self.world.rewind();
    }

    fn run(&mut self) -> u64 {
        self.world.append(std::hint::black_box(&self.batch), self.world.partitions.len())
    }
}

/// Appends a batch to each of `PARTITIONS`: judged, copied, indexed, remembered.
pub fn append<const PARTITIONS: u32, const RECORDS: usize, const VALUE_BYTES: usize>()
-> LocalBoxFuture<'static, Box<dyn Work>> {
    async {
        Box::new(Append { world: World::new(PARTITIONS).await, batch: batch(RECORDS, VALUE_BYTES) }) as Box<dyn Work>
    }
    .boxed_local()
}

/// A full commit becomes one aligned block: header, table, padding, checksum.
struct Seal {
    world: World,
    batch: Vec<u8>,
    sealed: Option<SealedCommit>,
}

impl Work for Seal {
    fn reset(&mut self) {
        if let Some(sealed) = self.sealed.take() {
            micro::written(&self.world.log, sealed);
        }
        self.world.rewind();
        self.world.append(&self.batch, self.world.partitions.len());
    }

    fn run(&mut self) -> u64 {
        let sealed = self.world.seal();
        assert!(sealed.bytes().len().is_multiple_of(4096), "the device takes whole blocks");
        self.sealed = Some(sealed);
        self.world.partitions.len() as u64
    }
}

/// Seals a commit of a batch for each of `PARTITIONS`.
pub fn seal<const PARTITIONS: u32, const RECORDS: usize, const VALUE_BYTES: usize>()
-> LocalBoxFuture<'static, Box<dyn Work>> {
    async {
        let (world, batch) = (World::new(PARTITIONS).await, batch(RECORDS, VALUE_BYTES));
        Box::new(Seal { world, batch, sealed: None }) as Box<dyn Work>
    }
    .boxed_local()
}

/// A commit is on the device: watermarks move, waiters wake, readers find it.
struct Written {
    world: World,
    batch: Vec<u8>,
    sealed: Option<SealedCommit>,
}

impl Work for Written {
    fn reset(&mut self) {
        if let Some(sealed) = self.sealed.take() {
            micro::written(&self.world.log, sealed);
        }
        self.world.rewind();
        self.world.append(&self.batch, self.world.partitions.len());
        self.sealed = Some(self.world.seal());
    }

    fn run(&mut self) -> u64 {
        micro::written(&self.world.log, self.sealed.take().expect("a reset went before"));
        self.world.partitions.len() as u64
    }
}

/// Reports a commit of a batch for each of `PARTITIONS` as written.
pub fn written<const PARTITIONS: u32, const RECORDS: usize, const VALUE_BYTES: usize>()
-> LocalBoxFuture<'static, Box<dyn Work>> {
    async {
        let (world, batch) = (World::new(PARTITIONS).await, batch(RECORDS, VALUE_BYTES));
        Box::new(Written { world, batch, sealed: None }) as Box<dyn Work>
    }
    .boxed_local()
}
