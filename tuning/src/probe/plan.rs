//! What is measured: which writes and reads, in which sizes, how many at once, for how long.
//!
//! Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Sizes of writes, in bytes.
pub const WRITE_BYTES: [usize; 6] = [4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20];
/// Sizes of reads, in bytes.
pub const READ_BYTES: [usize; 6] = [64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20, 4 << 20];
/// Operations in flight.
pub const DEPTHS: [usize; 4] = [1, 2, 4, 8];
/// Passes over everything: what one pass met by chance, the other does not.
pub const PASSES: usize = 2;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// A write, without waiting for it to be durable.
    Write,
    /// A write, then a sync (`fdatasync`).
    WriteSync,
    /// A write that is durable when it returns (`O_DSYNC`).
    WriteThrough,
    /// A write and a sync that the kernel starts by itself when the write is done.
    WriteLinked,
    /// A read.
    Read,
}

/// Where it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// Over blocks that were written before, as in a segment that is used again.
    Overwrite,
    /// In space that was allocated and never written, as in a new segment.
    Fresh,
}

/// One thing to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// What is done.
    pub operation: Operation,
    /// Where.
    pub area: Area,
    /// Bytes of each operation.
    pub bytes: usize,
    /// Operations in flight.
    pub depth: usize,
}

impl Cell {
    /// How its time compares with that of the others.
    fn weight(self) -> u32 {
        match (self.operation, self.area) {
            (Operation::WriteSync | Operation::WriteThrough, Area::Overwrite) => 5,
            (Operation::Read, _) => 3,
            _ => 2,
        }
    }
}

/// Everything to measure, in the order of the first pass. Neighbours are what is compared.
pub fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for bytes in WRITE_BYTES {
        for depth in DEPTHS {
            for operation in [Operation::WriteSync, Operation::WriteThrough] {
                cells.push(Cell { operation, area: Area::Overwrite, bytes, depth });
            }
        }
        cells.push(Cell { operation: Operation::WriteLinked, area: Area::Overwrite, bytes, depth: 1 });
        cells.push(Cell { operation: Operation::Write, area: Area::Overwrite, bytes, depth: 1 });
        for depth in [1, 4] {
            for operation in [Operation::WriteSync, Operation::WriteThrough] {
                cells.push(Cell { operation, area: Area::Fresh, bytes, depth });
            }
        }
    }
    for bytes in READ_BYTES {
        for depth in DEPTHS {
            cells.push(Cell { operation: Operation::Read, area: Area::Overwrite, bytes, depth });
        }
    }
    cells
}

/// Time of each pass over a cell, so that all passes over all cells take `total` together.
pub fn time(cell: Cell, total: Duration) -> Duration {
    let weights: u32 = cells().into_iter().map(Cell::weight).sum();
    total * cell.weight() / weights / PASSES as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_cells_together_take_the_time_that_is_given() {
        let total = Duration::from_secs(40);
        let sum: Duration = cells().into_iter().map(|cell| time(cell, total) * PASSES as u32).sum();
        assert!(sum <= total && sum > total * 9 / 10, "{sum:?}");
        assert!(cells().into_iter().all(|cell| time(cell, total) >= Duration::from_millis(50)));
    }
}
