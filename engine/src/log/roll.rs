//! Owns the change from one segment to the next: checkpoint, then the old one's footer.
//!
//! One roller task per log. When the current segment is nearly full and the next one is prepared, it closes the open commit and, before any other task
//! runs, takes the checkpoint: what is in it is exactly what the log holds up to there. Appends go on being staged behind it. Nothing of the new
//! segment is written before everything of the old one is durable (the queue sees to that), the footer not before the checkpoint is durable. So
//! a crash leaves either an old segment without footer and perhaps an unusable new one, or a whole checkpoint.

use super::core::Core;
use super::entry::{Entry, EntryKind, FLAG_MORE};
use super::files::NextSegment;
use super::seal::{PendingFooter, seal};
use super::segment_file::{SegmentFile, SegmentState};
use crate::ids::{CommitSequence, Offset, PartitionKey};
use crate::limits;
use corelog_rt::fatal::{self, Reason};
use corelog_rt::map::HashSet;
use std::rc::Rc;

/// Rolls until the log stops.
pub(super) async fn roll_segments(core: Rc<Core>) {
    loop {
        let unsealed = core.files.borrow_mut().unsealed.pop_front();
        if let Some(footer) = unsealed {
            seal(&core, footer).await;
            continue;
        }
        let signal = core.signals.roll.notified();
        if core.stopping.get() {
            return;
        }
        let Some(next) = take_next(&core) else {
            signal.await;
            continue;
        };
        let (footer, checkpoint_last) = roll(&core, &next);
        if core.durable.wait(checkpoint_last).await.is_err() {
            return;
        }
        seal(&core, footer).await;
    }
}

/// The prepared segment, if it is needed and nobody writes zeros where the old one's footer may go.
fn take_next(core: &Core) -> Option<NextSegment> {
    let queue = core.queue.borrow();
    if !queue.roll_wanted() || queue.is_zeroing(queue.segment()) {
        return None;
    }
    core.files.borrow_mut().next.take()
}

fn roll(core: &Core, next: &NextSegment) -> (PendingFooter, CommitSequence) {
    core.signals.roll_signalled.set(false);
    let old = core.queue.borrow_mut().roll(&next.segment, next.is_reserved);
    let footer = PendingFooter::of(&core.index.borrow(), &old);
    core.index.borrow_mut().add_segment(&next.segment);
    let checkpoint_last = checkpoint(core);
    core.signals.prepare.notify_all();
    core.signals.admission.notify_all();
    core.queue_changed();
    (footer, checkpoint_last)
}

/// Appends the checkpoint to the current segment, which is empty. Gives back its last commit.
pub(super) fn checkpoint(core: &Core) -> CommitSequence {
    let mut states: Vec<(PartitionKey, Vec<u8>)> = Vec::new();
    core.observe(|observer| observer.checkpoint(&mut |key, state| states.push((key, state.to_vec()))));
    let mut index = core.index.borrow_mut();
    index.forget_hidden();
    let mut queue = core.queue.borrow_mut();
    queue.segment().set_state(SegmentState::Current);
    let mut with_state: HashSet<PartitionKey> = HashSet::default();
    let mut entry_count = 0;
    for (key, state) in &states {
        assert!(with_state.insert(*key), "{key}: one state per partition");
        assert!(state.len() <= limits::CHECKPOINT_STATE_BYTES_MAX, "{key}: a state of {} bytes", state.len());
        let entry = partition_entry(&index, *key, queue.segment());
        let chunk_bytes = core.options.commit_bytes_max / 2;
        let mut rest = state.as_slice();
        while rest.len() > chunk_bytes {
            let (chunk, more) = rest.split_at(chunk_bytes);
            queue.add_checkpoint(Entry { flags: FLAG_MORE, ..entry }, chunk);
            entry_count += 1;
            rest = more;
        }
        queue.add_checkpoint(entry, rest);
        entry_count += 1;
    }
    for (key, partition) in index.partitions() {
        if !with_state.contains(key) {
            let entry = partition_entry(&index, *key, queue.segment());
            queue.add_checkpoint(entry, &[]);
            entry_count += 1;
        }
        for hidden in &partition.hidden {
            let mut entry = Entry::new(EntryKind::CheckpointHidden, *key);
            entry.base_offset = Offset(hidden.before.0 as i64);
            entry.last_offset = hidden.offset;
            queue.add_checkpoint(entry, &[]);
            entry_count += 1;
        }
    }
    let mut end = Entry::new(EntryKind::CheckpointEnd, PartitionKey::default());
    end.base_offset = Offset(entry_count);
    let last = queue.add_checkpoint(end, &[]);
    queue.close_open();
    let (used, bytes_max) = (queue.position(), core.options.checkpoint_bytes_max());
    if used > bytes_max {
        let message = format!("a checkpoint of {used} bytes exceeds {bytes_max}: raise the segment size");
        fatal::exit(Reason::MemoryBudget, message);
    }
    last
}

fn partition_entry(index: &super::index::Index, key: PartitionKey, segment: &SegmentFile) -> Entry {
    let mut entry = Entry::new(EntryKind::CheckpointPartition, key);
    let born = match index.partition(key) {
        Some(partition) => {
            entry.base_offset = partition.log_start;
            entry.last_offset = partition.end;
            entry.leader_epoch = partition.leader_epoch;
            partition.born
        }
        None => segment.header.sequence,
    };
    entry.max_timestamp_ms = born.0 as i64;
    entry
}
