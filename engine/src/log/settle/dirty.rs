//! Owns the choice of the partitions to compact, as Kafka chooses: those of which enough is new since compaction was last there, or whose new
//! records have waited for as long as they may.
//!
//! What lies in the segment that takes commits is left alone, like Kafka's active segment. So that it does not stay there for ever in a log
//! with little traffic, the log is told to go on in another segment when records of a compacted partition have waited too long.

use super::plan::newest_ms;
use crate::ids::{Offset, PartitionKey};
use crate::log::core::Core;
use crate::log::index::{ExtentStore, PartitionIndex, Span};
use crate::log::interface::Compaction;
use crate::log::segment_file::SegmentState;
use corelog_rt::map::HashSet;
use corelog_rt::time;

const MILLION: u128 = 1_000_000;

/// A partition to compact.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dirty {
    /// The partition.
    pub key: PartitionKey,
    /// What it obeys.
    pub rules: Compaction,
    /// Where what is new begins.
    pub from: Offset,
    /// Where what may be compacted ends.
    pub until: Offset,
    /// Bytes that are new.
    pub dirty_bytes: u64,
    /// All bytes before `until`.
    pub bytes: u64,
    /// It is due for the age of its records rather than for their share.
    pub is_overdue: bool,
}

impl Dirty {
    /// Why it is compacted, for people.
    pub fn reason(&self) -> &'static str {
        if self.is_overdue { "records have waited long enough" } else { "enough of it is new" }
    }
}

/// The partitions to compact now, the dirtiest first. Asks the log for another segment where records have waited too long in the current one.
pub(super) fn find_dirty(core: &Core, given_up: &HashSet<PartitionKey>) -> Vec<Dirty> {
    let now_ms = time::unix_ms();
    let mut compacted: Vec<(PartitionKey, Compaction)> = Vec::new();
    core.observe(|observer| observer.compacted(&mut |key, rules| compacted.push((key, rules))));
    let mut wants_roll = false;
    let mut found: Vec<Dirty> = Vec::new();
    {
        let index = core.index.borrow();
        let began_ms = current_began_ms(core);
        for (key, rules) in compacted {
            let Some(partition) = index.partition(key).filter(|_| !given_up.contains(&key)) else { continue };
            wants_roll |= has_current(partition) && now_ms.saturating_sub(began_ms) >= rules.roll_ms;
            found.extend(look(key, partition, rules, now_ms));
        }
    }
    if wants_roll && !core.queue.borrow().is_disk_full() {
        core.queue.borrow_mut().want_roll();
        core.queue_changed();
    }
    let share = |dirty: &Dirty| u128::from(dirty.dirty_bytes) * MILLION / u128::from(dirty.bytes.max(1));
    found.sort_by_key(|dirty| (std::cmp::Reverse(share(dirty)), dirty.key));
    found
}

/// Since when the current segment takes commits, in ms since 1970: its file may be much older.
fn current_began_ms(core: &Core) -> i64 {
    let index = core.index.borrow();
    let ordinary = || index.segments().filter(|segment| !segment.header.sequence.is_settled());
    let full = ordinary().filter(|segment| segment.state() == SegmentState::Sealed);
    let before_ms = full.last().map_or(0, |segment| segment.commits().wall_ms);
    ordinary().last().map_or(0, |segment| segment.header.created_ms).max(before_ms)
}

/// Whether the partition has records in the segment that takes commits.
fn has_current(partition: &PartitionIndex) -> bool {
    partition.spans.back().is_some_and(|span| span.segment.state() == SegmentState::Current)
}

fn look(key: PartitionKey, partition: &PartitionIndex, rules: Compaction, now_ms: i64) -> Option<Dirty> {
    let mut dirty = Dirty {
        key,
        from: partition.log_start,
        until: partition.log_start,
        dirty_bytes: 0,
        bytes: 0,
        is_overdue: false,
        rules,
    };
    let is_free = |span: &&Span| {
        matches!(span.extents, ExtentStore::Footer(_))
            && span.segment.state() == SegmentState::Sealed
            && span.last_offset < dirty.rules.until
    };
    for span in partition.spans.iter().take_while(is_free) {
        if dirty.dirty_bytes == 0 && span.is_clean() {
            dirty.from = span.last_offset.plus(1);
        } else {
            if now_ms.saturating_sub(newest_ms(span)) < dirty.rules.lag_ms_min {
                break;
            }
            if dirty.dirty_bytes == 0 {
                dirty.from = dirty.from.max(span.clean_end);
                let oldest_ms = span.segment.header.created_ms.min(span.segment.commits().wall_ms);
                dirty.is_overdue = now_ms.saturating_sub(oldest_ms) > dirty.rules.lag_ms_max;
            }
            dirty.dirty_bytes += span.bytes;
        }
        dirty.bytes += span.bytes;
        dirty.until = span.last_offset.plus(1);
    }
    let is_due =
        u128::from(dirty.dirty_bytes) * MILLION > u128::from(dirty.bytes) * u128::from(dirty.rules.dirty_ppm_min);
    (dirty.dirty_bytes > 0 && (is_due || dirty.is_overdue)).then_some(dirty)
}
