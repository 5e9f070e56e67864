//! Random numbers that depend on the seed and on where in the run they are drawn, never on what was drawn before: a run
//! that goes on from the middle draws what it would have drawn.

use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;

use crate::dsp::{GOLDEN_GAMMA, mixed};

/// What numbers are drawn for; no two purposes share any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The order of an epoch's clips.
    Order,
    /// The windows of a step.
    Windows,
    /// What libtorch draws in a step: dropout.
    Dropout,
}

/// The seed for one purpose at one place of the run.
pub fn seed_of(seed: u64, purpose: Purpose, place: usize) -> u64 {
    let purpose = 1 + purpose as u64;
    mixed(mixed(seed.wrapping_add(purpose.wrapping_mul(GOLDEN_GAMMA))) ^ place as u64)
}

/// A generator for one purpose at one place of the run.
pub fn random_for(seed: u64, purpose: Purpose, place: usize) -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(seed_of(seed, purpose, place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_places_share_a_seed() {
        let mut seeds = std::collections::BTreeSet::new();
        for seed in 0..3 {
            for purpose in [Purpose::Order, Purpose::Windows, Purpose::Dropout] {
                for place in 0..1000 {
                    assert!(seeds.insert(seed_of(seed, purpose, place)));
                }
            }
        }
    }
}
