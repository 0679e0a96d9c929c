//! From what was measured to how a broker uses the disk.
//!
//! Pure. A setting leaves its default only where that was clearly better in this probe: a broker whose disk differs by chance
//! alone runs as everybody else's.

use corelog_rt::file::WriteMode;
use serde::{Deserialize, Serialize};

use super::plan::{Area, DEPTHS, Operation, READ_BYTES, WRITE_BYTES};
use super::sample::Sample;

/// How a broker uses its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How a commit becomes durable.
    pub write_mode: Mode,
    /// When an open commit is closed although writes are in flight, in bytes.
    pub commit_bytes_max: usize,
    /// Commits being written at once.
    pub writes_in_flight_max: usize,
    /// Unit of reading, in bytes.
    pub read_block_bytes: usize,
    /// Blocks read ahead of a reader in order.
    pub read_ahead_blocks: usize,
}

/// How a commit becomes durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// By a sync behind the write.
    Sync,
    /// By itself.
    Through,
}

impl From<Mode> for WriteMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Sync => WriteMode::Cached,
            Mode::Through => WriteMode::Through,
        }
    }
}

impl Default for Settings {
    /// Those of a broker that knows nothing of its disk.
    fn default() -> Self {
        Self {
            write_mode: Mode::Through,
            commit_bytes_max: 1 << 20,
            writes_in_flight_max: 4,
            read_block_bytes: 256 << 10,
            read_ahead_blocks: 2,
        }
    }
}

/// Where more writes at once, or larger ones, no longer pay.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Knee {
    /// Bytes of each write.
    pub bytes: usize,
    /// Writes in flight.
    pub depth: usize,
    /// Megabytes (10^6 bytes) a second there.
    pub megabytes_per_second: f64,
    /// Median time of a write there, in microseconds.
    pub p50_us: f64,
    /// 99th percentile there, in microseconds.
    pub p99_us: f64,
}

/// What a sync seems to do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Flush {
    /// Whether a sync is too fast to have reached a device.
    pub is_implausible: bool,
    /// Median time of a write of 4 KiB, in microseconds.
    pub write_us: f64,
    /// Median time of a write of 4 KiB with its sync, in microseconds.
    pub synced_us: f64,
}

/// How much better another setting must be before it is taken.
const CLEARLY: f64 = 1.15;
/// The same for a sync behind the write, which costs the broker half as much processor time again: taken where it was 15 % quicker,
/// a broker at its limit was 13 % slower.
const SYNC_CLEARLY: f64 = 1.5;
/// A write to the fastest devices known, with its sync, takes longer than this.
const SYNCED_US_MIN: f64 = 6.0;
/// A disk that turns cannot make a write durable in less than a part of a turn.
const TURNING_SYNCED_US_MIN: f64 = 1000.0;
/// A cache that is emptied takes at least so much of the time of the write.
const FLUSH_SHARE_MIN: f64 = 0.03;
/// A device with so quick a write may keep its cache through a power loss, and empty it for nothing.
const PROTECTED_WRITE_US_MAX: f64 = 40.0;

/// Everything measured of writes over old blocks with one operation.
fn writes(samples: &[Sample], operation: Operation) -> impl Iterator<Item = &Sample> {
    let is_meant = move |sample: &&Sample| {
        sample.cell.operation == operation && sample.cell.area == Area::Overwrite && sample.operations > 0
    };
    samples.iter().filter(is_meant)
}

fn find(samples: &[Sample], operation: Operation, bytes: usize, depth: usize) -> Option<&Sample> {
    writes(samples, operation).find(|sample| sample.cell.bytes == bytes && sample.cell.depth == depth)
}

/// How a broker should use this disk.
pub fn settings(samples: &[Sample]) -> Settings {
    let default = Settings::default();
    let write_mode = write_mode(samples);
    let (commit_bytes_max, writes_in_flight_max) = commits(samples, operation_of(write_mode), &default);
    let (read_block_bytes, read_ahead_blocks) = reads(samples, &default);
    Settings { write_mode, commit_bytes_max, writes_in_flight_max, read_block_bytes, read_ahead_blocks }
}

/// What is measured of a mode.
pub fn operation_of(mode: Mode) -> Operation {
    match mode {
        Mode::Sync => Operation::WriteSync,
        Mode::Through => Operation::WriteThrough,
    }
}

