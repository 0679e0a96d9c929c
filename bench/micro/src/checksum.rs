//! The checksums: CRC-32C of record batches, CRC-32 of our own structures.

use corelog_engine::batch::{BatchHeader, verify_checksum};
use corelog_engine::ids::{CommitSequence, PartitionKey};
use corelog_engine::log::commit::{CommitHeader, commit_bytes, table_position};
use corelog_engine::log::entry::{Entry, EntryKind};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::batches::{batch, header_of};
use crate::case::Work;

/// Batches whose checksums are compared.
struct Batches {
    batch: Vec<u8>,
    header: BatchHeader,
    repeats: u64,
}

impl Work for Batches {
    fn run(&mut self) -> u64 {
        let mut bytes = 0;
        for _ in 0..self.repeats {
            verify_checksum(&self.header, std::hint::black_box(&self.batch)).expect("it is intact");
            bytes += self.batch.len() as u64;
        }
        bytes
    }
}

/// The CRC-32C of a batch, `REPEATS` times.
pub fn of_batch<const RECORDS: usize, const VALUE_BYTES: usize, const REPEATS: u64>()
-> LocalBoxFuture<'static, Box<dyn Work>> {
    async {
        let batch = batch(RECORDS, VALUE_BYTES);
        let header = header_of(&batch);
        Box::new(Batches { batch, header, repeats: REPEATS }) as Box<dyn Work>
    }
    .boxed_local()
}

/// A commit whose header and table are compared with their CRC-32, and decoded.
struct Commit {
    block: Vec<u8>,
}

impl Work for Commit {
    fn run(&mut self) -> u64 {
        let block = std::hint::black_box(&self.block);
        let header = CommitHeader::decode(block).expect("it is intact");
        header.verify(block).expect("it is intact").len() as u64
    }
}

/// The CRC-32 over a commit's header and its table of `ENTRIES`.
pub fn of_commit<const ENTRIES: usize>() -> LocalBoxFuture<'static, Box<dyn Work>> {
    async {
        let entries: Vec<Entry> = (0..ENTRIES)
            .map(|partition| {
                Entry::new(EntryKind::LogStart, PartitionKey { partition: partition as u32, ..PartitionKey::default() })
            })
            .collect();
        let header = CommitHeader {
            crc: 0,
            flags: 0,
            nonce: 1,
            life: 2,
            sequence: CommitSequence(3),
            durable: CommitSequence(2),
            wall_ms: 4,
            chain: 5,
            bytes: commit_bytes(0, ENTRIES) as u32,
            data_bytes: 0,
            entry_count: ENTRIES as u32,
            table_position: table_position(0) as u32,
        };
        let mut block = vec![0; header.bytes as usize];
        header.seal(&mut block, &entries);
        Box::new(Commit { block }) as Box<dyn Work>
    }
    .boxed_local()
}
