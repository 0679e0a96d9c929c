//! Owns the errors of the log: one variant per distinct reaction.

use crate::batch::BatchError;
use crate::ids::{CommitSequence, Offset, SegmentSequence};
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why bytes on disk are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Flaw {
    /// Fewer bytes are there than the structure needs.
    #[error("it ends too early")]
    Truncated,
    /// The magic bytes are others.
    #[error("nothing of ours is here")]
    NoMagic,
    /// A newer version of the software wrote it.
    #[error("format version {version} is newer than this software understands")]
    NewerVersion {
        /// The version as read.
        version: u16,
    },
    /// Lengths that contradict each other.
    #[error("impossible lengths in a commit header")]
    Shape,
    /// The CRC-32 over a header, a table or a footer does not match.
    #[error("checksum is {computed:#010x}, stored is {stored:#010x}")]
    Checksum {
        /// What the bytes say.
        stored: u32,
        /// What the bytes give.
        computed: u32,
    },
    /// The block belongs to a former use of the file.
    #[error("nonce {found:#018x} is of another use of the file")]
    Nonce {
        /// The nonce as read.
        found: u64,
    },
    /// Not the commit that is due here.
    #[error("commit {found} where {expected} is due")]
    Sequence {
        /// The commit that is due.
        expected: CommitSequence,
        /// The one that is here.
        found: CommitSequence,
    },
    /// It does not continue the commit before it.
    #[error("commit {sequence} does not continue the one before it")]
    Chain {
        /// The commit.
        sequence: CommitSequence,
    },
    /// The commit is longer than what remains of the segment.
    #[error("a commit of {bytes} bytes where {available} are left")]
    CommitOutside {
        /// Bytes that it says it has.
        bytes: u64,
        /// Bytes up to the end of the segment.
        available: u64,
    },
    /// An entry kind that this version must know and does not.
    #[error("entry kind {kind} is newer than this software understands")]
    UnknownKind {
        /// The kind's byte.
        kind: u8,
    },
    /// An entry's data does not lie in its commit.
    #[error("entry {entry} points outside its commit")]
    EntryOutside {
        /// The entry's index in the table.
        entry: u32,
    },
    /// The batches of an entry are not those that it describes.
    #[error("entry {entry} and its batches disagree")]
    EntryAgainstBatches {
        /// The entry's index in the table.
        entry: u32,
    },
    /// An entry's offsets do not continue its partition.
    #[error("entry {entry} does not continue its partition")]
    EntryAgainstIndex {
        /// The entry's index in the table.
        entry: u32,
    },
    /// The CRC-32 over the first bytes of an entry's batches does not match.
    #[error("entry {entry}: checksum of the batch prefixes is {computed:#010x}, stored is {stored:#010x}")]
    PrefixChecksum {
        /// The entry's index in the table.
        entry: u32,
        /// What the entry says.
        stored: u32,
        /// What the batches give.
        computed: u32,
    },
    /// A batch's header is broken.
    #[error("batch at {position} of the commit: {error}")]
    Batch {
        /// Where the batch starts, from the start of the commit.
        position: u32,
        /// What is wrong with it.
        error: BatchError,
    },
    /// A batch's CRC-32C does not match.
    #[error("batch at {position} of the commit: checksum is {computed:#010x}, stored is {stored:#010x}")]
    BatchChecksum {
        /// Where the batch starts, from the start of the commit.
        position: u32,
        /// What the batch says.
        stored: u32,
        /// What its bytes give.
        computed: u32,
    },
    /// A header or footer of another log, or of another segment.
    #[error("it belongs to another segment or log")]
    Misplaced,
    /// The commit was acknowledged as durable, and is broken or gone.
    #[error("commit {sequence} was durable and is damaged")]
    DurableLost {
        /// The commit.
        sequence: CommitSequence,
    },
    /// A segment that must start with a checkpoint does not.
    #[error("no whole checkpoint at the start of the segment")]
    NoCheckpoint,
    /// A segment was sealed, so another must come after it.
    #[error("the segment is sealed, but the one after it is missing")]
    SuccessorMissing,
    /// The file is not as long as its header says.
    #[error("the file has {found} bytes, its header says {stored}")]
    FileLength {
        /// What the header says.
        stored: u64,
        /// What the file has.
        found: u64,
    },
    /// A batch in a place where the index says another one is.
    #[error("the index points at another batch")]
    IndexAgainstBatch,
}

/// Damage: which file, where, why.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{} is damaged at position {position}: {flaw}", file.display())]
pub struct Damage {
    /// The file.
    pub file: PathBuf,
    /// Bytes from the start of the file.
    pub position: u64,
    /// What is wrong there.
    pub flaw: Flaw,
}

/// Why a log does not open.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The options contradict themselves.
    #[error("log option: {0}")]
    Options(&'static str),
    /// The operating system refused something.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// Damage that a crash cannot have caused: acknowledged data would be lost silently.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// A newer version of the software wrote the segment.
    #[error("{} was written by a newer version (format {version})", file.display())]
    NewerFormat {
        /// The segment.
        file: PathBuf,
        /// Its format version.
        version: u16,
    },
}

/// Why an append was not taken. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AppendRefused {
    /// Too many bytes are queued, or the log changes to its next segment: wait for `admission()`, then try again.
    #[error("the log is busy")]
    Busy,
    /// The current segment is full and no further one can be made; resumes by itself once there is space.
    #[error("the disk is full")]
    DiskFull,
    /// Larger than the log takes in one piece.
    #[error("{bytes} bytes exceed the largest append of {bytes_max}")]
    TooLarge {
        /// Bytes asked for.
        bytes: usize,
        /// The most that is taken.
        bytes_max: usize,
    },
    /// The log is closing.
    #[error("the log is closed")]
    Closed,
}

/// The log was closed before the commit was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the log is closed")]
pub struct Closed;

/// Why a read gives nothing.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The log holds no such partition.
    #[error("no such partition in this log")]
    UnknownPartition,
    /// The offset lies outside the partition.
    #[error("offset outside {start} to {end}")]
    OutOfRange {
        /// First offset there is.
        start: Offset,
        /// The offset after the last.
        end: Offset,
    },
    /// What is on the device is not what was written.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The device does not read.
    #[error("reading segment {segment}: {kind}")]
    Io {
        /// The segment.
        segment: SegmentSequence,
        /// What the operating system said.
        kind: io::ErrorKind,
    },
}
