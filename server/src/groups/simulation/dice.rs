//! Owns the luck of simulations: one seed, one run.

use std::ops::Range;

/// Numbers that look drawn and are the same for the same seed.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.next() % sides
    }

    /// Whether luck has it, once in so many times.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.roll(times) == 0
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.roll(choices.len() as u64)).unwrap()]
    }
}

/// The seeds to run: from `GROUP_SEED` on, as many as `GROUP_SEEDS` says.
pub fn seeds(first: u64, count: u64) -> Range<u64> {
    let number =
        |name: &str, otherwise: u64| std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number"));
    let first = number("GROUP_SEED", first);
    first..first + number("GROUP_SEEDS", count)
}
