//! Owns the walk over a log's files for people: everything that is there, every checksum verified, every flaw named with its place.
//!
//! Tools call it on a log that nobody has open. It only reads. It goes on after damage where that makes sense, so that all of it is seen.

use super::commit::{self, COMMIT_HEADER_BYTES, CommitHeader};
use super::entry::{Entry, EntryKind};
use super::error::{Damage, Flaw, OpenError};
use super::footer::{EXTENT_BYTES, Summary, TRAILER_BLOCK_BYTES, Trailer, decode_extents};
use super::inventory::read_footer;
use super::scan::{Scanned, ScannedCommit, SegmentScanner};
use super::segment::{FileName, SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::batch::BatchHeader;
use crate::ids::CommitSequence;
use crate::limits::SEGMENT_BYTES_MAX;
use corelog_rt::dir;
use corelog_rt::file::DirectFile;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// One thing found, in the order of the log.
#[derive(Clone, Debug)]
pub enum DumpEvent<'a> {
    /// A segment begins.
    Segment {
        /// Its file.
        file: &'a Path,
        /// Its header.
        header: &'a SegmentHeader,
    },
    /// A commit whose header and table are sound.
    Commit {
        /// Bytes from the start of the file.
        position: u64,
        /// Its header.
        header: &'a CommitHeader,
    },
    /// A line of the commit's table.
    Entry {
        /// Its index in the table.
        number: u32,
        /// What it says.
        entry: &'a Entry,
    },
    /// A batch of the entry.
    Batch {
        /// Bytes from the start of the file.
        position: u64,
        /// Its header.
        header: &'a BatchHeader,
    },
    /// No further commit follows in this segment.
    End {
        /// Where the next one would lie.
        position: u64,
        /// What is there instead.
        flaw: Flaw,
    },
    /// The segment's footer.
    Footer {
        /// Its trailer.
        trailer: &'a Trailer,
        /// What it says of each partition.
        summaries: &'a [Summary],
    },
    /// A file that waits for its next use.
    FreeFile {
        /// The file.
        file: &'a Path,
    },
    /// Something is not what it should be.
    Damaged(&'a Damage),
}

/// What a dump saw in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DumpReport {
    /// Segments.
    pub segments: u64,
    /// Sound commits.
    pub commits: u64,
    /// Entries of those.
    pub entries: u64,
    /// Sound batches.
    pub batches: u64,
    /// Bytes of those.
    pub batch_bytes: u64,
    /// Places where something is damaged.
    pub damaged: u64,
}

/// Who is told. Breaking ends the dump.
pub type DumpVisitor<'a> = dyn FnMut(&DumpEvent<'_>) -> ControlFlow<()> + 'a;

/// Walks over the log in `directory`.
///
/// # Errors
/// `Io`, `NewerFormat`. Damage is an event, not an error.
pub async fn dump(directory: &Path, visit: &mut DumpVisitor<'_>) -> Result<DumpReport, OpenError> {
    let names = dir::list(directory).await.map_err(|error| OpenError::Io { path: directory.to_owned(), error })?;
    let mut segments: Vec<PathBuf> = Vec::new();
    let mut dump = Dump { report: DumpReport::default(), visit, follower: None };
    for name in &names {
        match FileName::parse(name) {
            FileName::Segment(_) => segments.push(directory.join(name)),
            FileName::Free(_) => {
                let file = directory.join(name);
                if dump.tell(&DumpEvent::FreeFile { file: &file }).is_break() {
                    return Ok(dump.report);
                }
            }
            FileName::Making(_) | FileName::Foreign => {}
        }
    }
    for path in &segments {
        if dump.segment(path).await?.is_break() {
            break;
        }
    }
    Ok(dump.report)
}

struct Dump<'v, 'f> {
    report: DumpReport,
    visit: &'v mut DumpVisitor<'f>,
    /// Segment, sequence and chain that the first commit of the next segment should have, where that is known.
    follower: Option<(u64, CommitSequence, u32)>,
}

impl Dump<'_, '_> {
    fn tell(&mut self, event: &DumpEvent<'_>) -> ControlFlow<()> {
        if matches!(event, DumpEvent::Damaged(_)) {
            self.report.damaged += 1;
        }
        (self.visit)(event)
    }

    fn damaged(&mut self, file: &Path, position: u64, flaw: Flaw) -> ControlFlow<()> {
        self.tell(&DumpEvent::Damaged(&Damage { file: file.to_owned(), position, flaw }))
    }

