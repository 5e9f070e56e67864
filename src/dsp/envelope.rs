//! The amplitude envelope of a whole clip, and which of its samples are above a threshold. Feeds the trimming of silence
//! from recordings and the picture of it; runs wherever it is called, never live.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::DspError;
use crate::domain::SampleRate;

/// How an envelope is computed, and where silence begins.
///
/// In files: `threshold_dbfs = -60.0`, `window_ms = 100.0`, `statistic = "mean"`; what is left out has its default.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnvelopeSpec {
    /// The amplitude above which the envelope is sound, in decibels of full scale: 0 is ±1, −60 is ±0.001.
    pub threshold_dbfs: f32,
    /// How much of the clip one value of the envelope is taken over; its middle is the sample itself. A window of less
    /// than one sample is one.
    #[serde(rename = "window_ms", with = "milliseconds")]
    pub window: Duration,
    /// What is taken of the amplitudes in a window.
    pub statistic: EnvelopeStatistic,
}

/// What is taken of the amplitudes in a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnvelopeStatistic {
    /// Their mean: a single click does not keep what is around it.
    #[default]
    Mean,
    /// The largest: exactly half a window is kept before and after every sound.
    Maximum,
}

impl Default for EnvelopeSpec {
    /// The mean over 100 ms against −60 dBFS: below the room of most recordings, above their converter's noise.
    fn default() -> Self {
        Self {
            threshold_dbfs: -60.0,
            window: Duration::from_millis(100),
            statistic: EnvelopeStatistic::Mean,
        }
    }
}

impl EnvelopeSpec {
    /// Checks that the threshold is a level that sound can have.
    ///
    /// # Errors
    /// [`DspError::EnvelopeThreshold`] unless it lies between −150 and 0 dBFS.
    pub fn check(&self) -> Result<(), DspError> {
        if (-150.0..=0.0).contains(&self.threshold_dbfs) {
            Ok(())
        } else {
            Err(DspError::EnvelopeThreshold { found_dbfs: self.threshold_dbfs })
        }
    }

    /// The threshold as an amplitude.
    ///
    /// # Units
    /// Full scale is 1.
    pub fn threshold(&self) -> f32 {
        10.0f32.powf(self.threshold_dbfs / 20.0)
    }

    /// Which samples sound: those whose envelope is above the threshold.
    ///
    /// # Shapes
    /// `envelope` and the answer: `[samples]`.
    pub fn sounding(&self, envelope: &[f32]) -> Vec<bool> {
        let threshold = self.threshold();
        envelope.iter().map(|&amplitude| amplitude > threshold).collect()
    }
}

/// The envelope of `samples`: the mean or the maximum of their amplitudes over a window around each.
///
/// At the ends the window holds only what is there. A window of an even number of samples reaches one further back than
/// ahead. A sample that is not finite counts as zero, as it does in the front end. Takes time in proportion to the
/// samples, whatever the window, and allocates the answer.
///
/// # Shapes
/// `samples` and the answer: `[samples]`.
///
/// # Units
/// Full scale is 1.
///
/// # Source
/// `Series(abs(samples)).rolling(window, min_periods=1, center=True)` of pandas 2, `.mean()` or `.max()`.
pub fn envelope(samples: &[f32], rate: SampleRate, spec: &EnvelopeSpec) -> Vec<f32> {
    let window = usize::try_from(rate.samples_in(spec.window)).unwrap_or(usize::MAX).max(1);
    // no clip is longer than usize::MAX / 2, and a longer window would not see more of it
    let window = window.min(samples.len().saturating_mul(2) + 1);
    let reach = Reach { before: window / 2, after: (window - 1) / 2 };
    let amplitudes: Vec<f32> =
        samples.iter().map(|sample| if sample.is_finite() { sample.abs() } else { 0.0 }).collect();
    match spec.statistic {
        EnvelopeStatistic::Mean => rolling_mean(&amplitudes, reach),
        EnvelopeStatistic::Maximum => rolling_maximum(&amplitudes, reach),
    }
}

/// Samples of a window on either side of the one it belongs to.
#[derive(Clone, Copy)]
struct Reach {
    before: usize,
    after: usize,
}

fn rolling_mean(amplitudes: &[f32], reach: Reach) -> Vec<f32> {
    // sums from the start: a running sum would carry the rounding of a loud sample on into the silence after it
    let mut sums = Vec::with_capacity(amplitudes.len() + 1);
    let mut sum = 0.0f64;
    sums.push(sum);
    for &amplitude in amplitudes {
        sum += f64::from(amplitude);
        sums.push(sum);
    }
    (0..amplitudes.len())
        .map(|at| {
            let from = at.saturating_sub(reach.before);
            let to = (at + reach.after + 1).min(amplitudes.len());
            ((sums[to] - sums[from]) / (to - from) as f64) as f32
        })
        .collect()
}

