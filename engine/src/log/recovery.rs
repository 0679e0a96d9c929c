//! Owns the way from a directory of files to a log that goes on.
//!
//! Runs once, before anything else of the log. What each crash leaves, and what is done:
//!
//! | found | done |
//! |---|---|
//! | a newest segment whose header is sound, without a whole checkpoint | it was prepared or just begun, nothing in it was acknowledged: it gets a new nonce and is the next segment; the one before goes on |
//! | the same, but the segment before it has a footer, or a commit in it says that the checkpoint was durable | damage |
//! | a hole in the newest segment with a whole checkpoint | the log ends there; what lies behind stays dead (its chain cannot match any more) |
//! | a hole, and behind it a commit that says that the hole was durable | damage |
//! | a sealed segment without a sound footer | its extents are rebuilt from its commit tables, the footer written again |
//! | a sealed segment of which every partition moved its start past it, or was deleted | dead: its file is free |
//!
//! The tail is synced before anybody is told of it: what was read once is never lost by a crash after.

use super::commit::FLAG_CHECKPOINT;
use super::entry::{Entry, EntryKind, FLAG_MORE};
use super::error::{Flaw, OpenError};
use super::footer::{Extent, Summary};
use super::index::{Hidden, Index};
use super::interface::{BatchMeta, CheckpointedPartition, RecoverySink};
use super::inventory::{FoundSegment, Inventory, Numbers, set_free, take_inventory};
use super::options::LogOptions;
use super::preparer::write_header;
use super::queue::Resume;
use super::rebuild::{Rebuilt, rebuild_extents, rebuild_settled};
use super::scan::{Scanned, ScannedCommit, SegmentScanner};
use super::segment::SEGMENT_HEADER_BYTES;
use super::segment_file::{CommitRange, SegmentFile, SegmentState};
use crate::batch::Batches;
use crate::ids::{CommitSequence, PartitionKey, SegmentSequence};
use crate::limits::{CHECKPOINT_STATE_BYTES_MAX, UNUSED_LOOKAHEAD_BYTES};
use corelog_rt::{rand, time};
use std::collections::VecDeque;
use std::path::Path;
use std::rc::Rc;

/// What recovery gives.
#[derive(Debug)]
pub struct Recovered {
    /// What the log holds.
    pub index: Index,
    /// Where it goes on; none if it is new.
    pub resume: Option<Resume>,
    /// A prepared segment.
    pub next: Option<Rc<SegmentFile>>,
    /// Numbers of free files.
    pub free: Vec<u64>,
    /// Numbers for what comes next.
    pub numbers: Numbers,
    /// Segments that need a footer, oldest first.
    pub unsealed: VecDeque<Rc<SegmentFile>>,
}

/// Recovers the log in `directory`.
///
/// # Errors
/// See [`OpenError`].
pub async fn recover(
    directory: &Path,
    options: &LogOptions,
    sink: &mut dyn RecoverySink,
) -> Result<Recovered, OpenError> {
    let inventory = take_inventory(directory, options).await?;
    let Inventory { mut segments, settled, free, numbers } = inventory;
    let mut unused = Vec::new();
    let checkpoint = loop {
        let Some(newest) = segments.last() else { break None };
        if let Some(checkpoint) = read_checkpoint(newest).await? {
            break Some(checkpoint);
        }
        if newest.trailer.is_some() {
            return Err(newest.damage(SEGMENT_HEADER_BYTES as u64, Flaw::NoCheckpoint).into());
        }
        unused.extend(segments.pop());
    };
    let mut recovered =
        Recovered { index: Index::default(), resume: None, next: None, free, numbers, unsealed: VecDeque::new() };
    match (segments.pop(), checkpoint) {
        (Some(active), Some(checkpoint)) => {
            if active.trailer.is_some() {
                let flaw = if unused.is_empty() { Flaw::SuccessorMissing } else { Flaw::NoCheckpoint };
                let file = unused.last().unwrap_or(&active);
                return Err(file.damage(SEGMENT_HEADER_BYTES as u64, flaw).into());
            }
            restore(&mut recovered, options, (settled, segments, active), checkpoint, sink).await?;
        }
        // Of a new log at most the first segment and the one prepared behind it can lack a checkpoint.
        _ if unused.len() > 2 || !settled.is_empty() => {
            let newest = unused.last().or(settled.last()).expect("there is one");
            return Err(newest.damage(SEGMENT_HEADER_BYTES as u64, Flaw::NoCheckpoint).into());
        }
        _ => {}
    }
    let due = recovered.resume.as_ref().map_or(1, |resume| resume.sequence.0 + 1);
    for segment in unused.into_iter().rev() {
        let mut scanner = SegmentScanner::new(&segment.file, segment.header);
        let lived = scanner.was_durable(CommitSequence(due), UNUSED_LOOKAHEAD_BYTES).await;
        if lived.map_err(|error| segment.io(error))? {
            return Err(segment.damage(SEGMENT_HEADER_BYTES as u64, Flaw::NoCheckpoint).into());
        }
        if options.read_only {
            continue;
        }
        reuse(&mut recovered, directory, options, segment).await?;
    }
    Ok(recovered)
}

