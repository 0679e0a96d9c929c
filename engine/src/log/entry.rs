//! Owns one line of a commit's table: what a commit holds for one partition.
//!
//! Pure code. The appender writes entries, recovery, the reader of segments and the dump parse them. It must never trust a position or a
//! length: [`Entry::decode`] gives back what the bytes say, the caller checks it against the commit.
//!
//! ```text
//!  0      1       2          4       8           12             16            24            32              40
//!  | kind | flags | reserved | topic | partition | leader epoch | base offset | last offset | max timestamp |
//!  |  u8  |  u8   |   u16    |  u32  |    u32    |     i32      |     i64     |     i64     |    i64, ms    |
//!  40         44      48            52           56         64
//!  | position | bytes | batch count | prefix CRC | reserved |
//!  |   u32    |  u32  |     u32     |    u32     |   8 x 0  |
//! ```
//! All little-endian. What the fields stand for depends on the kind; those that a kind does not name are zero.
//!
//! | kind | | fields |
//! |---|---|---|
//! | 1 | batches | base and last offset, largest timestamp, epoch; position in the commit, bytes and number of the batches; prefix CRC |
//! | 2 | log start | base offset: where the partition starts now |
//! | 3 | truncate | base offset: where the partition ends now; leader epoch. In a settled segment base and last offset: what was copied in vain |
//! | 4 | delete partition | |
//! | 5 | checkpoint: partition | base offset: its start; last offset: its end (exclusive); epoch of the last batch; max timestamp: the segment that it was born in; position and bytes of the owner's state; flag 1: more of the state follows in the next entry |
//! | 6 | checkpoint: hidden | base offset: a segment's sequence; last offset: the last offset there that is not truncated away |
//! | 7 | checkpoint: end | base offset: number of entries of kind 5 and 6 before it |
//! | 8 | clean shutdown | |
//! | 9 | compacted | base and last offset: what the batches of the partition before it, from that base on, stand for; max timestamp: the offset below which no key occurs twice |
//!
//! The prefix CRC is a CRC-32 over the first 21 bytes of every batch of the entry, one after the other: the part that a batch's own
//! CRC-32C leaves out. A reader refuses kinds 10 to 127 that it does not know (a newer format), and skips 128 to 255.

use crate::ids::{LeaderEpoch, Offset, PartitionKey, TopicNumber};
use bytes::{Buf, BufMut};

/// Bytes of an encoded entry.
pub const ENTRY_BYTES: usize = 64;

/// Bytes at the start of a batch that its own CRC-32C does not cover.
pub const BATCH_UNCHECKED_BYTES: usize = 21;

/// In a checkpoint's partition entry: the next entry continues the owner's state.
pub const FLAG_MORE: u8 = 1;

/// What an entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// Record batches.
    Batches,
    /// The partition's log start moved up.
    LogStart,
    /// The partition's end moved down.
    Truncate,
    /// The partition is gone.
    DeletePartition,
    /// A partition's state at the start of the segment.
    CheckpointPartition,
    /// An older segment's batches of a partition beyond an offset are truncated away.
    CheckpointHidden,
    /// The checkpoint is whole.
    CheckpointEnd,
    /// Nothing was appended after this, on purpose.
    CleanShutdown,
    /// In a settled segment: the partition's batches before it are what compaction left of a range.
    Compacted,
    /// A kind of a newer version that may be passed over.
    Skippable(u8),
}

impl EntryKind {
    /// The byte on disk.
    pub fn code(self) -> u8 {
        match self {
            EntryKind::Batches => 1,
            EntryKind::LogStart => 2,
            EntryKind::Truncate => 3,
            EntryKind::DeletePartition => 4,
            EntryKind::CheckpointPartition => 5,
            EntryKind::CheckpointHidden => 6,
            EntryKind::CheckpointEnd => 7,
            EntryKind::CleanShutdown => 8,
            EntryKind::Compacted => 9,
            EntryKind::Skippable(code) => code,
        }
    }

    /// The kind with this byte; none where it must be understood and is not.
    pub fn from_code(code: u8) -> Option<EntryKind> {
        Some(match code {
            1 => EntryKind::Batches,
            2 => EntryKind::LogStart,
            3 => EntryKind::Truncate,
            4 => EntryKind::DeletePartition,
            5 => EntryKind::CheckpointPartition,
            6 => EntryKind::CheckpointHidden,
            7 => EntryKind::CheckpointEnd,
            8 => EntryKind::CleanShutdown,
            9 => EntryKind::Compacted,
            128..=255 => EntryKind::Skippable(code),
            _ => return None,
        })
    }

