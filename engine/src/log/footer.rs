//! Owns the footer of a sealed segment: where each partition's batches lie in it.
//!
//! Pure code. The sealer writes footers, recovery and readers load them: at start only trailer and summaries, a partition's extents when it is
//! read. A crash may leave a sealed segment without a footer, never with half of one (the trailer is written when the rest is durable); it is
//! rebuilt by scanning the segment.
//!
//! ```text
//!  end of file:  | zeros | extents, 40 bytes each | summaries, 64 bytes each | trailer block, 4096 |
//!                ^ multiple of 4096, behind the last commit
//!
//!  extent: the batches of one entry, or a part of them
//!  0             8             16              24         28      32             36         40
//!  | base offset | last offset | max timestamp | position | bytes | leader epoch | flags |
//!  |     i64     |     i64     |    i64, ms    |   u32    |  u32  |     i32      |  u32  |
//!
//!  summary: a partition of the segment, sorted by topic and partition
//!  0       4           8              12             16            24            32              40      48            52
//!  | topic | partition | first extent | extent count | base offset | last offset | max timestamp | bytes | extents CRC |
//!  |  u32  |    u32    |     u32      |     u32      |     i64     |     i64     |    i64, ms    |  u64  |     u32     |
//!  52          60         64
//!  | clean end | reserved |
//!  |    i64    |   4 x 0  |
//!
//!  trailer:
//!  0          8     12        14      16       20                24         32      40         48             56            64
//!  | CORELOGF | crc | version | flags | log id | partition count | sequence | nonce | data end | first commit | last commit | last wall ms |
//!  |  8 bytes | u32 |   u16   |  u16  |  u32   |       u32       |   u64    |  u64  |    u64   |     u64      |     u64     |     i64      |
//!  72      76             80                 88              92         128
//!  | chain | extent count | extents position | summaries CRC | reserved |
//!  |  u32  |     u32      |       u64        |      u32      |  36 x 0  |
//! ```
//! All little-endian. Flag 1 of an extent: batches at its end were truncated away. Extent positions count from the start of the file. `chain` is the checksum of the segment's last commit, `data end` where it
//! ends. The trailer's CRC-32 covers its bytes 12 to 128.

use super::commit::{COMMIT_ALIGNMENT, FORMAT_VERSION, check_preamble, set_checksum};
use super::error::Flaw;
use crate::ids::{CommitSequence, LeaderEpoch, LogId, Offset, PartitionKey, SegmentSequence, TopicNumber};
use bytes::{Buf, BufMut};

/// Bytes of an encoded extent.
pub const EXTENT_BYTES: usize = 40;
/// In an extent: batches at its end were truncated away; `last_offset` says which count.
pub const EXTENT_CUT: u32 = 1;
/// Bytes of an encoded summary.
pub const SUMMARY_BYTES: usize = 64;
/// Bytes of the block at the end of a sealed segment.
pub const TRAILER_BLOCK_BYTES: usize = 4096;

const TRAILER_BYTES: usize = 128;
const MAGIC: [u8; 8] = *b"CORELOGF";

/// Batches of one partition that lie side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// First offset.
    pub base_offset: Offset,
    /// Last offset that counts; batches beyond it were truncated away.
    pub last_offset: Offset,
    /// Largest timestamp in ms, -1 for none.
    pub max_timestamp_ms: i64,
    /// Bytes from the start of the file.
    pub position: u32,
    /// Bytes of the batches.
    pub bytes: u32,
    /// The leader's term.
    pub leader_epoch: LeaderEpoch,
    /// `EXTENT_CUT` or nothing.
    pub flags: u32,
}

impl Extent {
    /// Appends the extent's bytes.
    pub fn encode(&self, out: &mut impl BufMut) {
        out.put_i64_le(self.base_offset.0);
        out.put_i64_le(self.last_offset.0);
        out.put_i64_le(self.max_timestamp_ms);
        out.put_u32_le(self.position);
        out.put_u32_le(self.bytes);
        out.put_i32_le(self.leader_epoch.0);
        out.put_u32_le(self.flags);
    }

