//! Owns what a partition counts of its clients' work.
//!
//! Counted on the partition's shard as it appends and reads; gone with the partition.

use crate::measure::Counter;

/// What a partition counts.
#[derive(Debug, Default)]
pub struct PartitionMeters {
    records_in: Counter,
    bytes_in: Counter,
    records_out: Counter,
    bytes_out: Counter,
}

/// What clients wrote and read since the shard serves the partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartitionCounts {
    /// Records that were appended.
    pub records_in: u64,
    /// Bytes of batches that were appended.
    pub bytes_in: u64,
    /// Offsets that readers went forward by.
    pub records_out: u64,
    /// Bytes of batches that were read for them.
    pub bytes_out: u64,
}

impl PartitionMeters {
    /// A batch was appended.
    #[inline]
    pub(super) fn appended(&self, records: u64, bytes: u64) {
        self.records_in.add(records);
        self.bytes_in.add(bytes);
    }

    /// Batches were read.
    #[inline]
    pub(super) fn read(&self, records: u64, bytes: u64) {
        self.records_out.add(records);
        self.bytes_out.add(bytes);
    }

    /// As they are now.
    pub fn counts(&self) -> PartitionCounts {
        PartitionCounts {
            records_in: self.records_in.get(),
            bytes_in: self.bytes_in.get(),
            records_out: self.records_out.get(),
            bytes_out: self.bytes_out.get(),
        }
    }
}

impl std::ops::AddAssign for PartitionCounts {
    fn add_assign(&mut self, more: PartitionCounts) {
        self.records_in += more.records_in;
        self.bytes_in += more.bytes_in;
        self.records_out += more.records_out;
        self.bytes_out += more.bytes_out;
    }
}
