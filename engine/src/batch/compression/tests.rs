//! Round trips, concatenated streams, bombs and garbage, for all codecs.

use super::*;
use crate::batch::{BatchError, Codec, CompressionFlaw};
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use proptest::prelude::*;
use std::io::Write;

const CODECS: [Codec; 4] = [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

fn packed(codec: Codec, level: Option<i32>, input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    compress(Compression { codec, level }, input, &mut out);
    out
}

fn text(bytes: usize) -> Vec<u8> {
    (0..).flat_map(|number: u32| format!("line {number}\n").into_bytes()).take(bytes).collect()
}

#[test]
fn output_over_the_cap_is_an_error() {
    let zeros = vec![0; 1 << 20];
    for codec in CODECS {
        let bomb = packed(codec, None, &zeros);
        assert!(bomb.len() < 60_000, "{codec:?} packs to {}", bomb.len());
        assert_eq!(decompress(codec, &bomb, zeros.len()).unwrap(), zeros);
        let error = decompress(codec, &bomb, zeros.len() - 1);
        assert_eq!(error, Err(BatchError::Compression(CompressionFlaw::TooLarge(zeros.len() - 1))), "{codec:?}");
    }
}

#[test]
fn streams_in_a_row_are_one() {
    let (first, second) = (text(100_000), text(7));
    for codec in CODECS {
        let both = [packed(codec, None, &first), packed(codec, None, &second)].concat();
        assert_eq!(decompress(codec, &both, 1 << 20).unwrap(), [&first[..], &second].concat(), "{codec:?}");
    }
}

#[test]
fn cut_input_never_gives_the_whole_output() {
    let whole = text(100_000);
    for codec in CODECS {
        let compressed = packed(codec, None, &whole);
        for cut in [1, 3, 10, compressed.len() / 2] {
            let result = decompress(codec, &compressed[..cut], 1 << 20);
            assert!(
                result.as_ref().is_ok_and(|part| part.len() < whole.len()) || result.is_err(),
                "{codec:?} cut to {cut}"
            );
        }
    }
}

#[test]
fn lz4_frames_of_every_shape_are_read() {
    let input = text(300_000);
    for block_mode in [BlockMode::Independent, BlockMode::Linked] {
        for block_size in [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max4MB] {
            for checksums in [false, true] {
                let frame = FrameInfo::new()
                    .block_mode(block_mode)
                    .block_size(block_size)
                    .block_checksums(checksums)
                    .content_checksum(checksums)
                    .content_size(checksums.then_some(input.len() as u64));
                let mut encoder = FrameEncoder::with_frame_info(frame, Vec::new());
                encoder.write_all(&input).unwrap();
                let compressed = encoder.finish().unwrap();
                assert_eq!(decompress(Codec::Lz4, &compressed, 1 << 20).unwrap(), input);
            }
        }
    }
}

#[test]
fn raw_snappy_is_read() {
    let input = text(100_000);
    let raw = snap::raw::Encoder::new().compress_vec(&input).unwrap();
    assert_eq!(decompress(Codec::Snappy, &raw, 1 << 20).unwrap(), input);
}

#[test]
fn snappy_length_beyond_any_expansion_is_corrupt() {
    // Five bytes that claim 128 MiB.
    let claim = [0x80, 0x80, 0x80, 0x40, 0];
    assert_eq!(
        decompress(Codec::Snappy, &claim, 1 << 30),
        Err(BatchError::Compression(CompressionFlaw::Corrupt("snappy")))
    );
}

#[test]
fn levels_are_obeyed() {
    let input = text(1 << 20);
    for (codec, low, high) in [(Codec::Gzip, 1, 9), (Codec::Zstd, 1, 15)] {
        let (fast, small) = (packed(codec, Some(low), &input), packed(codec, Some(high), &input));
        assert_ne!(fast.len(), small.len(), "{codec:?}");
        assert_eq!(decompress(codec, &small, 1 << 20).unwrap(), input);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_round_trip(input in prop::collection::vec(any::<u8>(), 0..70_000)) {
        for codec in CODECS {
            prop_assert_eq!(&decompress(codec, &packed(codec, None, &input), input.len()).unwrap(), &input);
        }
    }

    #[test]
    fn garbage_never_panics(garbage in prop::collection::vec(any::<u8>(), 0..300), codec in 0usize..4, prefix in 0usize..40) {
        let codec = CODECS[codec];
        let mut input = packed(codec, None, &text(500));
        input.truncate(prefix);
        input.extend(garbage);
        if let Ok(output) = decompress(codec, &input, 1 << 16) {
            prop_assert!(output.len() <= 1 << 16);
        }
    }
}