/// A segment without a whole checkpoint: makes sure that none of its commits is ever believed, and keeps its file.
async fn reuse(
    recovered: &mut Recovered,
    directory: &Path,
    options: &LogOptions,
    segment: FoundSegment,
) -> Result<(), OpenError> {
    let fits = segment.header.bytes == options.segment_bytes;
    if recovered.next.is_none() && fits {
        let header =
            super::segment::SegmentHeader { nonce: rand::u64(), created_ms: time::unix_ms(), ..segment.header };
        write_header(&segment.file, &header).await.map_err(|error| segment.io(error))?;
        let end = SEGMENT_HEADER_BYTES as u64;
        recovered.next = Some(SegmentFile::new(header, segment.file, segment.path, SegmentState::Prepared, end));
        return Ok(());
    }
    let path = segment.path.clone();
    let number = set_free(directory, segment).await.map_err(|error| OpenError::Io { path, error })?;
    recovered.free.push(number);
    Ok(())
}

#[derive(Debug, Default)]
struct Checkpoint {
    partitions: Vec<(CheckpointedPartition, SegmentSequence, Vec<u8>)>,
    hidden: Vec<(PartitionKey, Hidden)>,
}

/// The checkpoint at the start of a segment; none if it is not whole.
async fn read_checkpoint(segment: &FoundSegment) -> Result<Option<Checkpoint>, OpenError> {
    let mut scanner = SegmentScanner::new(&segment.file, segment.header);
    let mut checkpoint: Option<Checkpoint> = None;
    let mut partial: Vec<u8> = Vec::new();
    let mut entry_count = 0;
    loop {
        let commit = match scanner.next().await.map_err(|error| segment.io(error))? {
            Scanned::Commit(commit) => commit,
            Scanned::Stop(flaw @ Flaw::UnknownKind { .. }) => {
                return Err(segment.damage(scanner.position(), flaw).into());
            }
            Scanned::Stop(_) => return Ok(None),
        };
        if commit.header.flags & FLAG_CHECKPOINT == 0 {
            return Ok(None);
        }
        let found = checkpoint.get_or_insert_default();
        for entry in &commit.entries {
            match entry.kind {
                EntryKind::CheckpointPartition => {
                    partial.extend_from_slice(data_of(&commit, entry));
                    if partial.len() > CHECKPOINT_STATE_BYTES_MAX {
                        return Err(segment.damage(commit.position, Flaw::Shape).into());
                    }
                    if entry.flags & FLAG_MORE == 0 {
                        let born = SegmentSequence(entry.max_timestamp_ms as u64);
                        found.partitions.push((partition_of(entry), born, std::mem::take(&mut partial)));
                    }
                }
                EntryKind::CheckpointHidden => {
                    let before = SegmentSequence(entry.base_offset.0 as u64);
                    found.hidden.push((entry.key, Hidden { before, offset: entry.last_offset }));
                }
                EntryKind::CheckpointEnd => {
                    // Fewer or more entries than it counts: some commit of it is not ours.
                    return Ok(checkpoint.filter(|_| entry.base_offset.0 == entry_count));
                }
                _ => {}
            }
            entry_count += 1;
        }
    }
}

fn data_of<'a>(commit: &'a ScannedCommit, entry: &Entry) -> &'a [u8] {
    let from = entry.position as usize;
    // The table was verified: data lies inside the commit. An entry without data has position 0.
    commit.bytes.get(from..from + entry.bytes as usize).unwrap_or_default()
}

fn partition_of(entry: &Entry) -> CheckpointedPartition {
    CheckpointedPartition {
        key: entry.key,
        log_start: entry.base_offset,
        end: entry.last_offset,
        leader_epoch: entry.leader_epoch,
    }
}

