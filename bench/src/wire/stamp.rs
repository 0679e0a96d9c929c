//! What every record of the generator begins with: who wrote it, its place in that writer's order, and when it was due.
//!
//! ```text
//! 0       4          8          16        24
//! | magic | producer | sequence | time ns | payload ...
//! |  u32  |   u32    |   u64    |   u64   |
//! ```
//! Big-endian. One order per producer and partition; sequences count from 0 without gaps.

/// Bytes of a stamp: the smallest value that a record may have.
pub const STAMP_BYTES: usize = 24;

/// Tells our records from others'.
const MAGIC: u32 = 0xC0DE_B00C;

/// The stamp of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The run in the upper half, the connection in the lower.
    pub producer: u32,
    /// Place in the order of this producer and partition.
    pub sequence: u64,
    /// When the record was due (open loop) or sent (closed loop), in ns since 1970.
    pub time_ns: u64,
}

impl Stamp {
    /// Writes it to the front of a value of at least [`STAMP_BYTES`].
    pub fn write(self, value: &mut [u8]) {
        let bytes = value.first_chunk_mut::<STAMP_BYTES>().expect("a value has room for its stamp");
        let fields = [
            (u64::from(MAGIC) << 32 | u64::from(self.producer)).to_be_bytes(),
            self.sequence.to_be_bytes(),
            self.time_ns.to_be_bytes(),
        ];
        for (to, from) in bytes.chunks_exact_mut(8).zip(fields) {
            to.copy_from_slice(&from);
        }
    }

    /// Reads it off the front of a value; none where the value is not of the generator.
    pub fn read(value: &[u8]) -> Option<Stamp> {
        let bytes = value.first_chunk::<STAMP_BYTES>()?;
        let field = |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk).map(|chunk| u64::from_be_bytes(*chunk));
        let head = field(0)?;
        if (head >> 32) as u32 != MAGIC {
            return None;
        }
        Some(Stamp { producer: head as u32, sequence: field(8)?, time_ns: field(16)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_back_and_foreign_values_have_none() {
        let stamp = Stamp { producer: 0x0102_0304, sequence: u64::MAX - 1, time_ns: 1_700_000_000_000_000_000 };
        let mut value = vec![7; 40];
        stamp.write(&mut value);
        assert_eq!(Stamp::read(&value), Some(stamp));
        assert_eq!(Stamp::read(&value[..23]), None);
        value[0] ^= 1;
        assert_eq!(Stamp::read(&value), None);
    }
}