/// A sync behind the write only where it is clearly quicker, over all sizes that commits have.
fn write_mode(samples: &[Sample]) -> Mode {
    let mut logarithms = Vec::new();
    for bytes in WRITE_BYTES.into_iter().filter(|bytes| *bytes <= 1 << 20) {
        for depth in DEPTHS {
            let through = find(samples, Operation::WriteThrough, bytes, depth);
            let synced = find(samples, Operation::WriteSync, bytes, depth);
            if let (Some(through), Some(synced)) = (through, synced)
                && through.p50_us > 0.0
                && synced.p50_us > 0.0
            {
                logarithms.push((through.p50_us / synced.p50_us).ln());
            }
        }
    }
    let mean = logarithms.iter().sum::<f64>() / logarithms.len().max(1) as f64;
    if mean.exp() > SYNC_CLEARLY { Mode::Sync } else { Mode::Through }
}

/// Bytes and number of commits in flight: the default, unless others move clearly more. Fewer in flight are quicker each, but leave
/// a broker waiting for the disk where it could prepare the next.
fn commits(samples: &[Sample], operation: Operation, default: &Settings) -> (usize, usize) {
    let kept = (default.commit_bytes_max, default.writes_in_flight_max);
    let Some(now) = find(samples, operation, kept.0, kept.1) else { return kept };
    let candidates: Vec<&Sample> = writes(samples, operation).filter(|sample| sample.cell.bytes >= 256 << 10).collect();
    let faster = candidates
        .into_iter()
        .filter(|sample| sample.megabytes_per_second > now.megabytes_per_second * CLEARLY)
        // Of those that are nearly as fast as the fastest, the one that holds a record back least.
        .fold(None::<&Sample>, |best, sample| match best {
            Some(best) if best.megabytes_per_second * 1.05 >= sample.megabytes_per_second => Some(best),
            _ => Some(sample),
        });
    faster.map_or(kept, |sample| (sample.cell.bytes, sample.cell.depth))
}

/// Bytes of a block, and blocks read ahead. A reader in order has one block in use and the others on their way.
fn reads(samples: &[Sample], default: &Settings) -> (usize, usize) {
    let kept = (default.read_block_bytes, default.read_ahead_blocks);
    // No number of blocks in flight was measured between those of the plan: the next lower one is taken.
    let in_flight = |ahead: usize| DEPTHS.into_iter().rev().find(|depth| *depth <= ahead).unwrap_or(1);
    let rate = |bytes, ahead| {
        find(samples, Operation::Read, bytes, in_flight(ahead)).map(|sample| sample.megabytes_per_second)
    };
    let Some(now) = rate(kept.0, kept.1) else { return kept };
    let mut best = (kept, now * CLEARLY);
    for bytes in READ_BYTES.into_iter().filter(|bytes| (128 << 10..=1 << 20).contains(bytes)) {
        for ahead in [1, 2, 4] {
            // What is read for nothing when a reader goes away stays bounded.
            let is_bounded = bytes * ahead <= 2 << 20;
            if let Some(rate) = rate(bytes, ahead).filter(|_| is_bounded)
                && rate > best.1 * 1.05
            {
                best = ((bytes, ahead), rate);
            }
        }
    }
    best.0
}

/// The knee of throughput against latency: where throughput for each unit of time that a write takes is highest.
pub fn knee(samples: &[Sample], mode: Mode) -> Option<Knee> {
    let power = |sample: &Sample| sample.megabytes_per_second / sample.p50_us.max(f64::MIN_POSITIVE);
    let best = writes(samples, operation_of(mode)).max_by(|one, other| power(one).total_cmp(&power(other)))?;
    Some(Knee {
        bytes: best.cell.bytes,
        depth: best.cell.depth,
        megabytes_per_second: best.megabytes_per_second,
        p50_us: best.p50_us,
        p99_us: best.p99_us,
    })
}

/// Whether a sync can have reached a device, which `turns` or has a volatile cache that a sync `empties`.
pub fn flush(samples: &[Sample], turns: bool, empties: bool) -> Option<Flush> {
    let write_us = find(samples, Operation::Write, 4 << 10, 1)?.p50_us;
    let synced_us = find(samples, Operation::WriteSync, 4 << 10, 1)?.p50_us;
    let is_too_quick = synced_us < if turns { TURNING_SYNCED_US_MIN } else { SYNCED_US_MIN };
    let costs_nothing = synced_us - write_us < write_us * FLUSH_SHARE_MIN;
    let is_implausible = is_too_quick || (empties && costs_nothing && write_us > PROTECTED_WRITE_US_MAX);
    Some(Flush { is_implausible, write_us, synced_us })
}