fn rolling_maximum(amplitudes: &[f32], reach: Reach) -> Vec<f32> {
    // indices of falling amplitudes: the first is the largest in the window, the others become it as it leaves
    let mut falling: VecDeque<usize> = VecDeque::new();
    let mut taken = 0;
    (0..amplitudes.len())
        .map(|at| {
            let to = (at + reach.after + 1).min(amplitudes.len());
            for next in taken..to {
                while falling.back().is_some_and(|&last| amplitudes[last] <= amplitudes[next]) {
                    falling.pop_back();
                }
                falling.push_back(next);
            }
            taken = to;
            while falling.front().is_some_and(|&first| first + reach.before < at) {
                falling.pop_front();
            }
            falling.front().map_or(0.0, |&first| amplitudes[first])
        })
        .collect()
}

/// A duration as milliseconds, for files that people write.
mod milliseconds {
    use std::time::Duration;

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(span.as_secs_f64() * 1e3)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let millis = f64::deserialize(from)?;
        Duration::try_from_secs_f64(millis / 1e3).map_err(|error| {
            D::Error::custom(format!("{millis} ms is no length of time ({error}); take 100"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spec(samples: u64, statistic: EnvelopeStatistic) -> EnvelopeSpec {
        let window = Duration::from_micros(samples * 125);
        EnvelopeSpec { threshold_dbfs: -40.0, window, statistic }
    }

    /// At this rate a sample lasts 125 µs.
    fn rate() -> SampleRate {
        SampleRate::new(8_000).unwrap()
    }

    #[test]
    fn the_window_lies_as_in_pandas() {
        // Series([1, 0, 0, 0, 4, 0]).rolling(4, min_periods=1, center=True)
        let samples = [1.0, 0.0, 0.0, 0.0, -4.0, 0.0];
        let mean = envelope(&samples, rate(), &spec(4, EnvelopeStatistic::Mean));
        assert_eq!(mean, [0.5, 1.0 / 3.0, 0.25, 1.0, 1.0, 4.0 / 3.0]);
        let maximum = envelope(&samples, rate(), &spec(4, EnvelopeStatistic::Maximum));
        assert_eq!(maximum, [1.0, 1.0, 1.0, 4.0, 4.0, 4.0]);
    }

    #[test]
    fn invalid_samples_count_as_silence_and_no_samples_have_no_envelope() {
        let samples = [f32::NAN, f32::INFINITY, 0.0];
        for statistic in [EnvelopeStatistic::Mean, EnvelopeStatistic::Maximum] {
            assert_eq!(envelope(&samples, rate(), &spec(1, statistic)), [0.0; 3]);
            assert!(envelope(&[], rate(), &spec(9, statistic)).is_empty());
            // a window of no time is one sample; one of a year is the whole clip
            assert_eq!(envelope(&[0.5, -1.0], rate(), &spec(0, statistic)), [0.5, 1.0]);
            let year = Duration::from_secs(31_536_000);
            let whole =
                envelope(&[0.5, 1.0], rate(), &EnvelopeSpec { window: year, ..spec(0, statistic) });
            assert_eq!(whole[0], whole[1]);
        }
    }

    #[test]
    fn the_threshold_is_an_amplitude_in_decibels() {
        let spec = spec(1, EnvelopeStatistic::Mean);
        assert!((spec.threshold() - 0.01).abs() < 1e-7);
        assert_eq!(spec.sounding(&[0.0, 0.0099, 0.0101, 1.0]), [false, false, true, true]);
        assert!(spec.check().is_ok());
        for threshold_dbfs in [3.0, f32::NAN, f32::NEG_INFINITY] {
            let error = EnvelopeSpec { threshold_dbfs, ..spec }.check().unwrap_err().to_string();
            assert!(error.contains("dBFS"), "{error}");
        }
    }

    #[test]
    fn a_spec_is_written_in_milliseconds() {
        let text = "threshold_dbfs = -50.0\nwindow_ms = 20\nstatistic = \"maximum\"\n";
        let spec: EnvelopeSpec = toml::from_str(text).unwrap();
        assert_eq!(spec.window, Duration::from_millis(20));
        let again: EnvelopeSpec = toml::from_str(&toml::to_string(&spec).unwrap()).unwrap();
        assert_eq!(again, spec);
        assert_eq!(toml::from_str::<EnvelopeSpec>("").unwrap(), EnvelopeSpec::default());
        assert!(toml::from_str::<EnvelopeSpec>("window_ms = -1").is_err());
        assert!(toml::from_str::<EnvelopeSpec>("treshold_dbfs = -1").is_err());
    }

    proptest! {
        #[test]
        fn every_value_is_that_of_its_own_window(
            samples in proptest::collection::vec(-1.0f32..1.0, 0..200),
            window in 1usize..40,
        ) {
            let mean = envelope(&samples, rate(), &spec(window as u64, EnvelopeStatistic::Mean));
            let maximum = envelope(&samples, rate(), &spec(window as u64, EnvelopeStatistic::Maximum));
            for at in 0..samples.len() {
                let to = (at + (window - 1) / 2 + 1).min(samples.len());
                let part = &samples[at.saturating_sub(window / 2)..to];
                let largest = part.iter().fold(0.0f32, |largest, it| largest.max(it.abs()));
                let sum: f32 = part.iter().map(|it| it.abs()).sum();
                prop_assert_eq!(maximum[at], largest);
                prop_assert!((mean[at] - sum / part.len() as f32).abs() < 1e-5);
            }
        }
    }
}
