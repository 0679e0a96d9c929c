//! Owns snappy: the framing of Java's snappy streams, and raw snappy as some clients send it.
//!
//! ```text
//! magic "\x82SNAPPY\0" | version i32 | lowest compatible version i32 | (block length i32 | raw snappy block)*
//! ```
//! Big-endian. Streams may follow each other, each with its own magic.

use crate::batch::{Codec, CompressionFlaw};
use snap::raw::{Decoder, Encoder, decompress_len};

const MAGIC: &[u8; 8] = b"\x82SNAPPY\0";
const STREAM_HEADER_BYTES: usize = 16;
/// What Java's streams collect before they write a block.
const BLOCK_BYTES: usize = 32 << 10;

pub(super) fn compress(input: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&1i32.to_be_bytes());
    out.extend_from_slice(&1i32.to_be_bytes());
    let mut encoder = Encoder::new();
    for block in input.chunks(BLOCK_BYTES) {
        let compressed = encoder.compress_vec(block).expect("a block of 32 KiB is within snappy's limits");
        out.extend_from_slice(&(compressed.len() as i32).to_be_bytes());
        out.extend_from_slice(&compressed);
    }
}

pub(super) fn decompress(input: &[u8], bytes_max: usize) -> Result<Vec<u8>, CompressionFlaw> {
    let mut out = Vec::new();
    if !input.starts_with(MAGIC) {
        inflate(&mut Decoder::new(), input, &mut out, bytes_max)?;
        return Ok(out);
    }
    let mut decoder = Decoder::new();
    let mut rest = input;
    while !rest.is_empty() {
        if rest.starts_with(MAGIC) {
            rest = rest.get(STREAM_HEADER_BYTES..).ok_or(CORRUPT)?;
            continue;
        }
        let (length, tail) = rest.split_first_chunk::<4>().ok_or(CORRUPT)?;
        let length = usize::try_from(i32::from_be_bytes(*length)).map_err(|_| CORRUPT)?;
        let (block, tail) = tail.split_at_checked(length).ok_or(CORRUPT)?;
        inflate(&mut decoder, block, &mut out, bytes_max)?;
        rest = tail;
    }
    Ok(out)
}

const CORRUPT: CompressionFlaw = CompressionFlaw::Corrupt(Codec::Snappy.name());

fn inflate(decoder: &mut Decoder, block: &[u8], out: &mut Vec<u8>, bytes_max: usize) -> Result<(), CompressionFlaw> {
    let bytes = decompress_len(block).map_err(|_| CORRUPT)?;
    // The length is the sender's word: memory follows it only as far as snappy can really expand what is there (64 bytes from a 3-byte copy).
    if bytes > bytes_max.saturating_sub(out.len()) {
        return Err(CompressionFlaw::TooLarge(bytes_max));
    }
    if bytes > block.len().saturating_mul(64) {
        return Err(CORRUPT);
    }
    let start = out.len();
    out.resize(start + bytes, 0);
    let target = out.get_mut(start..).ok_or(CORRUPT)?;
    let written = decoder.decompress(block, target).map_err(|_| CORRUPT)?;
    if written == bytes { Ok(()) } else { Err(CORRUPT) }
}
