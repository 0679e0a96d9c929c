//! Owns the commit block: header, data, table, padding.
//!
//! Pure code. The appender encodes commits, recovery and the dump check them, batch by batch. It must never believe a length before
//! magic, nonce and bounds agree, nor data before the checksums do.
//!
//! ```text
//!  0                96                     data end    table position              table end     multiple of 4096
//!  | header         | record batches, state | 0 to 7 zeros | entries, 64 bytes each | zeros        |
//!
//!  header:
//!  0          8     12        14      16      24     32         40        48        56      60            64
//!  | CORELOGC | crc | version | flags | nonce | life | sequence | durable | wall ms | chain | total bytes |
//!  |  8 bytes | u32 |   u16   |  u16  |  u64  | u64  |   u64    |   u64   |   i64   |  u32  |     u32     |
//!  64           68            72               76         96
//!  | data bytes | entry count | table position | reserved |
//!  |    u32     |     u32     |      u32       |  20 x 0  |
//! ```
//! All little-endian. `crc` is a CRC-32 over bytes 12 to 96 and over the table. `nonce` repeats the segment's. `life` is drawn at each start of the
//! process; the first commit of a life carries flag 1. `sequence` counts commits across segments. `chain` repeats the `crc` of the commit before
//! this one, also across segments (0 before the very first). `durable` is the last commit that was known durable when this one was written.
//! Flag 2 marks the checkpoint commits at the start of a segment.
//!
//! **What a crash leaves.** Of the commits in flight any subset is on the device, each whole, in part or not at all. Recovery accepts commits as
//! long as each is intact and follows the one before: same nonce, next sequence, chain equal to the checksum before, same life (or first of a new one).
//! It stops at the first that is not. A commit behind that hole stays dead for ever: what is written into the hole later has another checksum (its life
//! is new, its header therefore another), so the chain of the stale one cannot match. If a commit behind the hole says that the hole was durable,
//! the hole is no trace of a crash but damage, and recovery refuses instead of forgetting acknowledged data.

use super::entry::{BATCH_UNCHECKED_BYTES, ENTRY_BYTES, Entry, EntryKind};
use super::error::Flaw;
use crate::batch::{BatchHeader, Batches};
use crate::ids::CommitSequence;
use bytes::{Buf, BufMut};

/// Version of everything in a segment file. A higher one is refused.
pub const FORMAT_VERSION: u16 = 1;

/// Every commit starts and ends at a multiple of this.
pub const COMMIT_ALIGNMENT: usize = 4096;

/// Bytes of a commit's header.
pub const COMMIT_HEADER_BYTES: usize = 96;

/// The first commit after a start of the process.
pub const FLAG_LIFE_START: u16 = 1;

/// Part of the checkpoint at the start of a segment.
pub const FLAG_CHECKPOINT: u16 = 2;

const MAGIC: [u8; 8] = *b"CORELOGC";
const CHECKSUM_AT: usize = 8;
const CHECKED_FROM: usize = 12;

/// A commit's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitHeader {
    /// CRC-32 over the header and the table. Zero while encoding.
    pub crc: u32,
    /// `FLAG_...`.
    pub flags: u16,
    /// The segment's nonce.
    pub nonce: u64,
    /// Drawn at each start of the process.
    pub life: u64,
    /// Counts commits across segments, from 1.
    pub sequence: CommitSequence,
    /// The last commit that was known durable when this one was written.
    pub durable: CommitSequence,
    /// Wall clock when it was written, in ms since 1970.
    pub wall_ms: i64,
    /// The checksum of the commit before.
    pub chain: u32,
    /// Bytes of the whole commit, a multiple of 4096.
    pub bytes: u32,
    /// Bytes of data behind the header.
    pub data_bytes: u32,
    /// Number of entries.
    pub entry_count: u32,
    /// Where the table starts, in bytes from the start of the commit.
    pub table_position: u32,
}

/// Bytes that a commit with so much data and so many entries takes on disk.
pub fn commit_bytes(data_bytes: usize, entry_count: usize) -> usize {
    (table_position(data_bytes) + entry_count * ENTRY_BYTES).next_multiple_of(COMMIT_ALIGNMENT)
}

