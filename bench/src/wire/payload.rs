//! Where the bytes of values come from: words and random bytes, or a file of real records.
//!
//! Made once by the thread that steers; read by all workers.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::stamp::STAMP_BYTES;
use crate::measure::random::Random;
use crate::workload::{PayloadSplit, RecordSize, Workload};

/// Bytes that values are cut from one behind the other: far more than a batch has, so that a codec does not see the same bytes twice.
const POOL_BYTES: usize = 8 << 20;
/// Sizes that are drawn before the run, and then taken in turn.
const SIZES: usize = 1 << 16;
/// The largest file.
const FILE_BYTES_MAX: u64 = 1 << 30;
/// Bytes in which words and random bytes change.
const STRIPE_BYTES: usize = 64;
/// Different words.
const WORDS: usize = 500;
/// Different phrases, each of some words.
const PHRASES: usize = 400;

/// What values are cut from.
pub struct Payload {
    bytes: Vec<u8>,
    cut: Cut,
}

enum Cut {
    /// Records as they stand: where each begins and ends.
    Records(Vec<(usize, usize)>),
    /// Pieces of these sizes, in turn, one behind the other; sizes of values with their stamps.
    Pieces(Vec<usize>),
}

impl Payload {
    /// Takes what the workload says.
    ///
    /// # Errors
    /// A file that cannot be read, is empty or larger than 1 GiB.
    pub fn new(workload: &Workload) -> Result<Payload> {
        let mut random = Random::new(1);
        if let Some(path) = &workload.payload_file {
            let bytes = read(path)?;
            if workload.payload_split == PayloadSplit::Line {
                return Payload::of_lines(bytes).with_context(|| format!("{} has no lines", path.display()));
            }
            return Ok(Payload::of_pieces(bytes, workload.record_bytes, &mut random));
        }
        let bytes = mixed(&mut random, workload.random_share());
        Ok(Payload::of_pieces(bytes, workload.record_bytes, &mut random))
    }

    fn of_lines(bytes: Vec<u8>) -> Option<Payload> {
        let (mut lines, mut start) = (Vec::new(), 0);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            if !text.is_empty() {
                lines.push((start, start + text.len()));
            }
            start += line.len();
        }
        (!lines.is_empty()).then_some(Payload { bytes, cut: Cut::Records(lines) })
    }

    fn of_pieces(mut bytes: Vec<u8>, size: RecordSize, random: &mut Random) -> Payload {
        let sizes: Vec<usize> = match size {
            RecordSize::Fixed(bytes) => vec![bytes],
            drawn => (0..SIZES).map(|_| drawn.draw(random)).collect(),
        };
        let largest = sizes.iter().copied().max().unwrap_or(0);
        while bytes.len() < largest {
            bytes.extend_from_within(..);
        }
        Payload { bytes, cut: Cut::Pieces(sizes) }
    }

    /// Bytes of the value, with its stamp, of the record that is drawn as number `index`.
    pub fn value_bytes(&self, index: u64) -> usize {
        let of = |count: usize| (index % count.max(1) as u64) as usize;
        match &self.cut {
            Cut::Records(records) => STAMP_BYTES + records.get(of(records.len())).map_or(0, |(start, end)| end - start),
            Cut::Pieces(sizes) => sizes.get(of(sizes.len())).copied().unwrap_or(STAMP_BYTES),
        }
    }

    /// The bytes behind the stamp of that record; `cursor` is where the last piece ended.
    pub fn piece(&self, index: u64, cursor: &mut usize) -> &[u8] {
        let (start, end) = match &self.cut {
            Cut::Records(records) => {
                records.get((index % records.len().max(1) as u64) as usize).copied().unwrap_or_default()
            }
            Cut::Pieces(_) => self.advance(self.value_bytes(index) - STAMP_BYTES, cursor),
        };
        self.bytes.get(start..end).expect("pieces lie inside what they are cut from")
    }

    /// Bytes of any kind, such as keys that nobody chose.
    pub fn filler(&self, bytes: usize, cursor: &mut usize) -> &[u8] {
        let (start, end) = self.advance(bytes.min(self.bytes.len()), cursor);
        self.bytes.get(start..end).unwrap_or_default()
    }

    fn advance(&self, bytes: usize, cursor: &mut usize) -> (usize, usize) {
        let start = if *cursor + bytes <= self.bytes.len() { *cursor } else { 0 };
        *cursor = start + bytes;
        (start, *cursor)
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let shown = path.display();
    let bytes = fs::metadata(path).with_context(|| format!("no payload file {shown}"))?.len();
    if bytes == 0 || bytes > FILE_BYTES_MAX {
        bail!("the payload file {shown} has {bytes} bytes, it may have 1 to {FILE_BYTES_MAX}");
    }
    fs::read(path).with_context(|| format!("cannot read {shown}"))
}

