//! Owns what recovery finds in a log's directory before it looks at commits: segments with their headers and trailers, free files.
//!
//! Reads one block at the start and a few at the end of each segment, several segments at once, so that a start costs little however much is stored. It
//! removes files that were being made when the process ended.

use super::error::{Damage, Flaw, OpenError};
use super::footer::{Summary, TRAILER_BLOCK_BYTES, Trailer};
use super::options::LogOptions;
use super::segment::{FileName, SEGMENT_HEADER_BYTES, SegmentHeader, free_name, segment_name};
use crate::ids::SegmentSequence;
use crate::limits::{SEGMENT_BYTES_MAX, SEGMENTS_OPENED_AT_ONCE};
use bytes::Bytes;
use corelog_rt::dir;
use corelog_rt::file::DirectFile;
use futures_util::stream::{self, StreamExt};
use std::io;
use std::path::{Path, PathBuf};

/// Bytes read at the end of a segment: the trailer, and the summaries if they are not many.
const TAIL_READ_BYTES: u64 = 64 << 10;

/// What lies in a log's directory.
#[derive(Debug)]
pub struct Inventory {
    /// Segments that take commits, or took them, oldest first.
    pub segments: Vec<FoundSegment>,
    /// Segments of the settling pass, oldest first.
    pub settled: Vec<FoundSegment>,
    /// Numbers of free files.
    pub free: Vec<u64>,
    /// Numbers for what comes next.
    pub numbers: Numbers,
}

/// Larger than every number in use, by kind.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// Of segments that take commits.
    pub sequence_next: u64,
    /// Of settled segments.
    pub settled_next: u64,
}

impl Numbers {
    /// For another segment that takes commits.
    pub(super) fn next_sequence(&mut self) -> SegmentSequence {
        self.sequence_next += 1;
        SegmentSequence(self.sequence_next - 1)
    }

    /// For another settled segment.
    pub(super) fn next_settled(&mut self) -> SegmentSequence {
        self.settled_next += 1;
        SegmentSequence::settled(self.settled_next - 1)
    }

    fn seen(&mut self, sequence: SegmentSequence) {
        let next = if sequence.is_settled() { &mut self.settled_next } else { &mut self.sequence_next };
        *next = (*next).max(sequence.number().saturating_add(1));
    }
}

/// A segment file whose header is sound.
#[derive(Debug)]
pub struct FoundSegment {
    /// Its header.
    pub header: SegmentHeader,
    /// The open file.
    pub file: DirectFile,
    /// Its path.
    pub path: PathBuf,
    /// Its trailer, if it has a sound one.
    pub trailer: Option<Trailer>,
    /// What its footer says of partitions; none where the footer is missing or damaged.
    pub summaries: Option<Vec<Summary>>,
}

impl FoundSegment {
    /// Damage in this file.
    pub fn damage(&self, position: u64, flaw: Flaw) -> Damage {
        Damage { file: self.path.clone(), position, flaw }
    }

    /// An error of the operating system about this file.
    pub fn io(&self, error: io::Error) -> OpenError {
        OpenError::Io { path: self.path.clone(), error }
    }
}

/// Lists and opens what is in `directory`, which is made if it is missing.
///
/// # Errors
/// `Io`, `Damaged` for a segment without a sound header, `NewerFormat`.
pub async fn take_inventory(directory: &Path, options: &LogOptions) -> Result<Inventory, OpenError> {
    let io = |error| OpenError::Io { path: directory.to_owned(), error };
    if !options.read_only {
        dir::create_all(directory).await.map_err(io)?;
        // A killed process may leave names that no sync covered: what is built on them now must not lose them later.
        dir::sync(directory).await.map_err(io)?;
    }
    let mut sequences = Vec::new();
    let mut free = Vec::new();
    let mut numbers = Numbers { sequence_next: 1, settled_next: 1 };
    for name in dir::list(directory).await.map_err(io)? {
        let path = directory.join(&name);
        let number = match FileName::parse(&name) {
            FileName::Segment(sequence) => {
                sequences.push(sequence);
                sequence.0
            }
            FileName::Free(number) => {
                if free.len() < options.free_files_max + options.reserve_files() {
                    free.push(number);
                } else if !options.read_only {
                    dir::remove(&path).await.map_err(io)?;
                }
                number
            }
            FileName::Making(number) => {
                if !options.read_only {
                    dir::remove(&path).await.map_err(io)?;
                }
                number
            }
            FileName::Foreign => continue,
        };
        numbers.seen(SegmentSequence(number));
    }
    let mut opening = stream::iter(sequences)
        .map(|sequence| open_segment(directory, sequence, options))
        .buffered(SEGMENTS_OPENED_AT_ONCE);
    let (mut segments, mut settled) = (Vec::new(), Vec::new());
    while let Some(segment) = opening.next().await {
        let segment = segment?;
        if segment.header.sequence.is_settled() { settled.push(segment) } else { segments.push(segment) }
    }
    Ok(Inventory { segments, settled, free, numbers })
}

