//! The fuzz targets' entries over the committed corpus and over deterministic mutations of it. `FUZZ_ROUNDS` (default
//! 2000000, over all targets) and `FUZZ_SEED` (default 1) run more and others.

#![allow(clippy::disallowed_methods, reason = "a test that reads its corpus")]
#![allow(clippy::indexing_slicing, reason = "a test that should stop where its own place is wrong")]

#[path = "../fuzz/entry.rs"]
mod entry;

use std::path::Path;

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = std::fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut inputs: Vec<(String, Vec<u8>)> = files
        .map(|file| {
            let path = file.expect("the corpus can be listed").path();
            (path.display().to_string(), std::fs::read(&path).expect("the corpus can be read"))
        })
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{}: empty", dir.display());
    inputs
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")))
}

/// Draws bits from a seed (`SplitMix64`).
struct Bits(u64);

impl Bits {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.draw() % bound.max(1) as u64) as usize
    }
}

/// One to four changes: a bit, a byte, an extreme number, a cut, a piece of another input.
fn mutate(bits: &mut Bits, input: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..=bits.below(4) {
        let place = bits.below(input.len() + 1);
        match bits.below(6) {
            0 if place < input.len() => input[place] ^= 1 << bits.below(8),
            1 if place < input.len() => input[place] = bits.draw() as u8,
            2 => {
                let extremes: [&[u8]; 6] =
                    [&[0x7f, 0xff, 0xff, 0xff], &[0xff; 4], &[0x80, 0], &[0x7f, 0xff], &[0; 3], &[0xff; 5]];
                let extreme = extremes[bits.below(extremes.len())];
                let end = (place + extreme.len()).min(input.len());
                input.splice(place..end, extreme.iter().copied());
            }
            3 => input.truncate(place),
            4 => {
                let from = bits.below(other.len() + 1);
                let length = bits.below(32).min(other.len() - from);
                input.splice(place..place, other[from..from + length].iter().copied());
            }
            _ => input.insert(place, bits.draw() as u8),
        }
    }
}

#[test]
fn corpus_and_its_mutations_never_panic() {
    let rounds = number("FUZZ_ROUNDS", 2_000_000) / entry::TARGETS.len() as u64;
    for (target, run) in entry::TARGETS {
        let inputs = corpus(target);
        for (path, input) in &inputs {
            let result = std::panic::catch_unwind(|| run(input));
            assert!(result.is_ok(), "{path} panics");
        }
        let mut bits = Bits(number("FUZZ_SEED", 1));
        for round in 0..rounds {
            let mut input = inputs[bits.below(inputs.len())].1.clone();
            let other = &inputs[bits.below(inputs.len())].1;
            mutate(&mut bits, &mut input, other);
            let result = std::panic::catch_unwind(|| run(&input));
            assert!(result.is_ok(), "{target}, round {round} panics with {input:02x?}");
        }
    }
}
