//! Interleaved samples of a recording or a pipe to one channel, and what is suspicious about them: floats in the range of
//! integers, channels that cancel each other, noise that is no sound. Called by the readers, on their thread.

use super::{ChannelSelection, SourceError};
use crate::domain::{downmix, is_sound};

/// How long sound is measured before it is checked.
const CHECKED_SECONDS: u64 = 10;

/// Channels whose mean has less than this share of their power cancel each other: 20 dB.
const CANCELLED_SHARE: f64 = 0.01;

/// Channels quieter than this, −60 dBFS, cancel nothing that matters.
const MIN_POWER: f64 = 1e-6;

/// Full scale and 24 dB more: no recording is as loud, whatever its decoder or its floats may do.
const ABSURD_PEAK: f32 = 16.0;

/// Samples are reported from here on, 12 dB above full scale: more than any decoder overshoots.
const LOUD_PEAK: f32 = 4.0;

/// Whole numbers up to here may be sound at full scale.
const MIN_INTEGER_PEAK: f32 = 2.0;

/// A bit less than this is what bytes without meaning come to: numbers of any size have 0.58.
const NOISE_LEVEL: f64 = 0.3;

/// How alike neighbours are in noise.
const NOISE_CORRELATION: f64 = 0.3;

/// Mixes and watches.
pub(super) struct Mixdown {
    name: String,
    selection: ChannelSelection,
    /// What samples are multiplied by.
    scale: f32,
    repaired: u64,
    peak_reported: bool,
    cancelling: Cancelling,
}

/// Powers, since they were last checked.
#[derive(Debug, Default)]
struct Cancelling {
    mean: f64,
    channels: f64,
    frames: u64,
    is_reported: bool,
}

impl Mixdown {
    /// Mixes what records call `name`.
    pub(super) fn new(name: String, selection: ChannelSelection) -> Self {
        let cancelling = Cancelling::default();
        Self { name, selection, scale: 1.0, repaired: 0, peak_reported: false, cancelling }
    }

    /// Looks at the beginning of a recording of floats, and scales it where its numbers are those of integers.
    pub(super) fn scale_by(&mut self, peak: f32, all_whole: Whole) {
        let is_integers =
            peak >= ABSURD_PEAK || (all_whole == Whole::All && peak >= MIN_INTEGER_PEAK);
        let ranges = [(16, 32_768.0), (24, 8_388_608.0), (32, 2_147_483_648.0)];
        let range = ranges.into_iter().find(|&(_, full)| peak <= full);
        if let Some((bits, full)) = range.filter(|_| is_integers) {
            self.scale = 1.0 / full;
            log::warn!(
                "{}: its floats reach {peak}, and full scale is 1: they are taken for integers of {bits} bits and divided by \
                 {full}",
                self.name
            );
        }
    }

    /// Appends `interleaved`, mixed, to `mono`.
    ///
    /// # Shapes
    /// `interleaved`: `[frames, channels]`, row-major.
    ///
    /// # Errors
    /// [`SourceError::NoSuchChannel`].
    pub(super) fn push(
        &mut self,
        interleaved: &[f32],
        channels: usize,
        rate_hz: u32,
        mono: &mut Vec<f32>,
    ) -> Result<(), SourceError> {
        let before = mono.len();
        match self.selection {
            ChannelSelection::One(channel) if usize::from(channel) >= channels => {
                let channels = u16::try_from(channels).unwrap_or(u16::MAX);
                let origin = self.name.clone();
                return Err(SourceError::NoSuchChannel { origin, channel, channels });
            }
            ChannelSelection::One(channel) => {
                let frames = interleaved.chunks_exact(channels);
                mono.extend(frames.map(|frame| frame[usize::from(channel)]));
            }
            ChannelSelection::Mix if channels == 1 => mono.extend_from_slice(interleaved),
            ChannelSelection::Mix => {
                let mut power = 0.0;
                for frame in interleaved.chunks_exact(channels) {
                    let (mean, left_out) = downmix(frame.iter().copied());
                    mono.push(mean);
                    self.repaired += left_out;
                    power += frame.iter().map(|sample| f64::from(sample * sample)).sum::<f64>();
                }
                self.cancelling.channels += power / channels as f64;
            }
        }
        let mono = &mut mono[before..];
        if self.scale != 1.0 {
            mono.iter_mut().for_each(|sample| *sample *= self.scale);
        }
        if self.selection == ChannelSelection::Mix && channels > 1 && self.scale == 1.0 {
            self.watch_cancelling(mono, rate_hz);
        }
        self.watch_peak(mono);
        Ok(())
    }

    fn watch_cancelling(&mut self, mono: &[f32], rate_hz: u32) {
        let watched = &mut self.cancelling;
        watched.mean += mono.iter().map(|sample| f64::from(sample * sample)).sum::<f64>();
        watched.frames += mono.len() as u64;
        if watched.frames >= CHECKED_SECONDS * u64::from(rate_hz) {
            self.check_cancelling();
        }
    }

