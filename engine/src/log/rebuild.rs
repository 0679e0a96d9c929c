//! Owns the rebuilding of a sealed segment's extents from its commit tables.
//!
//! Recovery calls it for a segment without a sound footer: a crash came between the roll and the footer, or the footer is damaged. It must find every commit
//! up to where the next segment begins, or say which one is damaged.

use super::entry::{Entry, EntryKind};
use super::error::OpenError;
use super::footer::{Coverage, Extent, FooterBuilder, Summary};
use super::inventory::FoundSegment;
use super::scan::{Scanned, SegmentScanner};
use super::segment_file::CommitRange;
use crate::ids::{CommitSequence, Offset, PartitionKey};
use corelog_rt::map::HashMap;
use std::collections::VecDeque;

/// What a segment holds.
#[derive(Debug)]
pub struct Rebuilt {
    /// Its commits.
    pub commits: CommitRange,
    /// Where the last one ends.
    pub end: u64,
    /// Its partitions, by ascending key.
    pub spans: Vec<(Summary, VecDeque<Extent>)>,
}

/// Reads the tables of all commits of `found`. `follower`: sequence and chain of the commit that comes after the last, where it is known.
///
/// # Errors
/// `Io`, `Damaged`.
pub async fn rebuild_extents(
    found: &FoundSegment,
    follower: Option<(CommitSequence, u32)>,
) -> Result<Rebuilt, OpenError> {
    let mut scanner = SegmentScanner::new(&found.file, found.header);
    let mut partitions: HashMap<PartitionKey, VecDeque<Extent>> = HashMap::default();
    let mut commits = CommitRange::default();
    let flaw = loop {
        match scanner.next().await.map_err(|error| found.io(error))? {
            Scanned::Stop(flaw) => break flaw,
            Scanned::Commit(commit) => {
                commits.extend(&commit.header);
                for entry in &commit.entries {
                    apply(&mut partitions, entry, commit.position);
                }
            }
        }
    };
    let Some(reached) = scanner.expected() else { return Err(found.damage(scanner.position(), flaw).into()) };
    if follower.is_some_and(|(sequence, chain)| sequence != reached.sequence || chain != reached.chain) {
        return Err(found.damage(scanner.position(), flaw).into());
    }
    let spans = partitions.into_iter().filter(|(_, extents)| !extents.is_empty());
    let spans = spans.map(|(key, extents)| (key, extents, None)).collect();
    Ok(Rebuilt { commits, end: scanner.position(), spans: summarise(spans) })
}

/// A part of a partition in a settled segment.
type Found = (PartitionKey, VecDeque<Extent>, Option<Coverage>);

/// Reads the tables of all commits of a settled segment, the last of which says that it is.
///
/// # Errors
/// `Io`, `Damaged`.
pub async fn rebuild_settled(found: &FoundSegment) -> Result<Rebuilt, OpenError> {
    let mut scanner = SegmentScanner::new(&found.file, found.header);
    let mut spans: Vec<Found> = Vec::new();
    let mut commits = CommitRange::default();
    loop {
        let commit = match scanner.next().await.map_err(|error| found.io(error))? {
            Scanned::Stop(flaw) => return Err(found.damage(scanner.position(), flaw).into()),
            Scanned::Commit(commit) => commit,
        };
        commits.extend(&commit.header);
        for entry in &commit.entries {
            apply_settled(&mut spans, entry, commit.position);
        }
        if commit.entries.iter().any(|entry| entry.kind == EntryKind::CleanShutdown) {
            return Ok(Rebuilt { commits, end: scanner.position(), spans: summarise(spans) });
        }
    }
}

fn apply_settled(spans: &mut Vec<Found>, entry: &Entry, commit_position: u64) {
    match entry.kind {
        // The last part did not fit after all. Older files only say where it began.
        EntryKind::Truncate if entry.last_offset == Offset(0) => {
            spans.pop_if(|(key, extents, _)| {
                *key == entry.key && extents.front().is_some_and(|first| first.base_offset == entry.base_offset)
            });
        }
        EntryKind::Truncate => drop(take_last(spans, entry)),
        // What lies apart was one part before compaction.
        EntryKind::Compacted => {
            let extents = take_last(spans, entry);
            if !extents.is_empty() {
                let (base_offset, last_offset) = (entry.base_offset, entry.last_offset);
                let clean_end = Offset(entry.max_timestamp_ms);
                spans.push((entry.key, extents, Some(Coverage { base_offset, last_offset, clean_end })));
            }
        }
        EntryKind::Batches => {
            // Several runs of a partition may lie in one settled segment, with other segments' batches between them.
            let continues = |(key, extents, coverage): &&mut Found| {
                *key == entry.key
                    && coverage.is_none()
                    && extents.back().is_some_and(|last| last.last_offset.plus(1) == entry.base_offset)
            };
            match spans.last_mut().filter(continues) {
                Some((_, extents, _)) => extents.push_back(extent(entry, commit_position)),
                None => spans.push((entry.key, VecDeque::from([extent(entry, commit_position)]), None)),
            }
        }
        _ => {}
    }
}