#[cfg(test)]
mod tests {
    use super::super::plan::{Cell, cells};
    use super::*;

    /// Samples whose times follow `us(operation, bytes, depth)`.
    fn samples(us: impl Fn(Operation, usize, usize) -> f64) -> Vec<Sample> {
        let sample = |cell: Cell| {
            let time = us(cell.operation, cell.bytes, cell.depth);
            let rate = cell.bytes as f64 * cell.depth as f64 / time;
            Sample {
                cell,
                operations: 100,
                megabytes_per_second: rate,
                mean_us: time,
                p50_us: time,
                p90_us: time,
                p99_us: time * 2.0,
                p999_us: time * 3.0,
                max_us: time * 9.0,
            }
        };
        cells().into_iter().map(sample).collect()
    }

    /// A disk with a fixed cost for each operation and one path of so many bytes a microsecond.
    fn disk(fixed_us: f64, bytes_per_us: f64, sync_us: f64) -> impl Fn(Operation, usize, usize) -> f64 {
        move |operation, bytes, depth| {
            let moved = bytes as f64 * depth as f64 / bytes_per_us;
            let synced = match operation {
                Operation::WriteSync => sync_us,
                Operation::WriteThrough | Operation::WriteLinked => sync_us * 0.8,
                Operation::Write | Operation::Read => 0.0,
            };
            fixed_us.max(moved) + synced
        }
    }

    #[test]
    fn a_common_disk_keeps_the_defaults_of_writing() {
        let chosen = settings(&samples(disk(80.0, 2000.0, 150.0)));
        assert_eq!(chosen.write_mode, Mode::Through);
        assert!(chosen.commit_bytes_max >= 256 << 10);
        assert_eq!(settings(&[]), Settings::default());
    }

    #[test]
    fn a_sync_is_taken_where_it_is_clearly_quicker() {
        let slow_through = |operation, bytes, depth| {
            let us = disk(80.0, 2000.0, 150.0)(operation, bytes, depth);
            if operation == Operation::WriteThrough { us * 2.0 } else { us }
        };
        assert_eq!(settings(&samples(slow_through)).write_mode, Mode::Sync);
    }

    #[test]
    fn a_disk_with_a_high_cost_for_each_write_gets_larger_commits() {
        let chosen = settings(&samples(disk(100.0, 50_000.0, 4000.0)));
        assert_eq!(chosen.commit_bytes_max, 4 << 20);
    }

    #[test]
    fn a_disk_with_a_high_cost_for_each_read_gets_larger_blocks() {
        let chosen = settings(&samples(disk(1000.0, 10_000.0, 100.0)));
        assert!(chosen.read_block_bytes * chosen.read_ahead_blocks > 512 << 10, "{chosen:?}");
        assert!(chosen.read_block_bytes * chosen.read_ahead_blocks <= 2 << 20, "{chosen:?}");
    }

    #[test]
    fn the_knee_lies_where_more_no_longer_pays() {
        let knee = knee(&samples(disk(100.0, 2000.0, 100.0)), Mode::Through).unwrap();
        assert!(knee.bytes * knee.depth >= 128 << 10 && knee.bytes * knee.depth <= 1 << 20, "{knee:?}");
    }

    #[test]
    fn a_sync_that_costs_nothing_is_implausible() {
        let verdict = |write_us: f64, sync_us: f64, turns, empties| {
            flush(&samples(disk(write_us, 1e9, sync_us)), turns, empties).unwrap().is_implausible
        };
        assert!(!verdict(80.0, 150.0, false, true));
        assert!(verdict(80.0, 0.5, false, true));
        assert!(!verdict(80.0, 0.5, false, false), "a disk without a cache has nothing to empty");
        assert!(!verdict(12.0, 0.1, false, true), "a cache that survives a power loss costs nothing");
        assert!(verdict(2.0, 1.0, false, false));
        assert!(verdict(80.0, 200.0, true, true));
        assert!(!verdict(80.0, 8000.0, true, true));
    }
}