    /// Reads an extent.
    pub fn decode(bytes: &[u8; EXTENT_BYTES]) -> Extent {
        let mut input = bytes.as_slice();
        Extent {
            base_offset: Offset(input.get_i64_le()),
            last_offset: Offset(input.get_i64_le()),
            max_timestamp_ms: input.get_i64_le(),
            position: input.get_u32_le(),
            bytes: input.get_u32_le(),
            leader_epoch: LeaderEpoch(input.get_i32_le()),
            flags: input.get_u32_le(),
        }
    }

    /// Hides what lies at or beyond `end`, which is above its base offset.
    pub fn cut(&mut self, end: Offset) {
        if self.last_offset >= end {
            self.last_offset = Offset(end.0 - 1);
            self.flags |= EXTENT_CUT;
        }
    }

    /// Where it ends in the file.
    pub fn end(&self) -> u64 {
        u64::from(self.position) + u64::from(self.bytes)
    }
}

/// One partition's part of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The partition.
    pub key: PartitionKey,
    /// Index of its first extent in the footer.
    pub extent_first: u32,
    /// Number of its extents.
    pub extent_count: u32,
    /// First offset.
    pub base_offset: Offset,
    /// Last offset.
    pub last_offset: Offset,
    /// Largest timestamp in ms, -1 for none.
    pub max_timestamp_ms: i64,
    /// Bytes of its batches.
    pub bytes: u64,
    /// CRC-32 over its extents.
    pub extents_crc: u32,
    /// Below it no key occurs twice in the partition: compaction was here; 0 where it was not.
    pub clean_end: Offset,
}

/// What compacted batches stand for: more than they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// First offset of the range that was compacted.
    pub base_offset: Offset,
    /// Last offset of it.
    pub last_offset: Offset,
    /// Below it no key occurs twice in the partition.
    pub clean_end: Offset,
}

impl Summary {
    fn encode(&self, out: &mut impl BufMut) {
        out.put_u32_le(self.key.topic.0);
        out.put_u32_le(self.key.partition);
        out.put_u32_le(self.extent_first);
        out.put_u32_le(self.extent_count);
        out.put_i64_le(self.base_offset.0);
        out.put_i64_le(self.last_offset.0);
        out.put_i64_le(self.max_timestamp_ms);
        out.put_u64_le(self.bytes);
        out.put_u32_le(self.extents_crc);
        out.put_i64_le(self.clean_end.0);
        out.put_u32_le(0);
    }

    fn decode(bytes: &[u8; SUMMARY_BYTES]) -> Summary {
        let mut input = bytes.as_slice();
        Summary {
            key: PartitionKey { topic: TopicNumber(input.get_u32_le()), partition: input.get_u32_le() },
            extent_first: input.get_u32_le(),
            extent_count: input.get_u32_le(),
            base_offset: Offset(input.get_i64_le()),
            last_offset: Offset(input.get_i64_le()),
            max_timestamp_ms: input.get_i64_le(),
            bytes: input.get_u64_le(),
            extents_crc: input.get_u32_le(),
            clean_end: Offset(input.get_i64_le()),
        }
    }
}

/// The last block of a sealed segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// The log that the segment belongs to.
    pub log: LogId,
    /// The segment.
    pub sequence: SegmentSequence,
    /// The segment's nonce.
    pub nonce: u64,
    /// Number of summaries.
    pub partition_count: u32,
    /// Where the last commit ends.
    pub data_end: u64,
    /// The segment's first commit.
    pub commit_first: CommitSequence,
    /// The segment's last commit.
    pub commit_last: CommitSequence,
    /// Wall clock of the last commit, in ms since 1970.
    pub wall_ms_last: i64,
    /// Checksum of the last commit.
    pub chain: u32,
    /// Number of extents.
    pub extent_count: u32,
    /// Where the extents start in the file.
    pub extents_position: u64,
    /// CRC-32 over the summaries.
    pub summaries_crc: u32,
}

