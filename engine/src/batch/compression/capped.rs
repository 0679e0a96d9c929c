//! Owns the cap on what a decoder may yield.

use crate::batch::{Codec, CompressionFlaw};
use std::io::Read;

/// Reads a decoder to its end, or to one byte over the cap; what it allocates follows what it really yields.
pub(super) fn read_capped(
    decoder: impl Read,
    codec: Codec,
    input_bytes: usize,
    bytes_max: usize,
) -> Result<Vec<u8>, CompressionFlaw> {
    let mut out = Vec::with_capacity(input_bytes.saturating_mul(3).min(bytes_max));
    append_capped(decoder, codec, &mut out, bytes_max)?;
    Ok(out)
}

pub(super) fn append_capped(
    decoder: impl Read,
    codec: Codec,
    out: &mut Vec<u8>,
    bytes_max: usize,
) -> Result<(), CompressionFlaw> {
    let room = bytes_max.saturating_sub(out.len());
    let read = decoder.take(room as u64 + 1).read_to_end(out).map_err(|_| CompressionFlaw::Corrupt(codec.name()))?;
    if read > room { Err(CompressionFlaw::TooLarge(bytes_max)) } else { Ok(()) }
}