    async fn segment(&mut self, path: &Path) -> Result<ControlFlow<()>, OpenError> {
        let io = |error| OpenError::Io { path: path.to_owned(), error };
        let file = DirectFile::open(path).await.map_err(io)?;
        if file.bytes() < (SEGMENT_HEADER_BYTES + TRAILER_BLOCK_BYTES) as u64 {
            return Ok(self.damaged(path, 0, Flaw::Truncated));
        }
        let block = file.read_at(0, SEGMENT_HEADER_BYTES).await.map_err(io)?;
        let header = match SegmentHeader::decode(&block) {
            Ok(header) => header,
            Err(Flaw::NewerVersion { version }) => {
                return Err(OpenError::NewerFormat { file: path.to_owned(), version });
            }
            Err(flaw) => return Ok(self.damaged(path, 0, flaw)),
        };
        let possible = header.bytes <= SEGMENT_BYTES_MAX && header.bytes.is_multiple_of(4096);
        if header.bytes != file.bytes() || !possible {
            return Ok(self.damaged(path, 0, Flaw::FileLength { stored: header.bytes, found: file.bytes() }));
        }
        self.report.segments += 1;
        if self.tell(&DumpEvent::Segment { file: path, header: &header }).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let (trailer, summaries) = read_footer(&file, &header).await.map_err(io)?;
        if self.commits(path, &file, &header, trailer).await?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        match trailer {
            Some(trailer) => self.footer(path, &file, &trailer, summaries).await,
            None => Ok(ControlFlow::Continue(())),
        }
    }

    async fn commits(
        &mut self,
        path: &Path,
        file: &DirectFile,
        header: &SegmentHeader,
        trailer: Option<Trailer>,
    ) -> Result<ControlFlow<()>, OpenError> {
        let io = |error| OpenError::Io { path: path.to_owned(), error };
        let mut scanner = SegmentScanner::new(file, *header);
        let before = self.follower.take().filter(|(segment, ..)| *segment == header.sequence.0);
        let flaw = loop {
            let commit = match scanner.next().await.map_err(io)? {
                Scanned::Stop(flaw) => break flaw,
                Scanned::Commit(commit) => commit,
            };
            let first = commit.position == SEGMENT_HEADER_BYTES as u64;
            let continues = |(_, sequence, chain)| sequence == commit.header.sequence && chain == commit.header.chain;
            if first && !before.is_none_or(continues) {
                let flaw = Flaw::Chain { sequence: commit.header.sequence };
                if self.damaged(path, commit.position, flaw).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            if self.commit(path, &commit).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        };
        let position = scanner.position();
        let short = trailer.is_some_and(|trailer| trailer.data_end != position);
        if short || scanner.hole_was_durable().await.map_err(io)? {
            return Ok(self.damaged(path, position, flaw));
        }
        if let Some(reached) = scanner.expected() {
            self.follower = Some((header.sequence.0 + 1, reached.sequence, reached.chain));
        }
        Ok(self.tell(&DumpEvent::End { position, flaw }))
    }

    fn commit(&mut self, path: &Path, commit: &ScannedCommit) -> ControlFlow<()> {
        self.report.commits += 1;
        self.tell(&DumpEvent::Commit { position: commit.position, header: &commit.header })?;
        for (entry, number) in commit.entries.iter().zip(0..) {
            self.report.entries += 1;
            self.tell(&DumpEvent::Entry { number, entry })?;
            if entry.kind != EntryKind::Batches {
                continue;
            }
            let mut found: Vec<(BatchHeader, u32)> = Vec::new();
            let checked = commit::verify_batches(&commit.bytes, entry, number, |header, at| found.push((*header, at)));
            for (header, at) in &found {
                self.report.batches += 1;
                self.report.batch_bytes += header.bytes as u64;
                self.tell(&DumpEvent::Batch { position: commit.position + u64::from(*at), header })?;
            }
            if let Err(flaw) = checked {
                self.damaged(path, commit.position + place_of(&flaw, entry), flaw)?;
            }
        }
        ControlFlow::Continue(())
    }

    async fn footer(
        &mut self,
        path: &Path,
        file: &DirectFile,
        trailer: &Trailer,
        summaries: Option<Vec<Summary>>,
    ) -> Result<ControlFlow<()>, OpenError> {
        let Some(summaries) = summaries else {
            let flaw = Flaw::Checksum { stored: trailer.summaries_crc, computed: 0 };
            return Ok(self.damaged(path, trailer.summaries_position(), flaw));
        };
        let start = trailer.extents_position / 4096 * 4096;
        let end = file.bytes() - TRAILER_BLOCK_BYTES as u64;
        let tables = file
            .read_at(start, (end - start) as usize)
            .await
            .map_err(|error| OpenError::Io { path: path.to_owned(), error })?;
        for summary in &summaries {
            let position = trailer.extents_position + u64::from(summary.extent_first) * EXTENT_BYTES as u64;
            let from = (position - start) as usize;
            let table = tables.get(from..from + summary.extent_count as usize * EXTENT_BYTES).unwrap_or_default();
            if let Err(flaw) = decode_extents(summary.extents_crc, summary.extent_count, table)
                && self.damaged(path, position, flaw).is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(self.tell(&DumpEvent::Footer { trailer, summaries: &summaries }))
    }
}

/// Where in its commit a flaw is.
fn place_of(flaw: &Flaw, entry: &Entry) -> u64 {
    match flaw {
        Flaw::Batch { position, .. } | Flaw::BatchChecksum { position, .. } => u64::from(*position),
        _ => u64::from(entry.position.max(COMMIT_HEADER_BYTES as u32)),
    }
}