/// Bytes of a footer at the end of a file, the trailer block included.
pub fn footer_bytes(extent_count: usize, partition_count: usize) -> usize {
    (extent_count * EXTENT_BYTES + partition_count * SUMMARY_BYTES).next_multiple_of(COMMIT_ALIGNMENT)
        + TRAILER_BLOCK_BYTES
}

impl Trailer {
    /// The meaningful start of the trailer block; the rest of it is zeros.
    pub fn encode(&self) -> [u8; TRAILER_BYTES] {
        let mut block = [0; TRAILER_BYTES];
        let mut out = block.as_mut_slice();
        out.put_slice(&MAGIC);
        out.put_u32_le(0);
        out.put_u16_le(FORMAT_VERSION);
        out.put_u16_le(0);
        out.put_u32_le(self.log.0);
        out.put_u32_le(self.partition_count);
        out.put_u64_le(self.sequence.0);
        out.put_u64_le(self.nonce);
        out.put_u64_le(self.data_end);
        out.put_u64_le(self.commit_first.0);
        out.put_u64_le(self.commit_last.0);
        out.put_i64_le(self.wall_ms_last);
        out.put_u32_le(self.chain);
        out.put_u32_le(self.extent_count);
        out.put_u64_le(self.extents_position);
        out.put_u32_le(self.summaries_crc);
        set_checksum(&mut block);
        block
    }

    /// Reads the trailer of a file of `file_bytes` and checks that its lengths are possible.
    ///
    /// # Errors
    /// `Truncated`, `NoMagic`, `Checksum`, `NewerVersion`, `Shape`.
    pub fn decode(block: &[u8], file_bytes: u64) -> Result<Trailer, Flaw> {
        let block: &[u8; TRAILER_BYTES] = block.first_chunk().ok_or(Flaw::Truncated)?;
        check_preamble(block, MAGIC)?;
        let mut input = block.as_slice();
        input.advance(16);
        let log = LogId(input.get_u32_le());
        let partition_count = input.get_u32_le();
        let trailer = Trailer {
            log,
            partition_count,
            sequence: SegmentSequence(input.get_u64_le()),
            nonce: input.get_u64_le(),
            data_end: input.get_u64_le(),
            commit_first: CommitSequence(input.get_u64_le()),
            commit_last: CommitSequence(input.get_u64_le()),
            wall_ms_last: input.get_i64_le(),
            chain: input.get_u32_le(),
            extent_count: input.get_u32_le(),
            extents_position: input.get_u64_le(),
            summaries_crc: input.get_u32_le(),
        };
        let tables = trailer.extents_bytes() + trailer.summaries_bytes();
        let trailer_position = file_bytes.checked_sub(TRAILER_BLOCK_BYTES as u64).ok_or(Flaw::Truncated)?;
        let fits = trailer.extents_position >= trailer.data_end
            && trailer.extents_position.checked_add(tables) == Some(trailer_position);
        if fits { Ok(trailer) } else { Err(Flaw::Shape) }
    }

    /// Bytes of all extents.
    pub fn extents_bytes(&self) -> u64 {
        u64::from(self.extent_count) * EXTENT_BYTES as u64
    }

    /// Bytes of all summaries.
    pub fn summaries_bytes(&self) -> u64 {
        u64::from(self.partition_count) * SUMMARY_BYTES as u64
    }

    /// Where the summaries start in the file.
    pub fn summaries_position(&self) -> u64 {
        self.extents_position + self.extents_bytes()
    }

    /// Reads the summaries.
    ///
    /// # Errors
    /// `Truncated`, `Checksum`, `Shape` for a summary whose extents do not exist.
    pub fn decode_summaries(&self, bytes: &[u8]) -> Result<Vec<Summary>, Flaw> {
        if bytes.len() as u64 != self.summaries_bytes() {
            return Err(Flaw::Truncated);
        }
        let computed = crc32fast::hash(bytes);
        if computed != self.summaries_crc {
            return Err(Flaw::Checksum { stored: self.summaries_crc, computed });
        }
        let summaries: Vec<Summary> = bytes.as_chunks().0.iter().map(Summary::decode).collect();
        let inside = |summary: &Summary| {
            let end = u64::from(summary.extent_first) + u64::from(summary.extent_count);
            end <= u64::from(self.extent_count) && summary.extent_count > 0
        };
        if summaries.iter().all(inside) { Ok(summaries) } else { Err(Flaw::Shape) }
    }
}

