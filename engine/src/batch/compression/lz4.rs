//! Owns LZ4: frames of independent 64 KiB blocks without checksums as Kafka's Java client writes them; any valid frame is read, also several
//! in a row, with linked blocks, checksums or a content size.

use super::capped::append_capped;
use crate::batch::{Codec, CompressionFlaw};
use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};
use std::io::Write;

pub(super) fn compress(input: &[u8], out: &mut Vec<u8>) {
    let frame = FrameInfo::new().block_mode(BlockMode::Independent).block_size(BlockSize::Max64KB);
    let mut encoder = FrameEncoder::with_frame_info(frame, out);
    encoder.write_all(input).expect("compressing memory to memory cannot fail");
    encoder.finish().expect("compressing memory to memory cannot fail");
}

pub(super) fn decompress(input: &[u8], bytes_max: usize) -> Result<Vec<u8>, CompressionFlaw> {
    let mut out = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let before = rest.len();
        append_capped(FrameDecoder::new(&mut rest), Codec::Lz4, &mut out, bytes_max)?;
        if rest.len() == before {
            return Err(CompressionFlaw::Corrupt(Codec::Lz4.name()));
        }
    }
    Ok(out)
}
