//! Owns the look into a log for people: its segments and what they waste, and the proof that index, footers and data agree.
//!
//! Tools call it on a log that they opened read-only; a broker may call it on its own.

use super::error::ReadError;
use super::segment_file::SegmentState;
use super::shard_log::ShardLog;
use crate::batch::Batches;
use crate::ids::{Offset, PartitionKey, SegmentSequence};

/// What is read at once while a log is verified, in bytes.
const VERIFY_READ_BYTES: usize = 1 << 20;

/// A segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentReport {
    /// Its sequence.
    pub sequence: SegmentSequence,
    /// The youngest segment whose batches it holds: itself, unless it was settled.
    pub age: SegmentSequence,
    /// Where it is in its life.
    pub state: SegmentState,
    /// Bytes of its file.
    pub file_bytes: u64,
    /// Bytes of batches in it that can still be asked for.
    pub live_bytes: u64,
    /// Partitions' parts in it that can still be asked for.
    pub live_spans: u32,
    /// Pieces in which its batches lie; none before it is sealed.
    pub extents: Option<u32>,
    /// Wall clock when it was made, in ms since 1970.
    pub created_ms: i64,
    /// Wall clock of its last commit, in ms since 1970.
    pub written_ms: i64,
}

/// What a verification found.
#[derive(Debug, Default)]
pub struct Verification {
    /// Partitions looked at.
    pub partitions: u64,
    /// Batches read, each with its checksum.
    pub batches: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What is wrong with which partition.
    pub flaws: Vec<(PartitionKey, VerifyFlaw)>,
}

/// What is wrong with a partition.
#[derive(Debug, thiserror::Error)]
pub enum VerifyFlaw {
    /// A batch cannot be read, or is not what was written.
    #[error("{0}")]
    Read(#[from] ReadError),
    /// Batches that the index promises are nowhere.
    #[error("nothing at offset {at}, although it ends at {end}")]
    Missing {
        /// Where nothing is.
        at: Offset,
        /// The partition's end.
        end: Offset,
    },
    /// Offsets go back.
    #[error("a batch at offset {found} after one that ends before {expected}")]
    OutOfOrder {
        /// The least offset that may come.
        expected: Offset,
        /// What came.
        found: Offset,
    },
}

impl ShardLog {
    /// The segments in use, oldest first, settled ones last.
    pub fn segments(&self) -> Vec<SegmentReport> {
        let index = self.core.index.borrow();
        let report = |segment: &std::rc::Rc<super::segment_file::SegmentFile>| SegmentReport {
            sequence: segment.header.sequence,
            age: segment.header.age,
            state: segment.state(),
            file_bytes: segment.header.bytes,
            live_bytes: segment.live_bytes(),
            live_spans: segment.live_spans(),
            extents: segment.trailer().map(|trailer| trailer.extent_count),
            created_ms: segment.header.created_ms,
            written_ms: segment.commits().wall_ms,
        };
        index.segments().map(report).collect()
    }

    /// Reads everything that the index promises, as readers would: index against footers, footers against batches, batches against their
    /// checksums.
    pub async fn verify(&self) -> Verification {
        let mut found = Verification::default();
        let mut keys = self.partition_keys();
        keys.sort_unstable();
        for key in keys {
            found.partitions += 1;
            if let Err(flaw) = self.verify_partition(key, &mut found).await {
                found.flaws.push((key, flaw));
            }
        }
        found
    }

    async fn verify_partition(&self, key: PartitionKey, found: &mut Verification) -> Result<(), VerifyFlaw> {
        let Some((start, end)) = self.partition_range(key) else { return Ok(()) };
        let mut next = start;
        while next < end {
            let records = self.read(key, next, end, VERIFY_READ_BYTES, true).await?;
            if records.slices.is_empty() {
                return Err(VerifyFlaw::Missing { at: next, end });
            }
            let all: Vec<u8> = records.slices.concat();
            let mut expected = None;
            for step in Batches::new(&all) {
                let Ok((header, _)) = step else { return Err(VerifyFlaw::Missing { at: next, end }) };
                if expected.is_some_and(|expected| header.base_offset < expected) || header.last_offset() < next {
                    let expected = expected.unwrap_or(next);
                    return Err(VerifyFlaw::OutOfOrder { expected, found: header.base_offset });
                }
                expected = Some(header.next_offset());
                found.batches += 1;
            }
            found.bytes += all.len() as u64;
            next = records.next_offset;
        }
        Ok(())
    }
}
