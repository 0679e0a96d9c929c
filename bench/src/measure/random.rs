//! Drawn numbers that are the same for the same seed: for resampling, sizes and keys. Not for secrets.

/// xorshift64*.
#[derive(Clone, Copy, Debug)]
pub struct Random(u64);

impl Random {
    /// Numbers of a seed; every seed will do.
    pub fn new(seed: u64) -> Random {
        // Seeds that differ in a few bits, and zero, become unlike numbers (the mixing step of splitmix64).
        let mut state = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Random((state ^ (state >> 31)) | 1)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// From 0 up to, but not, `bound`, which is above 0.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.bits()) * bound as u128) >> 64) as usize
    }

    /// From 0 up to, but not, 1.
    pub fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Normally distributed around 0 with a deviation of 1 (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.share()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_lie_where_they_should_and_repeat() {
        let mut random = Random::new(0);
        let mut again = Random::new(0);
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..20_000 {
            let (below, share, normal) = (random.below(7), random.share(), random.normal());
            assert!(below < 7 && (0.0..1.0).contains(&share));
            assert_eq!(
                (again.below(7), again.share().to_bits(), again.normal().to_bits()),
                (below, share.to_bits(), normal.to_bits())
            );
            sum += normal;
            squares += normal * normal;
        }
        assert!((sum / 20_000.0).abs() < 0.05 && (squares / 20_000.0 - 1.0).abs() < 0.05, "{sum} {squares}");
        assert_ne!(Random::new(1).bits(), Random::new(2).bits());
    }
}
