//! A generator of random numbers so small that its sequence is promised here: noise of the built-in soundscape, on its thread,
//! and seeds of the training.

/// The odd number nearest to 2⁶⁴ divided by the golden ratio: its multiples spread evenly.
pub const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// SplitMix64: one add and three mixing steps. Sound quality needs no more, and no dependency is warranted for it.
///
/// # Source
/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, figure 17 (mix constants of
/// its reference implementation).
#[derive(Debug, Clone)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN_GAMMA);
        mixed(self.0)
    }

    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f32 {
        // 24 bits: every value is exact in an f32
        (self.next_u64() >> 40) as f32 / 16_777_216.0
    }

    /// Uniform in −1..1: white noise of variance ⅓.
    pub fn noise(&mut self) -> f32 {
        self.unit() * 2.0 - 1.0
    }

    /// Uniform in `low..high`.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }
}

/// Another number for each, in which every bit depends on every bit of `value`: the mixing steps of SplitMix64.
pub fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_the_reference() {
        let mut prng = SplitMix64::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| prng.next_u64()).collect();
        assert_eq!(
            first,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }
}