    /// Reports channels that cancel each other; at the end, what was not checked yet.
    pub(super) fn check_cancelling(&mut self) {
        let watched = std::mem::take(&mut self.cancelling);
        let power = watched.channels / watched.frames.max(1) as f64;
        // written so that NaN is no reason
        let cancels = power > MIN_POWER && watched.mean < CANCELLED_SHARE * watched.channels;
        self.cancelling.is_reported = watched.is_reported || cancels;
        if cancels && !watched.is_reported {
            log::warn!(
                "{}: its channels cancel each other, so little is left in their mean; take one of them, with --channel 1 or \
                 channel = 1 in the section of the source",
                self.name
            );
        }
    }

    fn watch_peak(&mut self, mono: &[f32]) {
        if self.peak_reported {
            return;
        }
        let loud = |sample: &&f32| sample.is_finite() && sample.abs() > LOUD_PEAK;
        if let Some(loud) = mono.iter().find(loud) {
            self.peak_reported = true;
            log::warn!(
                "{}: a sample of {loud} is far above full scale, which is 1: it is damaged, or its numbers are no floats of \
                 that scale",
                self.name
            );
        }
    }

    /// How many samples of single channels were no sound, since the last call.
    pub(super) fn take_repaired(&mut self) -> u64 {
        std::mem::take(&mut self.repaired)
    }
}

/// Whether samples are whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    All,
    Some,
}

/// The largest amplitude in `samples`, and whether all of them are whole numbers; those that are no numbers do not count.
pub(super) fn range_of(samples: &[f32]) -> (f32, Whole) {
    let numbers = samples.iter().filter(|sample| sample.is_finite());
    let (mut peak, mut whole) = (0.0f32, Whole::All);
    for sample in numbers {
        peak = peak.max(sample.abs());
        if sample.fract() != 0.0 {
            whole = Whole::Some;
        }
    }
    (peak, whole)
}

/// What is wrong with a first second of samples without a header, if they look as if their bytes were something else.
pub(super) fn no_sound(samples: &[f32]) -> Option<String> {
    let sound = samples.iter().filter(|sample| is_sound(**sample)).count();
    if 2 * sound < samples.len() {
        return Some("most of its samples are no numbers, or absurdly large".to_owned());
    }
    let product = |(a, b): (&f32, &f32)| f64::from(a * b);
    let power: f64 = samples.iter().zip(samples).map(product).sum();
    let neighbours: f64 = samples.iter().zip(samples.iter().skip(1)).map(product).sum();
    let level = (power / samples.len().max(1) as f64).sqrt();
    (level > NOISE_LEVEL && neighbours.abs() < NOISE_CORRELATION * power)
        .then(|| "it begins with a second of noise at full scale".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: &mut u32) -> f32 {
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*seed as i32) as f32 / 2_147_483_648.0
    }

    #[test]
    fn bytes_of_another_format_look_like_noise_and_sound_does_not() {
        let mut seed = 1;
        let random: Vec<f32> = (0..16_000).map(|_| noise(&mut seed)).collect();
        assert!(no_sound(&random).unwrap().contains("noise at full scale"));
        let quieter: Vec<f32> = random.iter().map(|sample| 0.3 * sample).collect();
        let tone: Vec<f32> = (0..16_000).map(|index| (index as f32 * 0.3).sin()).collect();
        for sound in [quieter, tone, vec![0.0; 16_000], Vec::new()] {
            assert_eq!(no_sound(&sound), None);
        }
        assert!(no_sound(&[f32::NAN, 1e30, 0.1]).unwrap().contains("most of its samples"));
    }

    #[test]
    fn floats_in_the_range_of_integers_are_scaled() {
        let scale = |peak, whole| {
            let mut mixdown = Mixdown::new("test".to_owned(), ChannelSelection::Mix);
            mixdown.scale_by(peak, whole);
            1.0 / mixdown.scale
        };
        assert_eq!(scale(20_000.5, Whole::Some), 32_768.0);
        assert_eq!(scale(9.0, Whole::All), 32_768.0);
        assert_eq!(scale(5e6, Whole::All), 8_388_608.0);
        assert_eq!(scale(1.4, Whole::Some), 1.0);
        assert_eq!(scale(1.0, Whole::All), 1.0);
        assert_eq!(scale(1e30, Whole::All), 1.0);
    }

    #[test]
    fn one_channel_can_be_taken() {
        let mut mixdown = Mixdown::new("test".to_owned(), ChannelSelection::One(1));
        let mut mono = Vec::new();
        mixdown.push(&[0.1, 0.2, 0.3, 0.4], 2, 8_000, &mut mono).unwrap();
        assert_eq!(mono, [0.2, 0.4]);
        assert!(mixdown.push(&[0.1], 1, 8_000, &mut mono).is_err());
    }
}
