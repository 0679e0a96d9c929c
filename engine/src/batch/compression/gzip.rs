//! Owns gzip: RFC 1952, one member or several in a row.

use super::capped::read_capped;
use crate::batch::{Codec, CompressionFlaw};
use flate2::Compression as Level;
use flate2::read::{GzEncoder, MultiGzDecoder};
use std::io::Read;

pub(super) fn compress(input: &[u8], level: Option<i32>, out: &mut Vec<u8>) {
    let level = match level {
        Some(level @ 1..=9) => Level::new(level as u32),
        _ => Level::default(),
    };
    GzEncoder::new(input, level).read_to_end(out).expect("compressing memory to memory cannot fail");
}

pub(super) fn decompress(input: &[u8], bytes_max: usize) -> Result<Vec<u8>, CompressionFlaw> {
    read_capped(MultiGzDecoder::new(input), Codec::Gzip, input.len(), bytes_max)
}
