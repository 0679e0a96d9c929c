//! Owns Zstandard: one frame or several in a row.

use super::capped::read_capped;
use crate::batch::{Codec, CompressionFlaw};
use std::io::Read;
use zstd::stream::read::{Decoder, Encoder};

/// Kafka's default `compression.zstd.level`.
const LEVEL_DEFAULT: i32 = 3;

pub(super) fn compress(input: &[u8], level: Option<i32>, out: &mut Vec<u8>) {
    let mut encoder =
        Encoder::with_buffer(input, level.unwrap_or(LEVEL_DEFAULT)).expect("the level is clamped by the library");
    encoder.set_pledged_src_size(Some(input.len() as u64)).expect("nothing was read yet");
    encoder.read_to_end(out).expect("compressing memory to memory cannot fail");
}

pub(super) fn decompress(input: &[u8], bytes_max: usize) -> Result<Vec<u8>, CompressionFlaw> {
    let decoder = Decoder::with_buffer(input).map_err(|_| CompressionFlaw::Corrupt(Codec::Zstd.name()))?;
    read_capped(decoder, Codec::Zstd, input.len(), bytes_max)
}