/// Stripes that begin with random bytes, so many that they are `random_share` of all, and end with words.
fn mixed(random: &mut Random, random_share: f64) -> Vec<u8> {
    let words: Vec<String> = (0..WORDS)
        .map(|_| (0..3 + random.below(7)).map(|_| char::from(b'a' + random.below(26) as u8)).collect())
        .collect();
    // Real records repeat more than words: the names of fields, urls, messages.
    let mut phrase = || -> String {
        let picked = (0..2 + random.below(6)).filter_map(|_| words.get(random.below(WORDS)).map(String::as_str));
        picked.collect::<Vec<_>>().join(" ")
    };
    let phrases: Vec<String> = (0..PHRASES).map(|_| phrase()).collect();
    let mut out = Vec::with_capacity(POOL_BYTES + STRIPE_BYTES);
    let (mut owed, mut text) = (0.0, Vec::new());
    while out.len() < POOL_BYTES {
        owed += random_share * STRIPE_BYTES as f64;
        let random_bytes = (owed as usize).min(STRIPE_BYTES);
        owed -= random_bytes as f64;
        out.extend((0..random_bytes).map(|_| random.bits() as u8));
        let rest = STRIPE_BYTES - random_bytes;
        while text.len() < rest {
            // The smaller of two draws: some phrases are frequent.
            let at = random.below(PHRASES).min(random.below(PHRASES));
            text.extend_from_slice(phrases.get(at).map_or(b"", |phrase| phrase.as_bytes()));
            text.push(b' ');
        }
        out.extend(text.drain(..rest));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::compression::compress;
    use crate::workload::Compression;
    use std::io::Write;

    fn workload(share: f64) -> Workload {
        Workload { random_bytes_ratio: Some(share), record_bytes: "100..2000".parse().unwrap(), ..Workload::default() }
    }

    #[test]
    fn values_shrink_as_their_share_of_random_bytes_says() {
        let mut ratios = Vec::new();
        for share in [0.0, 0.5, 1.0] {
            let payload = Payload::new(&workload(share)).unwrap();
            let (mut raw, mut cursor) = (Vec::new(), 0);
            for index in 0..800 {
                let piece = payload.piece(index, &mut cursor);
                assert_eq!(piece.len() + STAMP_BYTES, payload.value_bytes(index));
                raw.extend_from_slice(piece);
            }
            let mut packed = Vec::new();
            compress(Compression::Zstd, &raw, &mut packed);
            ratios.push(packed.len() as f64 / raw.len() as f64);
        }
        assert!(ratios[0] < 0.3 && (0.5..0.8).contains(&ratios[1]) && ratios[2] > 0.99, "{ratios:?}");
    }

    #[test]
    fn a_file_is_cut_into_its_lines_or_into_pieces() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"first\r\n\nsecond line\nlast").unwrap();
        let mut workload = Workload { payload_file: Some(file.path().to_owned()), ..Workload::default() };
        let payload = Payload::new(&workload).unwrap();
        let mut cursor = 0;
        let lines: Vec<&[u8]> = (0..4).map(|index| payload.piece(index, &mut cursor)).collect();
        assert_eq!(lines, [&b"first"[..], b"second line", b"last", b"first"]);
        assert_eq!(payload.value_bytes(1), STAMP_BYTES + 11);
        workload.payload_split = PayloadSplit::Size;
        workload.record_bytes = RecordSize::Fixed(STAMP_BYTES + 40);
        let payload = Payload::new(&workload).unwrap();
        let mut cursor = 0;
        assert_eq!(payload.piece(0, &mut cursor).len(), 40);
        workload.payload_file = Some("/nowhere".into());
        assert!(Payload::new(&workload).is_err());
    }
}
