//! The codecs of record batches, as Kafka's clients write and read them.
//!
//! What a broker sends is judged, never trusted: nothing inflates beyond a bound.

use std::io::{Read, Write};

use flate2::Compression as Level;
use flate2::read::{GzEncoder, MultiGzDecoder};
use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

use super::batch::BatchFlaw;
use crate::workload::Compression;

/// The most that the records of one batch may inflate to.
pub const INFLATED_BYTES_MAX: usize = 256 << 20;
/// The level of zstd that Kafka's clients take.
const ZSTD_LEVEL: i32 = 3;
/// What the streams of Java's snappy begin with, their version, and the oldest that reads them.
const SNAPPY_HEAD: [u8; 16] = *b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";
/// What they collect before they write a block.
const SNAPPY_BLOCK_BYTES: usize = 32 << 10;
/// How far a byte of snappy can expand, at most.
const SNAPPY_EXPANSION_MAX: usize = 64;

/// Appends `input` to `out`, compressed.
pub fn compress(codec: Compression, input: &[u8], out: &mut Vec<u8>) {
    const INFALLIBLE: &str = "compressing memory to memory cannot fail";
    match codec {
        Compression::None => out.extend_from_slice(input),
        Compression::Gzip => {
            GzEncoder::new(input, Level::default()).read_to_end(out).expect(INFALLIBLE);
        }
        Compression::Snappy => {
            out.extend_from_slice(&SNAPPY_HEAD);
            let mut encoder = snap::raw::Encoder::new();
            for block in input.chunks(SNAPPY_BLOCK_BYTES) {
                let compressed = encoder.compress_vec(block).expect("a block is within snappy's limits");
                out.extend_from_slice(&(compressed.len() as i32).to_be_bytes());
                out.extend_from_slice(&compressed);
            }
        }
        Compression::Lz4 => {
            let frame = FrameInfo::new().block_mode(BlockMode::Independent).block_size(BlockSize::Max64KB);
            let mut encoder = FrameEncoder::with_frame_info(frame, out);
            encoder.write_all(input).expect(INFALLIBLE);
            encoder.finish().expect(INFALLIBLE);
        }
        Compression::Zstd => {
            zstd::stream::copy_encode(input, out, ZSTD_LEVEL).expect(INFALLIBLE);
        }
    }
}

/// What the records of a batch inflate to: `code` is the number in its attributes.
///
/// # Errors
/// `Compression` for a codec that does not exist, for damage, and for more than [`INFLATED_BYTES_MAX`].
pub fn decompress(code: u8, input: &[u8]) -> Result<Vec<u8>, BatchFlaw> {
    let codec = Compression::of_code(code).ok_or(BatchFlaw::Compression)?;
    let mut out = Vec::new();
    match codec {
        Compression::None => out.extend_from_slice(input),
        Compression::Gzip => read_bounded(MultiGzDecoder::new(input), &mut out)?,
        Compression::Snappy => inflate_snappy(input, &mut out)?,
        Compression::Lz4 => {
            let mut rest = input;
            while !rest.is_empty() {
                let before = rest.len();
                read_bounded(FrameDecoder::new(&mut rest), &mut out)?;
                if rest.len() == before {
                    return Err(BatchFlaw::Compression);
                }
            }
        }
        Compression::Zstd => {
            let decoder = zstd::stream::read::Decoder::with_buffer(input).map_err(|_| BatchFlaw::Compression)?;
            read_bounded(decoder, &mut out)?;
        }
    }
    Ok(out)
}

fn read_bounded(decoder: impl Read, out: &mut Vec<u8>) -> Result<(), BatchFlaw> {
    let room = INFLATED_BYTES_MAX - out.len();
    let read = decoder.take(room as u64 + 1).read_to_end(out).map_err(|_| BatchFlaw::Compression)?;
    if read > room { Err(BatchFlaw::Compression) } else { Ok(()) }
}

/// Java's framing, or, where it does not begin so, one raw block.
fn inflate_snappy(input: &[u8], out: &mut Vec<u8>) -> Result<(), BatchFlaw> {
    let magic = SNAPPY_HEAD.get(..8).unwrap_or_default();
    if !input.starts_with(magic) {
        return inflate_snappy_block(input, out);
    }
    let mut rest = input;
    while !rest.is_empty() {
        if rest.starts_with(magic) {
            rest = rest.get(SNAPPY_HEAD.len()..).ok_or(BatchFlaw::Compression)?;
            continue;
        }
        let (length, tail) = rest.split_first_chunk::<4>().ok_or(BatchFlaw::Compression)?;
        let length = usize::try_from(i32::from_be_bytes(*length)).map_err(|_| BatchFlaw::Compression)?;
        let (block, tail) = tail.split_at_checked(length).ok_or(BatchFlaw::Compression)?;
        inflate_snappy_block(block, out)?;
        rest = tail;
    }
    Ok(())
}

fn inflate_snappy_block(block: &[u8], out: &mut Vec<u8>) -> Result<(), BatchFlaw> {
    let bytes = snap::raw::decompress_len(block).map_err(|_| BatchFlaw::Compression)?;
    // The length is the sender's word: memory follows it only as far as snappy can really expand what is there.
    if bytes > INFLATED_BYTES_MAX - out.len() || bytes > block.len().saturating_mul(SNAPPY_EXPANSION_MAX) {
        return Err(BatchFlaw::Compression);
    }
    let start = out.len();
    out.resize(start + bytes, 0);
    let target = out.get_mut(start..).unwrap_or_default();
    let written = snap::raw::Decoder::new().decompress(block, target).map_err(|_| BatchFlaw::Compression)?;
    if written == bytes { Ok(()) } else { Err(BatchFlaw::Compression) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODECS: [Compression; 5] =
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

    #[test]
    fn what_was_compressed_is_read_and_damage_is_found() {
        let text: Vec<u8> = (0..20_000_u32).flat_map(|number| format!("line {number}\n").into_bytes()).collect();
        for codec in CODECS {
            for input in [&text[..], b"", b"x"] {
                let mut packed = vec![7];
                compress(codec, input, &mut packed);
                assert_eq!(packed[0], 7);
                assert_eq!(decompress(codec.code(), &packed[1..]).unwrap(), input, "{codec:?}");
            }
            let mut packed = Vec::new();
            compress(codec, &text, &mut packed);
            if codec != Compression::None {
                assert!(packed.len() < text.len() / 2, "{codec:?}: {}", packed.len());
                assert!(decompress(codec.code(), &packed[..packed.len() / 2]).map_or(0, |out| out.len()) < text.len());
                assert_eq!(decompress(codec.code(), b"no such thing").err(), Some(BatchFlaw::Compression), "{codec:?}");
            }
        }
        assert_eq!(decompress(7, b""), Err(BatchFlaw::Compression));
    }
}
