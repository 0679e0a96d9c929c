//! A fixed piece of work, timed beside each turn of a gate: how fast this machine is just then.
//!
//! The work is what brokers spend their time on: system calls that move bytes, copies in memory, and CRC-32C. A number divided by the
//! loop's time compares between machines, and between a quiet and a busy hour of one machine, better than the number itself. The disk
//! is not part of it.

use std::io::{self, Read, Write, pipe};
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Bytes that are copied and summed at a time.
const BLOCK_BYTES: usize = 64 << 10;
/// Blocks that are copied from in turn: more than fit the caches next to a core.
const BLOCKS: usize = 64;
/// Bytes through the pipe by one system call.
const PIECE_BYTES: usize = 16 << 10;
/// Blocks of one measurement.
const BLOCKS_PER_CHUNK: usize = 1000;
/// Measurements, of which the median counts: one that was interrupted does not.
const CHUNKS: usize = 11;

/// How long the work took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Seconds that passed.
    pub wall_seconds: f64,
    /// Seconds of CPU.
    pub cpu_seconds: f64,
}

impl Calibration {
    /// Does the work: a quarter of a second, as a rule.
    ///
    /// # Errors
    /// Those of a pipe.
    pub fn take() -> io::Result<Calibration> {
        let mut work = Work::new()?;
        work.chunk()?;
        let mut found = Vec::with_capacity(CHUNKS);
        for _ in 0..CHUNKS {
            let (wall, cpu) = (Instant::now(), cpu_seconds());
            work.chunk()?;
            found.push(Calibration { wall_seconds: wall.elapsed().as_secs_f64(), cpu_seconds: cpu_seconds() - cpu });
        }
        let median = |read: fn(&Calibration) -> f64| {
            super::statistics::median(&found.iter().map(read).collect::<Vec<_>>()).unwrap_or(f64::NAN)
        };
        Ok(Calibration { wall_seconds: median(|one| one.wall_seconds), cpu_seconds: median(|one| one.cpu_seconds) })
    }

    /// Between this one and a later one: what holds for a turn between them.
    pub fn midway(&self, later: &Calibration) -> Calibration {
        Calibration {
            wall_seconds: f64::midpoint(self.wall_seconds, later.wall_seconds),
            cpu_seconds: f64::midpoint(self.cpu_seconds, later.cpu_seconds),
        }
    }
}

struct Work {
    source: Vec<u8>,
    target: Vec<u8>,
    reader: io::PipeReader,
    writer: io::PipeWriter,
    sum: u32,
}

impl Work {
    fn new() -> io::Result<Work> {
        let (reader, writer) = pipe()?;
        let source = (0..BLOCKS * BLOCK_BYTES).map(|index| (index.wrapping_mul(31) >> 3) as u8).collect();
        Ok(Work { source, target: vec![0; BLOCK_BYTES], reader, writer, sum: 0 })
    }

    fn chunk(&mut self) -> io::Result<()> {
        for block in self.source.chunks_exact(BLOCK_BYTES).cycle().take(BLOCKS_PER_CHUNK) {
            self.target.copy_from_slice(block);
            self.sum ^= crc_fast::crc32_iscsi(&self.target);
            let piece = self.target.get_mut(..PIECE_BYTES).expect("a piece is a part of a block");
            self.writer.write_all(piece)?;
            self.reader.read_exact(piece)?;
        }
        std::hint::black_box(self.sum);
        Ok(())
    }
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_takes_time_and_ends() {
        let calibration = Calibration::take().unwrap();
        assert!(calibration.wall_seconds > 0.0 && calibration.cpu_seconds > 0.0, "{calibration:?}");
        let slower = Calibration { wall_seconds: 3.0, cpu_seconds: 1.0 };
        let faster = Calibration { wall_seconds: 1.0, cpu_seconds: 1.0 };
        assert_eq!(slower.midway(&faster), Calibration { wall_seconds: 2.0, cpu_seconds: 1.0 });
    }
}