async fn restore(
    recovered: &mut Recovered,
    options: &LogOptions,
    (settled, sealed, active): (Vec<FoundSegment>, Vec<FoundSegment>, FoundSegment),
    checkpoint: Checkpoint,
    sink: &mut dyn RecoverySink,
) -> Result<(), OpenError> {
    for (partition, born, state) in &checkpoint.partitions {
        let CheckpointedPartition { key, log_start, end, leader_epoch } = *partition;
        recovered.index.restore_partition(key, log_start, end, leader_epoch, *born);
        sink.checkpoint(partition, state);
    }
    for (key, hidden) in checkpoint.hidden {
        recovered.index.restore_hidden(key, hidden);
    }
    let mut older = Vec::new();
    let mut follower = &active;
    for segment in sealed.iter().rev() {
        let content = read_sealed(segment, follower).await?;
        older.push(content);
        follower = segment;
    }
    // What was settled last first: its spans stand for those that they were copied from.
    for found in settled.into_iter().rev() {
        let content = read_settled(&found).await?;
        restore_sealed(recovered, found, content);
    }
    for (found, content) in sealed.into_iter().zip(older.into_iter().rev()) {
        restore_sealed(recovered, found, content);
    }
    let resume = scan_active(&mut recovered.index, active, options, sink).await?;
    recovered.index.restored();
    recovered.resume = Some(resume);
    Ok(())
}

fn restore_sealed(recovered: &mut Recovered, found: FoundSegment, content: SealedContent) {
    let segment = content.open(found);
    recovered.index.add_segment(&segment);
    for (summary, extents) in content.spans {
        recovered.index.restore_span(&segment, &summary, extents);
    }
    if segment.trailer().is_none() {
        recovered.unsealed.push_back(segment);
    }
}

/// What a sealed segment holds.
struct SealedContent {
    spans: Vec<(Summary, Option<VecDeque<Extent>>)>,
    /// Where its footer was rebuilt from.
    rebuilt: Option<(CommitRange, u64)>,
}

impl SealedContent {
    fn open(&self, found: FoundSegment) -> Rc<SegmentFile> {
        let start = SEGMENT_HEADER_BYTES as u64;
        match (found.trailer, self.rebuilt) {
            (Some(trailer), None) => {
                let end = trailer.data_end;
                let segment = SegmentFile::new(found.header, found.file, found.path, SegmentState::Sealed, end);
                segment.set_sealed(trailer);
                segment
            }
            (_, rebuilt) => {
                let segment = SegmentFile::new(found.header, found.file, found.path, SegmentState::Current, start);
                let (commits, end) = rebuilt.unwrap_or((CommitRange::default(), start));
                segment.restore_commits(commits, end);
                segment
            }
        }
    }
}

/// Reads a sealed segment's footer, or its commit tables if that is missing. `follower` is the segment after it.
async fn read_sealed(found: &FoundSegment, follower: &FoundSegment) -> Result<SealedContent, OpenError> {
    if let Some(content) = footer_content(found) {
        return Ok(content);
    }
    let adjacent = found.header.sequence.0 + 1 == follower.header.sequence.0;
    let follower = if adjacent { Some(first_commit(follower).await?) } else { None };
    Ok(rebuilt_content(rebuild_extents(found, follower).await?))
}

/// Reads the footer of a settled segment, or its commit tables if that is damaged.
async fn read_settled(found: &FoundSegment) -> Result<SealedContent, OpenError> {
    match footer_content(found) {
        Some(content) => Ok(content),
        None => Ok(rebuilt_content(rebuild_settled(found).await?)),
    }
}

fn footer_content(found: &FoundSegment) -> Option<SealedContent> {
    if let (Some(_), Some(summaries)) = (found.trailer, &found.summaries) {
        let spans = summaries.iter().map(|summary| (*summary, None)).collect();
        return Some(SealedContent { spans, rebuilt: None });
    }
    tracing::warn!(file = %found.path.display(), "a sealed segment has no footer: rebuilding it from its commits");
    None
}

fn rebuilt_content(rebuilt: Rebuilt) -> SealedContent {
    let spans = rebuilt.spans.into_iter().map(|(summary, extents)| (summary, Some(extents))).collect();
    SealedContent { spans, rebuilt: Some((rebuilt.commits, rebuilt.end)) }
}

/// Sequence of the first commit of a segment, and what it chains to.
async fn first_commit(found: &FoundSegment) -> Result<(CommitSequence, u32), OpenError> {
    let mut scanner = SegmentScanner::new(&found.file, found.header);
    let position = scanner.position();
    match scanner.commit_at(position).await.map_err(|error| found.io(error))? {
        Ok(commit) => Ok((commit.header.sequence, commit.header.chain)),
        Err(flaw) => Err(found.damage(position, flaw).into()),
    }
}

