//! Owns the walk through a segment, commit by commit, from the device.
//!
//! Recovery, the rebuilding of footers and the dump use it. It reads ahead in large pieces, checks that each commit is intact and continues the one before,
//! and says why it stopped. It never allocates for a length before the commit's magic and nonce are right.

use super::commit::{self, COMMIT_ALIGNMENT, CommitHeader, FLAG_LIFE_START};
use super::entry::{Entry, EntryKind};
use super::error::Flaw;
use super::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::ids::CommitSequence;
use crate::limits::{RECOVERY_LOOKAHEAD_BYTES, SCAN_READ_BYTES};
use bytes::Bytes;
use corelog_rt::file::DirectFile;
use std::io;

/// What the next commit must continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanExpectation {
    /// Its sequence.
    pub sequence: CommitSequence,
    /// The checksum of the commit before it.
    pub chain: u32,
    /// The life of the commit before it.
    pub life: u64,
}

/// A commit that is intact as far as header and table go.
#[derive(Clone, Debug)]
pub struct ScannedCommit {
    /// Bytes from the start of the file.
    pub position: u64,
    /// Its header.
    pub header: CommitHeader,
    /// All of it.
    pub bytes: Bytes,
    /// Its table.
    pub entries: Vec<Entry>,
}

impl ScannedCommit {
    /// Checks that every batch is what it was.
    ///
    /// # Errors
    /// See [`commit::verify_batches`].
    pub fn check_batches(&self) -> Result<(), Flaw> {
        for (entry, number) in self.entries.iter().zip(0..) {
            if entry.kind == EntryKind::Batches {
                commit::verify_batches(&self.bytes, entry, number, |_, _| {})?;
            }
        }
        Ok(())
    }
}

/// One step of a scan.
#[derive(Clone, Debug)]
pub enum Scanned {
    /// The next commit.
    Commit(ScannedCommit),
    /// No further commit follows, and why what is there is none.
    Stop(Flaw),
}

/// Walks through a segment.
#[derive(Debug)]
pub struct SegmentScanner<'a> {
    file: &'a DirectFile,
    header: SegmentHeader,
    position: u64,
    expected: Option<ScanExpectation>,
    window: Bytes,
    window_position: u64,
    unchained: bool,
}

impl<'a> SegmentScanner<'a> {
    /// Starts behind the header block; the first commit may be any.
    pub fn new(file: &'a DirectFile, header: SegmentHeader) -> SegmentScanner<'a> {
        SegmentScanner {
            file,
            header,
            position: SEGMENT_HEADER_BYTES as u64,
            expected: None,
            window: Bytes::new(),
            window_position: 0,
            unchained: false,
        }
    }

    /// A defect built in on purpose: believes any commit with the right sequence.
    #[cfg(sim)]
    pub fn unchained(mut self, unchained: bool) -> SegmentScanner<'a> {
        self.unchained = unchained;
        self
    }

    /// Where the next commit is looked for, in bytes from the start of the file.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// What the next commit must continue; none before the first.
    pub fn expected(&self) -> Option<ScanExpectation> {
        self.expected
    }

    /// The next commit, or why there is none. After `Stop` the scanner stays where it is.
    ///
    /// # Errors
    /// What the device says.
    pub async fn next(&mut self) -> io::Result<Scanned> {
        let position = self.position;
        match self.commit_at(position).await? {
            Ok(commit) => match self.continues(&commit.header) {
                Ok(()) => {
                    self.position = position + commit.bytes.len() as u64;
                    self.expected = Some(ScanExpectation {
                        sequence: CommitSequence(commit.header.sequence.0.saturating_add(1)),
                        chain: commit.header.crc,
                        life: commit.header.life,
                    });
                    Ok(Scanned::Commit(commit))
                }
                Err(flaw) => Ok(Scanned::Stop(flaw)),
            },
            Err(flaw) => Ok(Scanned::Stop(flaw)),
        }
    }

    fn continues(&self, header: &CommitHeader) -> Result<(), Flaw> {
        let Some(expected) = self.expected else { return Ok(()) };
        if header.sequence != expected.sequence {
            return Err(Flaw::Sequence { expected: expected.sequence, found: header.sequence });
        }
        if self.unchained {
            return Ok(());
        }
        let new_life = header.flags & FLAG_LIFE_START != 0;
        if header.chain != expected.chain || (header.life != expected.life && !new_life) {
            return Err(Flaw::Chain { sequence: header.sequence });
        }
        Ok(())
    }

    /// Takes back the last step: the commit that it gave turned out to be damaged.
    pub fn step_back(&mut self, commit: &ScannedCommit, before: Option<ScanExpectation>) {
        self.position = commit.position;
        self.expected = before;
    }

    /// Whether a commit behind the one that is missing says that the missing one was durable: then no crash took it.
    ///
    /// # Errors
    /// What the device says.
    pub async fn hole_was_durable(&mut self) -> io::Result<bool> {
        let Some(expected) = self.expected else { return Ok(false) };
        self.was_durable(expected.sequence, RECOVERY_LOOKAHEAD_BYTES).await
    }

    /// Whether a commit within `bytes` from here says that `sequence` was durable.
    ///
    /// # Errors
    /// What the device says.
    pub async fn was_durable(&mut self, sequence: CommitSequence, bytes: u64) -> io::Result<bool> {
        let until = (self.position + bytes).min(self.header.bytes);
        let mut position = self.position;
        while position < until {
            let found = self.commit_at(position).await?;
            if found.is_ok_and(|commit| commit.header.durable >= sequence) {
                return Ok(true);
            }
            position += COMMIT_ALIGNMENT as u64;
        }
        Ok(false)
    }

    /// The commit at `position`, whatever it continues.
    pub async fn commit_at(&mut self, position: u64) -> io::Result<Result<ScannedCommit, Flaw>> {
        let available = self.header.bytes.min(self.file.bytes()).saturating_sub(position);
        if available < COMMIT_ALIGNMENT as u64 {
            return Ok(Err(Flaw::Truncated));
        }
        let first = self.bytes_at(position, COMMIT_ALIGNMENT).await?;
        let header = match CommitHeader::decode(&first) {
            Ok(header) => header,
            Err(flaw) => return Ok(Err(flaw)),
        };
        if header.nonce != self.header.nonce {
            return Ok(Err(Flaw::Nonce { found: header.nonce }));
        }
        let bytes = u64::from(header.bytes);
        if bytes > available {
            return Ok(Err(Flaw::CommitOutside { bytes, available }));
        }
        let bytes = self.bytes_at(position, header.bytes as usize).await?;
        Ok(header.verify(&bytes).map(|entries| ScannedCommit { position, header, bytes, entries }))
    }

    /// `bytes` at `position`, from the window or through a new one.
    async fn bytes_at(&mut self, position: u64, bytes: usize) -> io::Result<Bytes> {
        let inside = position.checked_sub(self.window_position).map(|from| from as usize);
        let cached = inside.filter(|from| from.checked_add(bytes).is_some_and(|until| until <= self.window.len()));
        if let Some(from) = cached {
            return Ok(self.window.slice(from..from + bytes));
        }
        let left = self.file.bytes().saturating_sub(position);
        let read = (bytes.max(SCAN_READ_BYTES) as u64).min(left) as usize;
        self.window = self.file.read_at(position, read).await?;
        self.window_position = position;
        Ok(self.window.slice(..bytes.min(self.window.len())))
    }
}