/// Takes away what was found last of the entry's partition, as far as it lies in the entry's range.
fn take_last(spans: &mut Vec<Found>, entry: &Entry) -> VecDeque<Extent> {
    let mut taken = VecDeque::new();
    let is_inside =
        |extent: &mut Extent| extent.base_offset >= entry.base_offset && extent.last_offset <= entry.last_offset;
    while let Some((_, extents, _)) = spans.last_mut().filter(|(key, ..)| *key == entry.key) {
        while let Some(extent) = extents.pop_back_if(is_inside) {
            taken.push_front(extent);
        }
        if !extents.is_empty() {
            break;
        }
        spans.pop();
    }
    taken
}

fn summarise(mut spans: Vec<Found>) -> Vec<(Summary, VecDeque<Extent>)> {
    spans.sort_by_key(|(key, ..)| *key);
    let mut builder = FooterBuilder::default();
    spans.into_iter().map(|(key, extents, coverage)| (builder.add(key, extents.iter(), coverage), extents)).collect()
}

fn extent(entry: &Entry, commit_position: u64) -> Extent {
    Extent {
        base_offset: entry.base_offset,
        last_offset: entry.last_offset,
        max_timestamp_ms: entry.max_timestamp_ms,
        position: (commit_position + u64::from(entry.position)) as u32,
        bytes: entry.bytes,
        leader_epoch: entry.leader_epoch,
        flags: 0,
    }
}

fn apply(partitions: &mut HashMap<PartitionKey, VecDeque<Extent>>, entry: &Entry, commit_position: u64) {
    match entry.kind {
        EntryKind::Batches => {
            partitions.entry(entry.key).or_default().push_back(extent(entry, commit_position));
        }
        EntryKind::LogStart => {
            let Some(extents) = partitions.get_mut(&entry.key) else { return };
            while extents.pop_front_if(|extent| extent.last_offset < entry.base_offset).is_some() {}
        }
        EntryKind::Truncate => {
            let Some(extents) = partitions.get_mut(&entry.key) else { return };
            while extents.pop_back_if(|extent| extent.base_offset >= entry.base_offset).is_some() {}
            if let Some(last) = extents.back_mut() {
                last.cut(entry.base_offset);
            }
        }
        EntryKind::DeletePartition => {
            partitions.remove(&entry.key);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{LeaderEpoch, TopicNumber};

    fn key(partition: u32) -> PartitionKey {
        PartitionKey { topic: TopicNumber(1), partition }
    }

    fn entry(kind: EntryKind, partition: u32, base: i64, last: i64) -> Entry {
        let mut entry = Entry::new(kind, key(partition));
        (entry.base_offset, entry.last_offset) = (Offset(base), Offset(last));
        (entry.position, entry.bytes, entry.leader_epoch) = (96, 10, LeaderEpoch(1));
        entry
    }

    fn batches(partition: u32, base: i64, last: i64) -> Entry {
        entry(EntryKind::Batches, partition, base, last)
    }

    fn compacted(partition: u32, base: i64, last: i64, clean_end: i64) -> Entry {
        Entry { max_timestamp_ms: clean_end, ..entry(EntryKind::Compacted, partition, base, last) }
    }

    /// Partition, bases of the extents, and what they stand for.
    type Seen = (u32, Vec<i64>, Option<(i64, i64, i64)>);

    fn seen(entries: &[Entry]) -> Vec<Seen> {
        let mut spans = Vec::new();
        for entry in entries {
            apply_settled(&mut spans, entry, 4096);
        }
        let range = |found: Coverage| (found.base_offset.0, found.last_offset.0, found.clean_end.0);
        let bases = |extents: &VecDeque<Extent>| extents.iter().map(|extent| extent.base_offset.0).collect();
        spans.iter().map(|(key, extents, coverage)| (key.partition, bases(extents), coverage.map(range))).collect()
    }

    #[test]
    fn batches_that_follow_each_other_are_one_part_and_others_are_not() {
        let entries = [batches(1, 0, 9), batches(1, 10, 19), batches(1, 30, 39), batches(2, 0, 9)];
        assert_eq!(seen(&entries), [(1, vec![0, 10], None), (1, vec![30], None), (2, vec![0], None)]);
    }

    #[test]
    fn compacted_range_is_what_its_batches_stand_for_however_far_apart_they_lie() {
        let entries = [batches(1, 5, 6), batches(1, 40, 41), compacted(1, 0, 99, 100), batches(1, 100, 109)];
        assert_eq!(seen(&entries), [(1, vec![5, 40], Some((0, 99, 100))), (1, vec![100], None)]);
    }

    #[test]
    fn compacted_range_takes_nothing_from_before_it() {
        let entries = [batches(1, 0, 9), batches(1, 50, 59), compacted(1, 40, 99, 70)];
        assert_eq!(seen(&entries), [(1, vec![0], None), (1, vec![50], Some((40, 99, 70)))]);
        // Nothing of another partition, and no range without batches.
        let entries = [batches(1, 0, 9), compacted(2, 0, 9, 10)];
        assert_eq!(seen(&entries), [(1, vec![0], None)]);
    }

    #[test]
    fn what_was_copied_in_vain_does_not_count() {
        let entries = [batches(1, 0, 9), batches(2, 0, 9), batches(2, 20, 29), entry(EntryKind::Truncate, 2, 0, 29)];
        assert_eq!(seen(&entries), [(1, vec![0], None)]);
        // Older files only say where it began.
        let entries = [batches(1, 0, 9), batches(2, 5, 9), batches(2, 10, 19), entry(EntryKind::Truncate, 2, 5, 0)];
        assert_eq!(seen(&entries), [(1, vec![0], None)]);
    }
}