/// Collects the extents of a segment and lays out its footer.
#[derive(Debug, Default)]
pub struct FooterBuilder {
    extents: Vec<u8>,
    summaries: Vec<Summary>,
}

impl FooterBuilder {
    /// Adds a partition with at least one extent. Partitions come in ascending order of their key; a settled segment may have several parts of one.
    /// Compacted ones stand for the whole of their `coverage`, in which the extents lie.
    pub fn add<'a>(
        &mut self,
        key: PartitionKey,
        extents: impl Iterator<Item = &'a Extent>,
        coverage: Option<Coverage>,
    ) -> Summary {
        let start = self.extents.len();
        let mut summary = Summary {
            key,
            extent_first: (start / EXTENT_BYTES) as u32,
            extent_count: 0,
            base_offset: Offset(i64::MAX),
            last_offset: Offset(-1),
            max_timestamp_ms: -1,
            bytes: 0,
            extents_crc: 0,
            clean_end: Offset(0),
        };
        for extent in extents {
            extent.encode(&mut self.extents);
            summary.extent_count += 1;
            summary.base_offset = summary.base_offset.min(extent.base_offset);
            summary.last_offset = summary.last_offset.max(extent.last_offset);
            summary.max_timestamp_ms = summary.max_timestamp_ms.max(extent.max_timestamp_ms);
            summary.bytes += u64::from(extent.bytes);
        }
        if let Some(coverage) = coverage {
            summary.base_offset = summary.base_offset.min(coverage.base_offset);
            summary.last_offset = summary.last_offset.max(coverage.last_offset);
            summary.clean_end = coverage.clean_end;
        }
        assert!(summary.extent_count > 0, "a partition without extents is not in a footer");
        assert!(self.summaries.last().is_none_or(|last| last.key <= key), "footers are sorted by partition");
        summary.extents_crc = crc32fast::hash(self.extents.get(start..).expect("extents were only appended"));
        self.summaries.push(summary);
        summary
    }

    /// Bytes that the footer takes at the end of the file.
    pub fn bytes(&self) -> usize {
        footer_bytes(self.extents.len() / EXTENT_BYTES, self.summaries.len())
    }

    /// Writes the footer into `out`, which is as long as `bytes` said and lies at the end of a file of `file_bytes`. Completes `trailer` with counts,
    /// positions and checksums and gives it back.
    pub fn finish(&self, mut trailer: Trailer, file_bytes: u64, out: &mut [u8]) -> Trailer {
        assert_eq!(out.len(), self.bytes(), "a footer fills its place");
        let mut summaries = Vec::with_capacity(self.summaries.len() * SUMMARY_BYTES);
        for summary in &self.summaries {
            summary.encode(&mut summaries);
        }
        let tables = self.extents.len() + summaries.len();
        trailer.partition_count = self.summaries.len() as u32;
        trailer.extent_count = (self.extents.len() / EXTENT_BYTES) as u32;
        trailer.extents_position = file_bytes - (TRAILER_BLOCK_BYTES + tables) as u64;
        trailer.summaries_crc = crc32fast::hash(&summaries);
        out.fill(0);
        let padding = out.len() - TRAILER_BLOCK_BYTES - tables;
        let (_, mut out) = out.split_at_mut(padding);
        out.put_slice(&self.extents);
        out.put_slice(&summaries);
        out.put_slice(&trailer.encode());
        trailer
    }
}

