//! Owns the names of segment files and the block at the start of each.
//!
//! Pure code. The preparer writes headers, recovery and the dump read them. A header is written, synced and only then is the file given
//! its `.segment` name: a segment whose header does not parse is damaged, never half made. The nonce is drawn anew each time a file is put to
//! use, so that blocks of its former life are told from those of this one.
//!
//! ```text
//!  file:  | header block, 4096 | checkpoint commits | commits ...          | unused | footer | trailer block, 4096 |
//!
//!  header block:
//!  0          8     12        14      16       20         24         32      40           48              56    64         128     4096
//!  | CORELOGS | crc | version | flags | log id | reserved | sequence | nonce | created ms | segment bytes | age | reserved | zeros |
//!  |  8 bytes | u32 |   u16   |  u16  |  u32   |    u32   |   u64    |  u64  |    i64     |      u64      | u64 |  64 x 0  |       |
//! ```
//! All little-endian; the CRC-32 covers bytes 12 to 128. Sequences from 2^63 on are of settled segments (see [`super::settle`]), whose `age` is the
//! sequence of the youngest segment that was settled into it; it is 0 in others. Files: `<sequence, 20 digits>.segment` in use or prepared, `<number, 20 digits>.free`
//! waiting to be used again, `<sequence, 20 digits>.making` being made.

use super::commit::FORMAT_VERSION;
use super::error::Flaw;
use crate::ids::{LogId, SegmentSequence};
use bytes::{Buf, BufMut};

/// Bytes of the header block; the first commit follows it.
pub const SEGMENT_HEADER_BYTES: usize = 4096;

/// Bytes of the header block that mean something.
const MEANING_BYTES: usize = 128;
const MAGIC: [u8; 8] = *b"CORELOGS";

/// The first block of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The log that the segment belongs to.
    pub log: LogId,
    /// Its place among the segments of the log.
    pub sequence: SegmentSequence,
    /// Drawn anew at each use of the file; every commit repeats it.
    pub nonce: u64,
    /// Wall clock when the file was prepared, in ms since 1970.
    pub created_ms: i64,
    /// Bytes of the file.
    pub bytes: u64,
    /// How old its batches are at most: its own sequence, or that of the youngest segment that was settled into it.
    pub age: SegmentSequence,
}

impl SegmentHeader {
    /// The meaningful start of the header block; the rest of it is zeros.
    pub fn encode(&self) -> [u8; MEANING_BYTES] {
        let mut block = [0; MEANING_BYTES];
        let mut out = block.as_mut_slice();
        out.put_slice(&MAGIC);
        out.put_u32_le(0);
        out.put_u16_le(FORMAT_VERSION);
        out.put_u16_le(0);
        out.put_u32_le(self.log.0);
        out.put_u32_le(0);
        out.put_u64_le(self.sequence.0);
        out.put_u64_le(self.nonce);
        out.put_i64_le(self.created_ms);
        out.put_u64_le(self.bytes);
        out.put_u64_le(if self.sequence.is_settled() { self.age.0 } else { 0 });
        super::commit::set_checksum(&mut block);
        block
    }

    /// Reads the header of a block.
    ///
    /// # Errors
    /// `NoMagic`, `NewerVersion`, `Checksum`, `Truncated`.
    pub fn decode(block: &[u8]) -> Result<SegmentHeader, Flaw> {
        let block: &[u8; MEANING_BYTES] = block.first_chunk().ok_or(Flaw::Truncated)?;
        super::commit::check_preamble(block, MAGIC)?;
        let mut input = block.as_slice();
        input.advance(16);
        let log = LogId(input.get_u32_le());
        input.advance(4);
        let sequence = SegmentSequence(input.get_u64_le());
        let nonce = input.get_u64_le();
        let created_ms = input.get_i64_le();
        let bytes = input.get_u64_le();
        let age = SegmentSequence(input.get_u64_le());
        let age = if sequence.is_settled() { age } else { sequence };
        Ok(SegmentHeader { log, sequence, nonce, created_ms, bytes, age })
    }
}

/// What a file name in a log's directory stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileName {
    /// A segment, in use or prepared.
    Segment(SegmentSequence),
    /// A file that waits for its next use.
    Free(u64),
    /// A file that was being made when the process ended.
    Making(u64),
    /// Not ours.
    Foreign,
}

impl FileName {
    /// Tells what `name` is.
    pub fn parse(name: &str) -> FileName {
        let Some((digits, suffix)) = name.split_once('.') else { return FileName::Foreign };
        if digits.len() != 20 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return FileName::Foreign;
        }
        match (digits.parse(), suffix) {
            (Ok(number), "segment") => FileName::Segment(SegmentSequence(number)),
            (Ok(number), "free") => FileName::Free(number),
            (Ok(number), "making") => FileName::Making(number),
            _ => FileName::Foreign,
        }
    }
}

/// The name of a segment's file.
pub fn segment_name(sequence: SegmentSequence) -> String {
    format!("{:020}.segment", sequence.0)
}

/// The name of a file that waits for its next use.
pub fn free_name(number: u64) -> String {
    format!("{number:020}.free")
}

/// The name of a file that is being made.
pub fn making_name(number: u64) -> String {
    format!("{number:020}.making")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: SegmentHeader = SegmentHeader {
        log: LogId(7),
        sequence: SegmentSequence(9),
        nonce: 0x0123_4567_89ab_cdef,
        created_ms: 1_700_000_000_000,
        bytes: 1 << 20,
        age: SegmentSequence(9),
    };

    #[test]
    fn encoded_header_decodes_to_itself() {
        assert_eq!(SegmentHeader::decode(&HEADER.encode()), Ok(HEADER));
        let settled = SegmentHeader { sequence: SegmentSequence::settled(4), ..HEADER };
        assert_eq!(SegmentHeader::decode(&settled.encode()), Ok(settled));
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let good = HEADER.encode();
        for bit in 0..good.len() * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&bad).is_err(), "bit {bit}");
        }
        assert_eq!(SegmentHeader::decode(&good[..100]), Err(Flaw::Truncated));
    }

    #[test]
    fn names_parse_back() {
        assert_eq!(FileName::parse(&segment_name(SegmentSequence(12))), FileName::Segment(SegmentSequence(12)));
        assert_eq!(FileName::parse(&free_name(3)), FileName::Free(3));
        assert_eq!(FileName::parse(&making_name(4)), FileName::Making(4));
        for name in [
            "lock",
            "12.segment",
            "0000000000000000001x.segment",
            "00000000000000000001.other",
            "99999999999999999999.segment",
        ] {
            assert_eq!(FileName::parse(name), FileName::Foreign, "{name}");
        }
    }
}
