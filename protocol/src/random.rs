//! Random messages for the cross-check and the fuzzers: small, but with every edge that a type has.

use bytes::Bytes;

use crate::{Records, Text, Uuid};

/// A seeded source of bits: the same seed gives the same messages.
#[derive(Clone, Debug)]
pub struct Source {
    state: u64,
    /// Array elements that may still be drawn, so that nested arrays stay small.
    elements_left: usize,
}

/// Draws a value.
pub trait Random: Sized {
    /// A value that exists in `version`.
    fn random(source: &mut Source, version: i16) -> Self;
}

impl Source {
    /// A source for this seed.
    pub fn new(seed: u64) -> Source {
        Source { state: seed, elements_left: 100 }
    }

    /// 64 random bits (`SplitMix64`).
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `bound`, which is above zero.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.bits() % bound as u64) as usize
    }

    /// True every other time.
    pub fn coin(&mut self) -> bool {
        self.bits() & 1 == 1
    }

    /// An integer of `bits` bits, signed: often an edge.
    fn integer(&mut self, bits: u32) -> i64 {
        let shift = 64 - bits;
        match self.below(8) {
            0 => 0,
            1 => -1,
            2 => 1,
            3 => i64::MAX >> shift,
            4 => i64::MIN >> shift,
            5 => self.below(200) as i64 - 100,
            _ => (self.bits() as i64) >> shift,
        }
    }

    fn blob(&mut self) -> Vec<u8> {
        let length = match self.below(6) {
            0 => 0,
            1 => 127,
            2 => 128 + self.below(300),
            _ => self.below(20),
        };
        (0..length).map(|_| self.bits() as u8).collect()
    }
}

impl Random for bool {
    fn random(source: &mut Source, _version: i16) -> bool {
        source.coin()
    }
}

impl Random for i8 {
    fn random(source: &mut Source, _version: i16) -> i8 {
        source.integer(8) as i8
    }
}

impl Random for i16 {
    fn random(source: &mut Source, _version: i16) -> i16 {
        source.integer(16) as i16
    }
}

impl Random for u16 {
    fn random(source: &mut Source, _version: i16) -> u16 {
        source.integer(16) as u16
    }
}

impl Random for i32 {
    fn random(source: &mut Source, _version: i16) -> i32 {
        source.integer(32) as i32
    }
}

impl Random for i64 {
    fn random(source: &mut Source, _version: i16) -> i64 {
        source.integer(64)
    }
}

impl Random for f64 {
    /// A multiple of 1/8, which prints the same everywhere.
    fn random(source: &mut Source, _version: i16) -> f64 {
        source.integer(32) as f64 / 8.0
    }
}

impl Random for Uuid {
    fn random(source: &mut Source, _version: i16) -> Uuid {
        let high = u128::from(source.bits());
        match source.below(5) {
            0 => Uuid::ZERO,
            1 => Uuid([255; 16]),
            _ => Uuid((high << 64 | u128::from(source.bits())).to_be_bytes()),
        }
    }
}

impl Random for Text {
    fn random(source: &mut Source, _version: i16) -> Text {
        match source.below(9) {
            0 => Text::default(),
            1 => Text::from_static("größe-ß-λ-漢字-🦀"),
            2 => Text::from_static("\0\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10ffff}\"\\\n"),
            3 => Text::from("x".repeat(127)),
            4 => Text::from("y".repeat(128 + source.below(200))),
            _ => Text::from(format!("topic-{}", source.below(1000))),
        }
    }
}

impl Random for Bytes {
    fn random(source: &mut Source, _version: i16) -> Bytes {
        Bytes::from(source.blob())
    }
}

impl Random for Records {
    fn random(source: &mut Source, _version: i16) -> Records {
        (0..source.below(4)).map(|_| Bytes::from(source.blob())).collect()
    }
}

impl<T: Random> Random for Option<T> {
    fn random(source: &mut Source, version: i16) -> Option<T> {
        (source.below(4) != 0).then(|| T::random(source, version))
    }
}

impl<T: Random> Random for Vec<T> {
    fn random(source: &mut Source, version: i16) -> Vec<T> {
        let count = source.below(4).min(source.elements_left);
        source.elements_left -= count;
        (0..count).map(|_| T::random(source, version)).collect()
    }
}
