//! Owns the choice of the codec, and its level.

use super::{gzip, lz4, snappy, zstandard};
use crate::batch::{BatchError, Codec, CompressionFlaw};

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
