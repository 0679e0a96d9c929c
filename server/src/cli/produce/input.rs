//! The input of `produce`: standard input or a file, cut into pieces of whole lines.
//!
//! Owns the one thread of the tools that blocks on reading; the queue to the shard is bounded.

use std::io::{self, Read};
use std::path::Path;

use bytes::{Bytes, BytesMut};

use crate::cli::failure::Failure;

/// Bytes asked for at once.
const READ_BYTES: usize = 64 << 10;
/// Pieces that may wait for the shard.
const QUEUED_PIECES_MAX: usize = 32;
/// The longest record, in bytes; Kafka's brokers take far less unless told otherwise.
pub const RECORD_BYTES_MAX: usize = 64 << 20;

/// Whole lines, with their ends; the last line of the input may lack it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The bytes.
    pub bytes: Bytes,
    /// The number of the first line, from 1.
    pub line: u64,
}

/// Opens `file`, or standard input, and reads it on a thread of its own until the end or until nobody listens.
pub fn open(file: Option<&Path>, whole: bool) -> Result<flume::Receiver<io::Result<Piece>>, Failure> {
    let source: Box<dyn Read + Send> = match file {
        None => Box::new(io::stdin()),
        Some(path) => Box::new(open_file(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?),
    };
    let (sender, receiver) = flume::bounded(QUEUED_PIECES_MAX);
    // Reading a terminal or a pipe blocks, and nothing on a shard may.
    std::thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            let send = |piece| sender.send(Ok(piece)).is_ok();
            if let Err(error) = read(source, whole, send) {
                // The shard may have given up already.
                let _ = sender.send(Err(error));
            }
        })
        .map_err(|error| Failure::new(format!("cannot start a thread to read the input: {error}")))?;
    Ok(receiver)
}

#[expect(clippy::disallowed_types, reason = "the input file is read by a thread of its own")]
fn open_file(path: &Path) -> io::Result<std::fs::File> {
    std::fs::File::open(path)
}

/// Reads to the end and hands on pieces of whole lines, or everything at once if `whole`, until `send` says no.
fn read(mut source: impl Read, whole: bool, mut send: impl FnMut(Piece) -> bool) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    let mut line = 1;
    loop {
        let held = buffer.len();
        buffer.resize(held + READ_BYTES, 0);
        let (_, free) = buffer.split_at_mut(held);
        let count = match source.read(free) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                buffer.truncate(held);
                continue;
            }
            other => other?,
        };
        buffer.truncate(held + count);
        if count == 0 {
            if !buffer.is_empty() || whole {
                send(Piece { bytes: buffer.freeze(), line });
            }
            return Ok(());
        }
        let (_, read) = buffer.split_at(held);
        let end = if whole { None } else { read.iter().rposition(|&byte| byte == b'\n') };
        if let Some(end) = end {
            let bytes = buffer.split_to(held + end + 1).freeze();
            let lines = bytes.split(|&byte| byte == b'\n').count() as u64 - 1;
            if !send(Piece { bytes, line }) {
                return Ok(());
            }
            line += lines;
        }
        if buffer.len() > RECORD_BYTES_MAX {
            let what = format!("line {line} is longer than {RECORD_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
    }
}

/// The lines of a piece with their numbers, without their ends.
pub fn lines(piece: &Piece) -> impl Iterator<Item = (u64, Bytes)> + '_ {
    let mut start = 0;
    let mut line = piece.line;
    std::iter::from_fn(move || {
        let rest = piece.bytes.get(start..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        let text = piece.bytes.slice(start..start + length);
        start += length + 1;
        line += 1;
        Some((line - 1, text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time, as a pipe does.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(out.len());
            out[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn all(text: &[u8], step: usize, whole: bool) -> Vec<(u64, Vec<u8>)> {
        let mut found = Vec::new();
        let collect = |piece: Piece| {
            if whole {
                found.push((piece.line, piece.bytes.to_vec()));
            } else {
                found.extend(lines(&piece).map(|(line, text)| (line, text.to_vec())));
            }
            true
        };
        read(Trickle(text, step), whole, collect).unwrap();
        found
    }

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        let text = b"one\n\nthree \xff\r\nfour";
        let expected: Vec<(u64, Vec<u8>)> =
            vec![(1, b"one".into()), (2, b"".into()), (3, b"three \xff\r".into()), (4, b"four".into())];
        for step in [1, 2, 5, 100] {
            assert_eq!(all(text, step, false), expected, "{step}");
        }
    }

    #[test]
    fn the_whole_input_is_one_piece() {
        assert_eq!(all(b"a\nb\n", 1, true), [(1, b"a\nb\n".to_vec())]);
        assert_eq!(all(b"", 1, true), [(1, Vec::new())]);
        assert_eq!(all(b"", 1, false), []);
    }

    #[test]
    fn a_line_without_end_is_refused_at_the_bound() {
        let error = read(io::repeat(b'x'), false, |_| true).unwrap_err();
        assert!(error.to_string().contains("line 1 is longer"), "{error}");
    }
}