/// Where the table of a commit with so much data starts.
pub fn table_position(data_bytes: usize) -> usize {
    (COMMIT_HEADER_BYTES + data_bytes).next_multiple_of(8)
}

impl CommitHeader {
    /// Reads a header and checks that its lengths are possible; nothing is verified yet.
    ///
    /// # Errors
    /// `Truncated`, `NoMagic`, `NewerVersion`, `Shape`.
    pub fn decode(bytes: &[u8]) -> Result<CommitHeader, Flaw> {
        let bytes: &[u8; COMMIT_HEADER_BYTES] = bytes.first_chunk().ok_or(Flaw::Truncated)?;
        let mut input = bytes.as_slice();
        let mut magic = [0; 8];
        input.copy_to_slice(&mut magic);
        if magic != MAGIC {
            return Err(Flaw::NoMagic);
        }
        let crc = input.get_u32_le();
        let version = input.get_u16_le();
        if version > FORMAT_VERSION {
            return Err(Flaw::NewerVersion { version });
        }
        let header = CommitHeader {
            crc,
            flags: input.get_u16_le(),
            nonce: input.get_u64_le(),
            life: input.get_u64_le(),
            sequence: CommitSequence(input.get_u64_le()),
            durable: CommitSequence(input.get_u64_le()),
            wall_ms: input.get_i64_le(),
            chain: input.get_u32_le(),
            bytes: input.get_u32_le(),
            data_bytes: input.get_u32_le(),
            entry_count: input.get_u32_le(),
            table_position: input.get_u32_le(),
        };
        header.check_shape()?;
        Ok(header)
    }

    fn check_shape(&self) -> Result<(), Flaw> {
        let total = u64::from(self.bytes);
        let data_end = COMMIT_HEADER_BYTES as u64 + u64::from(self.data_bytes);
        let table = u64::from(self.table_position);
        let table_end = table + u64::from(self.entry_count) * ENTRY_BYTES as u64;
        let fits = table == data_end.next_multiple_of(8)
            && total == table_end.next_multiple_of(COMMIT_ALIGNMENT as u64)
            && self.entry_count > 0;
        if fits { Ok(()) } else { Err(Flaw::Shape) }
    }

    /// The header's bytes, with `crc` as it is in the struct.
    pub fn encode(&self) -> [u8; COMMIT_HEADER_BYTES] {
        let mut bytes = [0; COMMIT_HEADER_BYTES];
        let mut out = bytes.as_mut_slice();
        out.put_slice(&MAGIC);
        out.put_u32_le(self.crc);
        out.put_u16_le(FORMAT_VERSION);
        out.put_u16_le(self.flags);
        out.put_u64_le(self.nonce);
        out.put_u64_le(self.life);
        out.put_u64_le(self.sequence.0);
        out.put_u64_le(self.durable.0);
        out.put_i64_le(self.wall_ms);
        out.put_u32_le(self.chain);
        out.put_u32_le(self.bytes);
        out.put_u32_le(self.data_bytes);
        out.put_u32_le(self.entry_count);
        out.put_u32_le(self.table_position);
        bytes
    }

    /// Writes header, table and padding around the data that lies in `commit` behind the header, and gives back the checksum. The
    /// header's lengths must be those of `entries` and of `commit`.
    pub fn seal(mut self, commit: &mut [u8], entries: &[Entry]) -> u32 {
        assert_eq!(commit.len(), self.bytes as usize, "a commit is written whole");
        assert_eq!(entries.len(), self.entry_count as usize, "the header counts the entries");
        let (head, tail) = commit.split_at_mut(COMMIT_HEADER_BYTES + self.data_bytes as usize);
        let (gap, table) = tail.split_at_mut(self.table_position as usize - head.len());
        gap.fill(0);
        let (table, padding) = table.split_at_mut(entries.len() * ENTRY_BYTES);
        padding.fill(0);
        for (entry, bytes) in entries.iter().zip(table.as_chunks_mut().0) {
            *bytes = entry.encode();
        }
        self.crc = checksum(&self.encode(), table);
        let mut out = head;
        out.put_slice(&self.encode());
        self.crc
    }

