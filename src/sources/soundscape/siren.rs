//! An electronic wail on a street: a tone that climbs and falls, its echo, and the traffic. Rendered into the soundscape.

use std::f32::consts::TAU;

use super::voice::{OnePole, Voice};
use crate::dsp::SplitMix64;

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

/// Sweep of an electronic wail, in Hz, and the seconds one takes, up and down.
const LOW_HZ: f32 = 600.0;
const HIGH_HZ: f32 = 1_500.0;
const WAIL_SECONDS: f32 = 4.3;

/// The part of a wail that climbs.
const CLIMB: f32 = 0.5;

/// Overtones of the loudspeaker's tone: each is the multiple to this power as loud, 11 dB less an octave.
const OVERTONES: u8 = 12;
const OVERTONE_SLOPE: f32 = -1.8;

/// The houses' echo: how loud beside the direct sound, and its seconds of decay.
const ECHO_GAIN: f32 = 0.8;
const ECHO_DECAY: f32 = 1.5;

/// The street beside the siren, whose tone has an RMS near 0.7: wind and tyres, and the rumble of engines.
const HISS_GAIN: f32 = 0.3;
const HISS_TO_HZ: f32 = 3_000.0;
const RUMBLE_GAIN: f32 = 5.0;
const RUMBLE_TO_HZ: f32 = 200.0;

pub(super) struct Siren;

impl Voice for Siren {
    fn label(&self) -> &'static str {
        "siren"
    }

    fn render(&self, rate_hz: f32, prng: &mut SplitMix64, into: &mut [f32]) {
        let overtones: Vec<(f32, f32)> =
            (1..=OVERTONES).map(f32::from).map(|k| (k, k.powf(OVERTONE_SLOPE))).collect();
        let begin = prng.between(0.0, 0.1);
        let mut phase = 0.0_f32;
        let mut warmth = OnePole::new(5_000.0, rate_hz);
        let dry: Vec<f32> = (0..into.len())
            .map(|index| {
                let hz = pitch_hz((index as f32 / rate_hz / WAIL_SECONDS + begin).fract());
                phase = (phase + hz / rate_hz).fract();
                let tone: f32 =
                    overtones.iter().map(|(k, loudness)| loudness * (TAU * phase * k).sin()).sum();
                warmth.low(tone)
            })
            .collect();
        let wet = echo(&dry, ECHO_DECAY, rate_hz);
        let mut tyres = OnePole::new(HISS_TO_HZ, rate_hz);
        let mut engines = [OnePole::new(RUMBLE_TO_HZ, rate_hz); 2];
        for ((out, near), far) in into.iter_mut().zip(&dry).zip(&wet) {
            let hiss = tyres.low(prng.noise());
            let rumble = engines.iter_mut().fold(prng.noise(), |noise, pole| pole.low(noise));
            *out += near + ECHO_GAIN * far + HISS_GAIN * hiss + RUMBLE_GAIN * rumble;
        }
    }
}

/// The pitch at `wail` (0..1) of one wail.
fn pitch_hz(wail: f32) -> f32 {
    let height = if wail < CLIMB { wail / CLIMB } else { (1.0 - wail) / (1.0 - CLIMB) };
    let eased = height * height * (3.0 - 2.0 * height);
    // pitch is a matter of ratios: the sweep is even in them
    LOW_HZ * (HIGH_HZ / LOW_HZ).powf(eased)
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