async fn open_segment(
    directory: &Path,
    sequence: SegmentSequence,
    options: &LogOptions,
) -> Result<FoundSegment, OpenError> {
    let path = directory.join(segment_name(sequence));
    let io = |error| OpenError::Io { path: path.clone(), error };
    let damage = |flaw| OpenError::Damaged(Damage { file: path.clone(), position: 0, flaw });
    let file = DirectFile::open_with(&path, options.write_mode).await.map_err(io)?;
    if file.bytes() < (SEGMENT_HEADER_BYTES + TRAILER_BLOCK_BYTES) as u64 {
        return Err(damage(Flaw::Truncated));
    }
    let block = file.read_at(0, SEGMENT_HEADER_BYTES).await.map_err(io)?;
    let header = SegmentHeader::decode(&block).map_err(|flaw| match flaw {
        Flaw::NewerVersion { version } => OpenError::NewerFormat { file: path.clone(), version },
        flaw => damage(flaw),
    })?;
    let possible = header.bytes <= SEGMENT_BYTES_MAX && header.bytes.is_multiple_of(4096);
    if header.bytes != file.bytes() || !possible {
        return Err(damage(Flaw::FileLength { stored: header.bytes, found: file.bytes() }));
    }
    if header.sequence != sequence || header.log != options.log {
        return Err(damage(Flaw::Misplaced));
    }
    let (trailer, summaries) = read_footer(&file, &header).await.map_err(io)?;
    Ok(FoundSegment { header, file, path, trailer, summaries })
}

/// Reads trailer and summaries. A footer that is damaged is as good as none: it is rebuilt.
pub(super) async fn read_footer(
    file: &DirectFile,
    header: &SegmentHeader,
) -> io::Result<(Option<Trailer>, Option<Vec<Summary>>)> {
    let tail_bytes = TAIL_READ_BYTES.min(header.bytes - SEGMENT_HEADER_BYTES as u64);
    let tail_position = header.bytes - tail_bytes;
    let tail = file.read_at(tail_position, tail_bytes as usize).await?;
    let block = tail.slice(tail.len() - TRAILER_BLOCK_BYTES..);
    let Ok(trailer) = Trailer::decode(&block, header.bytes) else { return Ok((None, None)) };
    if trailer.nonce != header.nonce || trailer.sequence != header.sequence || trailer.log != header.log {
        return Ok((None, None));
    }
    let position = trailer.summaries_position();
    let table = if position >= tail_position {
        part(&tail, position - tail_position, trailer.summaries_bytes())
    } else {
        let aligned = position / 4096 * 4096;
        let read = file.read_at(aligned, (header.bytes - aligned) as usize).await?;
        part(&read, position - aligned, trailer.summaries_bytes())
    };
    Ok((Some(trailer), table.and_then(|table| trailer.decode_summaries(&table).ok())))
}

fn part(bytes: &Bytes, from: u64, length: u64) -> Option<Bytes> {
    let until = from.checked_add(length).filter(|until| *until <= bytes.len() as u64)?;
    Some(bytes.slice(from as usize..until as usize))
}

/// Gives a segment's file back to the free ones.
pub(super) async fn set_free(directory: &Path, segment: FoundSegment) -> io::Result<u64> {
    let number = segment.header.sequence.0;
    dir::rename(&segment.path, &directory.join(free_name(number))).await?;
    // Durable before the file gets another segment's header.
    dir::sync(directory).await?;
    Ok(number)
}