    /// Checks the checksum over header and table, and gives back the entries.
    ///
    /// # Errors
    /// `Truncated`, `Checksum`, `UnknownKind`, `EntryOutside`.
    pub fn verify(&self, commit: &[u8]) -> Result<Vec<Entry>, Flaw> {
        let head: &[u8; COMMIT_HEADER_BYTES] = commit.first_chunk().ok_or(Flaw::Truncated)?;
        let table_bytes = self.entry_count as usize * ENTRY_BYTES;
        let table = commit
            .get(self.table_position as usize..)
            .and_then(|tail| tail.get(..table_bytes))
            .ok_or(Flaw::Truncated)?;
        let computed = checksum(head, table);
        if computed != self.crc {
            return Err(Flaw::Checksum { stored: self.crc, computed });
        }
        let mut entries = Vec::with_capacity(self.entry_count as usize);
        for (bytes, index) in table.as_chunks::<ENTRY_BYTES>().0.iter().zip(0..) {
            let entry = Entry::decode(bytes).map_err(|kind| Flaw::UnknownKind { kind })?;
            let end = u64::from(entry.position) + u64::from(entry.bytes);
            let data = COMMIT_HEADER_BYTES as u64..=COMMIT_HEADER_BYTES as u64 + u64::from(self.data_bytes);
            if entry.bytes > 0 && !(data.contains(&u64::from(entry.position)) && data.contains(&end)) {
                return Err(Flaw::EntryOutside { entry: index });
            }
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// Checks every byte of an entry of batches and calls `visit` with each batch's header and position in the commit.
///
/// # Errors
/// `Batch`, `BatchChecksum`, `PrefixChecksum`, `EntryAgainstBatches`, `EntryOutside`.
pub fn verify_batches(
    commit: &[u8],
    entry: &Entry,
    index: u32,
    mut visit: impl FnMut(&BatchHeader, u32),
) -> Result<(), Flaw> {
    debug_assert_eq!(entry.kind, EntryKind::Batches, "only batches hold batches");
    let data = commit
        .get(entry.position as usize..)
        .and_then(|tail| tail.get(..entry.bytes as usize))
        .ok_or(Flaw::EntryOutside { entry: index })?;
    let mut position = entry.position;
    let mut prefixes = crc32fast::Hasher::new();
    let mut count = 0;
    let mut last = None;
    for step in Batches::new(data) {
        let (header, batch) = step.map_err(|error| Flaw::Batch { position, error })?;
        let (prefix, body) = batch.split_at(BATCH_UNCHECKED_BYTES);
        let computed = batch_checksum(body);
        if computed != header.crc {
            return Err(Flaw::BatchChecksum { position, stored: header.crc, computed });
        }
        prefixes.update(prefix);
        let ascending = last.is_none_or(|last| header.base_offset > last);
        let first = count == 0 && header.base_offset == entry.base_offset;
        if !ascending || (count == 0 && !first) || header.last_offset_delta < 0 {
            return Err(Flaw::EntryAgainstBatches { entry: index });
        }
        visit(&header, position);
        last = Some(header.last_offset());
        position += batch.len() as u32;
        count += 1;
    }
    if count != entry.batch_count || last != Some(entry.last_offset) {
        return Err(Flaw::EntryAgainstBatches { entry: index });
    }
    let computed = prefixes.finalize();
    if computed != entry.prefix_crc {
        return Err(Flaw::PrefixChecksum { entry: index, stored: entry.prefix_crc, computed });
    }
    Ok(())
}

/// CRC-32C of the part of a batch that its checksum covers.
pub fn batch_checksum(body: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, body) as u32
}

fn checksum(head: &[u8; COMMIT_HEADER_BYTES], table: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(head.get(CHECKED_FROM..).expect("a header is longer than its preamble"));
    hasher.update(table);
    hasher.finalize()
}

/// Fills in the checksum of a header or trailer block: over everything behind the checksum itself.
pub(super) fn set_checksum<const BYTES: usize>(block: &mut [u8; BYTES]) {
    let crc = crc32fast::hash(block.get(CHECKED_FROM..).expect("a block is longer than its preamble"));
    let mut field = block.get_mut(CHECKSUM_AT..).expect("a block is longer than its preamble");
    field.put_u32_le(crc);
}

/// Checks magic, version and checksum of a header or trailer block.
pub(super) fn check_preamble<const BYTES: usize>(block: &[u8; BYTES], magic: [u8; 8]) -> Result<(), Flaw> {
    let mut input = block.as_slice();
    let mut found = [0; 8];
    input.copy_to_slice(&mut found);
    if found != magic {
        return Err(Flaw::NoMagic);
    }
    let stored = input.get_u32_le();
    let computed = crc32fast::hash(input);
    if stored != computed {
        return Err(Flaw::Checksum { stored, computed });
    }
    let version = input.get_u16_le();
    if version > FORMAT_VERSION { Err(Flaw::NewerVersion { version }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{LeaderEpoch, Offset, PartitionKey, TopicNumber};

    const DATA: &[u8] = b"thirteen byte";

    fn sealed() -> (CommitHeader, Vec<u8>, Vec<Entry>) {
        let key = PartitionKey { topic: TopicNumber(3), partition: 4 };
        let mut state = Entry::new(EntryKind::CheckpointPartition, key);
        state.position = COMMIT_HEADER_BYTES as u32;
        state.bytes = DATA.len() as u32;
        let mut start = Entry::new(EntryKind::LogStart, key);
        start.base_offset = Offset(77);
        start.leader_epoch = LeaderEpoch(2);
        let entries = vec![state, start];
        let mut header = CommitHeader {
            crc: 0,
            flags: FLAG_LIFE_START,
            nonce: 11,
            life: 12,
            sequence: CommitSequence(13),
            durable: CommitSequence(9),
            wall_ms: 14,
            chain: 15,
            bytes: commit_bytes(DATA.len(), 2) as u32,
            data_bytes: DATA.len() as u32,
            entry_count: 2,
            table_position: table_position(DATA.len()) as u32,
        };
        let mut block = vec![0xee; header.bytes as usize];
        block[COMMIT_HEADER_BYTES..COMMIT_HEADER_BYTES + DATA.len()].copy_from_slice(DATA);
        header.crc = header.seal(&mut block, &entries);
        (header, block, entries)
    }

    #[test]
    fn sealed_commit_verifies_and_keeps_its_data() {
        let (header, block, entries) = sealed();
        assert_eq!(CommitHeader::decode(&block), Ok(header));
        assert_eq!(header.verify(&block), Ok(entries));
        assert_eq!(&block[COMMIT_HEADER_BYTES..COMMIT_HEADER_BYTES + DATA.len()], DATA);
        assert!(block[header.table_position as usize + 2 * ENTRY_BYTES..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn any_flipped_bit_of_header_or_table_is_noticed() {
        let (_, good, _) = sealed();
        let table = table_position(DATA.len());
        let header_bits = 0..COMMIT_HEADER_BYTES * 8;
        for bit in header_bits.chain(table * 8..(table + 2 * ENTRY_BYTES) * 8) {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let checked = CommitHeader::decode(&bad).and_then(|header| header.verify(&bad));
            assert!(checked.is_err(), "bit {bit}");
        }
    }

    #[test]
    fn hostile_lengths_are_refused() {
        let (header, block, _) = sealed();
        for (bytes, data, count, table) in [
            (u32::MAX, 13, 2, 112),
            (4096, u32::MAX, 2, 112),
            (4096, 13, u32::MAX, 112),
            (4096, 13, 0, 112),
            (4096, 13, 2, 104),
        ] {
            let bad = CommitHeader { bytes, data_bytes: data, entry_count: count, table_position: table, ..header };
            assert_eq!(CommitHeader::decode(&bad.encode()), Err(Flaw::Shape));
        }
        assert_eq!(CommitHeader::decode(&block[..95]), Err(Flaw::Truncated));
        assert_eq!(header.verify(&block[..200]), Err(Flaw::Truncated));
    }
}