async fn scan_active(
    index: &mut Index,
    found: FoundSegment,
    options: &LogOptions,
    sink: &mut dyn RecoverySink,
) -> Result<Resume, OpenError> {
    let start = SEGMENT_HEADER_BYTES as u64;
    let segment = SegmentFile::new(found.header, found.file, found.path, SegmentState::Current, start);
    index.add_segment(&segment);
    let io = |error| OpenError::Io { path: segment.path.clone(), error };
    let scanner = SegmentScanner::new(&segment.file, segment.header);
    #[cfg(sim)]
    let scanner = scanner.unchained(options.defects.unchecked_chain);
    let mut scanner = scanner;
    let mut extent_count = 0;
    let mut clean = false;
    loop {
        let before = scanner.expected();
        let flaw = match scanner.next().await.map_err(io)? {
            Scanned::Stop(flaw) => flaw,
            Scanned::Commit(commit) => match options.check_batches(&commit) {
                Ok(()) => {
                    let header = &commit.header;
                    let end = commit.position + commit.bytes.len() as u64;
                    segment.commit_written(header.sequence, end, header.crc, header.wall_ms);
                    extent_count +=
                        apply(index, &segment, &commit, sink).map_err(|flaw| segment.damage(commit.position, flaw))?;
                    clean = commit.entries.iter().any(|entry| entry.kind == EntryKind::CleanShutdown);
                    continue;
                }
                Err(flaw) => {
                    scanner.step_back(&commit, before);
                    flaw
                }
            },
        };
        if let Flaw::UnknownKind { .. } = flaw {
            // Intact, and beyond this version: not a place to end.
            return Err(segment.damage(scanner.position(), flaw).into());
        }
        let Some(expected) = scanner.expected() else {
            return Err(segment.damage(scanner.position(), flaw).into());
        };
        if !clean {
            tracing::info!(file = %segment.path.display(), position = scanner.position(), %flaw, "the log ends here after an unclean stop");
            if scanner.hole_was_durable().await.map_err(io)? {
                let flaw = Flaw::DurableLost { sequence: expected.sequence };
                return Err(segment.damage(scanner.position(), flaw).into());
            }
        }
        let position = scanner.position();
        segment.file.sync_data().await.map_err(io)?;
        let sequence = CommitSequence(expected.sequence.0 - 1);
        let chain = expected.chain;
        return Ok(Resume { segment: Rc::clone(&segment), position, extent_count, sequence, chain, life: rand::u64() });
    }
}

/// Tells index and sink what a commit holds. Gives back the number of extents that it added.
fn apply(
    index: &mut Index,
    segment: &Rc<SegmentFile>,
    commit: &ScannedCommit,
    sink: &mut dyn RecoverySink,
) -> Result<usize, Flaw> {
    let sequence = segment.header.sequence;
    let mut extents = 0;
    for (entry, number) in commit.entries.iter().zip(0..) {
        match entry.kind {
            EntryKind::Batches => {
                let meta = BatchMeta {
                    base_offset: entry.base_offset,
                    last_offset: entry.last_offset,
                    max_timestamp_ms: entry.max_timestamp_ms,
                    leader_epoch: entry.leader_epoch,
                };
                let end = index.partition(entry.key).map_or(meta.base_offset, |partition| partition.end);
                if meta.base_offset < end || meta.base_offset.0 < 0 || meta.last_offset.0 == i64::MAX {
                    return Err(Flaw::EntryAgainstIndex { entry: number });
                }
                let position = (commit.position + u64::from(entry.position)) as u32;
                index.append(segment, entry.key, &meta, position, entry.bytes, false);
                for step in Batches::new(data_of(commit, entry)) {
                    let (header, _) = step.map_err(|error| Flaw::Batch { position: entry.position, error })?;
                    sink.batch(entry.key, &header);
                }
                extents += 1;
            }
            EntryKind::LogStart => {
                index.log_start(sequence, entry.key, entry.base_offset);
                sink.log_start(entry.key, entry.base_offset);
            }
            EntryKind::Truncate => {
                index.truncate(sequence, entry.key, entry.base_offset, entry.leader_epoch);
                sink.truncate(entry.key, entry.base_offset, entry.leader_epoch);
            }
            EntryKind::DeletePartition => {
                index.delete(entry.key);
                sink.delete(entry.key);
            }
            _ => {}
        }
    }
    Ok(extents)
}
