//! Kafka's codecs for the records of a batch, byte-compatible with what Java clients and librdkafka read and write.
//!
//! Used only where the broker must look inside a batch, and by tools. Every decompression has a cap on its output: compressed input is
//! hostile, and inflates a thousandfold.

mod gzip;
mod lz4;
mod snappy;
mod zstandard;

use super::error::{BatchError, CompressionFlaw};
use super::header::Codec;
use std::io::Read;

/// A codec and its level; no level is the codec's default in Kafka.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compression {
    /// The codec.
    pub codec: Codec,
    /// `compression.gzip.level` (1 to 9, -1 default) or `compression.zstd.level` (up to 22, 3 default). LZ4 is always written at its fast
    /// level, which is Kafka's default; snappy has no levels.
    pub level: Option<i32>,
}

/// Appends `input` to `out`, compressed; `Codec::None` appends it as it is.
pub fn compress(compression: Compression, input: &[u8], out: &mut Vec<u8>) {
    match compression.codec {
        Codec::None => out.extend_from_slice(input),
        Codec::Gzip => gzip::compress(input, compression.level, out),
        Codec::Snappy => snappy::compress(input, out),
        Codec::Lz4 => lz4::compress(input, out),
        Codec::Zstd => zstandard::compress(input, compression.level, out),
    }
}

/// What `input` inflates to, if that is at most `bytes_max` bytes.
///
/// # Errors
/// `Compression` with what is wrong.
pub fn decompress(codec: Codec, input: &[u8], bytes_max: usize) -> Result<Vec<u8>, BatchError> {
    match codec {
        Codec::None if input.len() <= bytes_max => Ok(input.to_vec()),
        Codec::None => Err(CompressionFlaw::TooLarge(bytes_max)),
        Codec::Gzip => gzip::decompress(input, bytes_max),
        Codec::Snappy => snappy::decompress(input, bytes_max),
        Codec::Lz4 => lz4::decompress(input, bytes_max),
        Codec::Zstd => zstandard::decompress(input, bytes_max),
    }
    .map_err(BatchError::Compression)
}

/// Reads a decoder to its end, or to one byte over the cap; what it allocates follows what it really yields.
fn read_capped(
    decoder: impl Read,
    codec: Codec,
    input_bytes: usize,
    bytes_max: usize,
) -> Result<Vec<u8>, CompressionFlaw> {
    let mut out = Vec::with_capacity(input_bytes.saturating_mul(3).min(bytes_max));
    append_capped(decoder, codec, &mut out, bytes_max)?;
    Ok(out)
}

fn append_capped(decoder: impl Read, codec: Codec, out: &mut Vec<u8>, bytes_max: usize) -> Result<(), CompressionFlaw> {
    let room = bytes_max.saturating_sub(out.len());
    let read = decoder.take(room as u64 + 1).read_to_end(out).map_err(|_| CompressionFlaw::Corrupt(codec.name()))?;
    if read > room { Err(CompressionFlaw::TooLarge(bytes_max)) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