/// Reads the extents of one partition.
///
/// # Errors
/// `Truncated`, `Checksum`.
pub fn decode_extents(summary_crc: u32, count: u32, bytes: &[u8]) -> Result<Vec<Extent>, Flaw> {
    if bytes.len() != count as usize * EXTENT_BYTES {
        return Err(Flaw::Truncated);
    }
    let computed = crc32fast::hash(bytes);
    if computed != summary_crc {
        return Err(Flaw::Checksum { stored: summary_crc, computed });
    }
    Ok(bytes.as_chunks().0.iter().map(Extent::decode).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(base: i64) -> Extent {
        Extent {
            base_offset: Offset(base),
            last_offset: Offset(base + 9),
            max_timestamp_ms: 1000 + base,
            position: 8192 + base as u32,
            bytes: 100,
            leader_epoch: LeaderEpoch(1),
            flags: 0,
        }
    }

    fn key(partition: u32) -> PartitionKey {
        PartitionKey { topic: TopicNumber(5), partition }
    }

    const FILE_BYTES: u64 = 1 << 20;

    fn footer(partitions: u32, extents: i64) -> (Trailer, Vec<u8>) {
        let mut builder = FooterBuilder::default();
        for partition in 0..partitions {
            let list: Vec<Extent> = (0..extents).map(|index| extent(index * 10)).collect();
            let coverage = Coverage { base_offset: Offset(-5), last_offset: Offset(0), clean_end: Offset(7) };
            builder.add(key(partition), list.iter(), (partition % 2 == 1).then_some(coverage));
        }
        let trailer = Trailer {
            log: LogId(1),
            sequence: SegmentSequence(2),
            nonce: 3,
            partition_count: 0,
            data_end: 65536,
            commit_first: CommitSequence(4),
            commit_last: CommitSequence(5),
            wall_ms_last: 6,
            chain: 7,
            extent_count: 0,
            extents_position: 0,
            summaries_crc: 0,
        };
        let mut out = vec![1; builder.bytes()];
        let trailer = builder.finish(trailer, FILE_BYTES, &mut out);
        (trailer, out)
    }

    #[test]
    fn footer_reads_back_through_its_trailer() {
        for (partitions, extents) in [(0, 0), (1, 1), (3, 5), (100, 40)] {
            let (trailer, out) = footer(partitions, extents);
            let block = &out[out.len() - TRAILER_BLOCK_BYTES..];
            assert_eq!(Trailer::decode(block, FILE_BYTES), Ok(trailer));
            let at = |position: u64| (position - (FILE_BYTES - out.len() as u64)) as usize;
            let summaries = at(trailer.summaries_position());
            let summaries =
                trailer.decode_summaries(&out[summaries..summaries + trailer.summaries_bytes() as usize]).unwrap();
            assert_eq!(summaries.len(), partitions as usize);
            for summary in summaries {
                let from = at(trailer.extents_position) + summary.extent_first as usize * EXTENT_BYTES;
                let bytes = &out[from..from + summary.extent_count as usize * EXTENT_BYTES];
                let list = decode_extents(summary.extents_crc, summary.extent_count, bytes).unwrap();
                assert_eq!(list, (0..extents).map(|index| extent(index * 10)).collect::<Vec<_>>());
                assert_eq!(summary.last_offset, Offset(extents * 10 - 1));
                let is_compacted = summary.key.partition % 2 == 1;
                let (base, clean_end) = if is_compacted { (-5, 7) } else { (0, 0) };
                assert_eq!((summary.base_offset, summary.clean_end), (Offset(base), Offset(clean_end)));
                let mut bad = bytes.to_vec();
                bad[0] ^= 1;
                assert!(decode_extents(summary.extents_crc, summary.extent_count, &bad).is_err());
            }
        }
    }

    #[test]
    fn trailer_of_another_length_of_file_is_refused() {
        let (_, out) = footer(2, 2);
        let block = &out[out.len() - TRAILER_BLOCK_BYTES..];
        assert_eq!(Trailer::decode(block, FILE_BYTES * 2), Err(Flaw::Shape));
        assert_eq!(Trailer::decode(block, 100), Err(Flaw::Truncated));
    }
}