    /// Belongs to the checkpoint at the start of a segment.
    pub fn is_checkpoint(self) -> bool {
        matches!(self, EntryKind::CheckpointPartition | EntryKind::CheckpointHidden | EntryKind::CheckpointEnd)
    }
}

/// One line of a commit's table. See the module for what each kind puts into the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it says.
    pub kind: EntryKind,
    /// Meaning depends on the kind.
    pub flags: u8,
    /// Whom it is about; zero where it is about the whole log.
    pub key: PartitionKey,
    /// The leader's term.
    pub leader_epoch: LeaderEpoch,
    /// First offset, or what the kind puts here.
    pub base_offset: Offset,
    /// Last offset, or what the kind puts here.
    pub last_offset: Offset,
    /// Largest timestamp in ms, -1 for none, or what the kind puts here.
    pub max_timestamp_ms: i64,
    /// Where its data starts, in bytes from the start of the commit.
    pub position: u32,
    /// Bytes of its data.
    pub bytes: u32,
    /// Number of batches.
    pub batch_count: u32,
    /// CRC-32 over the batches' first 21 bytes.
    pub prefix_crc: u32,
}

impl Entry {
    /// An entry of `kind` about `key` with everything else zero.
    pub fn new(kind: EntryKind, key: PartitionKey) -> Entry {
        Entry {
            kind,
            flags: 0,
            key,
            leader_epoch: LeaderEpoch(0),
            base_offset: Offset(0),
            last_offset: Offset(0),
            max_timestamp_ms: 0,
            position: 0,
            bytes: 0,
            batch_count: 0,
            prefix_crc: 0,
        }
    }

    /// The entry's bytes.
    pub fn encode(&self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        let mut out = bytes.as_mut_slice();
        out.put_u8(self.kind.code());
        out.put_u8(self.flags);
        out.put_u16_le(0);
        out.put_u32_le(self.key.topic.0);
        out.put_u32_le(self.key.partition);
        out.put_i32_le(self.leader_epoch.0);
        out.put_i64_le(self.base_offset.0);
        out.put_i64_le(self.last_offset.0);
        out.put_i64_le(self.max_timestamp_ms);
        out.put_u32_le(self.position);
        out.put_u32_le(self.bytes);
        out.put_u32_le(self.batch_count);
        out.put_u32_le(self.prefix_crc);
        bytes
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// The kind's byte, where this version must know it and does not.
    pub fn decode(bytes: &[u8; ENTRY_BYTES]) -> Result<Entry, u8> {
        let mut input = bytes.as_slice();
        let code = input.get_u8();
        let kind = EntryKind::from_code(code).ok_or(code)?;
        let flags = input.get_u8();
        input.advance(2);
        Ok(Entry {
            kind,
            flags,
            key: PartitionKey { topic: TopicNumber(input.get_u32_le()), partition: input.get_u32_le() },
            leader_epoch: LeaderEpoch(input.get_i32_le()),
            base_offset: Offset(input.get_i64_le()),
            last_offset: Offset(input.get_i64_le()),
            max_timestamp_ms: input.get_i64_le(),
            position: input.get_u32_le(),
            bytes: input.get_u32_le(),
            batch_count: input.get_u32_le(),
            prefix_crc: input.get_u32_le(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn encoded_entry_decodes_to_itself(code in 1u8..=9, flags: u8, topic: u32, partition: u32, epoch: i32, base: i64, last: i64,
                                           timestamp: i64, position: u32, bytes: u32, count: u32, crc: u32) {
            let entry = Entry {
                kind: EntryKind::from_code(code).unwrap(), flags,
                key: PartitionKey { topic: TopicNumber(topic), partition }, leader_epoch: LeaderEpoch(epoch),
                base_offset: Offset(base), last_offset: Offset(last), max_timestamp_ms: timestamp,
                position, bytes, batch_count: count, prefix_crc: crc,
            };
            prop_assert_eq!(Entry::decode(&entry.encode()), Ok(entry));
        }
    }

    #[test]
    fn unknown_kind_is_refused_unless_skippable() {
        let mut bytes = [0; ENTRY_BYTES];
        for code in [0, 10, 127] {
            bytes[0] = code;
            assert_eq!(Entry::decode(&bytes), Err(code));
        }
        bytes[0] = 200;
        assert_eq!(Entry::decode(&bytes).unwrap().kind, EntryKind::Skippable(200));
    }
}
