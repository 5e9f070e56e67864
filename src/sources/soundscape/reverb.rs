//! The echo of a street or a square, for the voices that sound outdoors. Called while they are rendered.

/// Delays in seconds of the four combs, which make the tail, and of the two all-passes, which make it dense.
///
/// # Source
/// Schroeder, "Natural sounding artificial reverberation", Journal of the Audio Engineering Society 10(3), 1962.
const COMB_SECONDS: [f32; 4] = [0.0297, 0.0371, 0.0411, 0.0437];
const ALL_PASS_SECONDS: [f32; 2] = [0.005, 0.0017];
const ALL_PASS_GAIN: f32 = 0.7;

/// What comes back of `dry`: an echo as loud as its source is on average, and `decay` seconds until it is 60 dB down.
pub(super) fn echo(dry: &[f32], decay: f32, rate_hz: f32) -> Vec<f32> {
    let mut tail = vec![0.0; dry.len()];
    for seconds in COMB_SECONDS {
        let delay = (seconds * rate_hz) as usize;
        let gain = 10_f32.powf(-3.0 * seconds / decay);
        // a comb of this gain multiplies power by 1/(1 − gain²); four of them add up
        let share = ((1.0 - gain * gain) / COMB_SECONDS.len() as f32).sqrt();
        let mut ring = vec![0.0; delay];
        for (index, (out, input)) in tail.iter_mut().zip(dry).enumerate() {
            let slot = &mut ring[index % delay];
            let late = *slot;
            *slot = input + gain * late;
            *out += share * late;
        }
    }
    for seconds in ALL_PASS_SECONDS {
        let delay = (seconds * rate_hz) as usize;
        let mut ring = vec![0.0; delay];
        for (index, sample) in tail.iter_mut().enumerate() {
            let slot = &mut ring[index % delay];
            let late = *slot;
            let inner = *sample + ALL_PASS_GAIN * late;
            *slot = inner;
            *sample = late - ALL_PASS_GAIN * inner;
        }
    }
    tail
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::SplitMix64;

    const RATE_HZ: f32 = 8_000.0;

    fn level_db(samples: &[f32]) -> f32 {
        10.0 * (samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32).log10()
    }

    #[test]
    fn an_echo_becomes_as_loud_as_its_source_and_dies_in_the_time_given() {
        let mut prng = SplitMix64::new(1);
        let second = RATE_HZ as usize;
        let mut dry: Vec<f32> = (0..4 * second).map(|_| prng.noise()).collect();
        dry[2 * second..].fill(0.0);
        let wet = echo(&dry, 1.0, RATE_HZ);
        let loud = level_db(&wet[second..2 * second]);
        assert!((loud - level_db(&dry[second..2 * second])).abs() < 1.5, "{loud} dB");
        let tenth = second / 10;
        let fallen = loud - level_db(&wet[3 * second - tenth..3 * second]);
        assert!((52.0..64.0).contains(&fallen), "{fallen} dB down after the second");
        assert!(wet[..200].iter().all(|&sample| sample == 0.0), "the first echo takes its way");
    }
}
