//! Training windows: a stretch of a clip, changed as sound is changed by rooms, microphones and neighbours. Fed by clip
//! features, feeds the batches; runs on their thread.

use rand::Rng;
use rand_chacha::ChaCha12Rng;

use super::{AugmentSpec, ClipFeatures};
use crate::features::Normaliser;

/// Background alone is added at any gain down to near silence, in dB: the daemon captures mostly that.
const BACKGROUND_GAIN_DB: (f32, f32) = (-50.0, 3.0);

/// Two sounds that are mixed differ by at most this, in dB.
const MIX_DB: f32 = 12.0;

/// How fast a sound that is mixed with another loses its share as the other gets louder: at equal levels each has half.
const MIX_SCALE_DB: f32 = 4.0;

/// Frames that sound at least where only the last part of a window does.
const LEAST_SOUNDING: usize = 20;

/// Knots of a random equalisation; between them it is a straight line.
const EQUALISER_KNOTS: usize = 5;

/// Makes training windows out of clip features.
///
/// # Units
/// Before normalisation, windows are in dB; after it, in deviations from the mean.
pub struct Augmenter<'a> {
    /// How much of each.
    pub spec: &'a AugmentSpec,
    /// Brings bands to zero mean and unit deviation.
    pub normaliser: &'a Normaliser,
    /// Frames of a window.
    pub window_frames: usize,
    /// The lowest log-mel value there is, in dB.
    pub floor_db: f32,
}

impl Augmenter<'_> {
    fn mel_bands(&self) -> usize {
        self.normaliser.mean.len()
    }

    /// A random window of `clip` out of those that begin at `starts`, stretched, and its power; of some windows only the last
    /// part sounds.
    ///
    /// # Shapes
    /// Returns `[window_frames, mel_bands]` in dB.
    pub fn window(
        &self,
        clip: &ClipFeatures,
        starts: &[usize],
        random: &mut ChaCha12Rng,
    ) -> (Vec<f32>, f32) {
        let start = starts[random.random_range(0..starts.len())];
        let mut window = self.stretch(clip, start, random);
        if drawn(self.spec.late_onset, random) {
            let least = LEAST_SOUNDING.min(self.window_frames);
            // short parts more often
            let share = random.random::<f32>().powf(1.5);
            let sounding = least + (share * (self.window_frames - least) as f32) as usize;
            let silent = self.window_frames - sounding;
            window[..silent * self.mel_bands()].fill(self.floor_db);
        }
        (window, clip.power_of(start, self.window_frames))
    }

    /// What comes to the microphone: with background added now and then, louder or softer, equalised; normalised.
    ///
    /// # Shapes
    /// `window`: `[window_frames, mel_bands]` in dB, of power `power`.
    pub fn record(
        &self,
        window: &mut [f32],
        power: f32,
        background: &[ClipFeatures],
        random: &mut ChaCha12Rng,
    ) {
        if !background.is_empty() && drawn(self.spec.noise, random) {
            self.add_background(window, power, background, random);
        }
        self.change_loudness(window, (self.spec.gain_low_db, self.spec.gain_high_db), random);
        self.normalise(window);
    }

    /// Mixes a window into another, power to power, up to 12 dB louder or softer; gives the share of the first in what is
    /// heard, by the levels of the two.
    ///
    /// # Shapes
    /// Both `[window_frames, mel_bands]` in dB, of powers `power` and `other_power`.
    ///
    /// # Source
    /// Y. Tokozume, Y. Ushiku, T. Harada, "Learning from Between-class Examples for Deep Sound Recognition" (2018): sound is
    /// mixed by level, as ears hear it.
    pub fn mix(
        &self,
        (window, power): (&mut [f32], f32),
        (other, other_power): (&[f32], f32),
        random: &mut ChaCha12Rng,
    ) -> f32 {
        let level_db = random.random_range(-MIX_DB..=MIX_DB);
        let gain = match other_power > 0.0 {
            true => power / other_power * 10f32.powf(level_db / 10.0),
            false => 1.0,
        };
        add_powers(window, other, gain);
        1.0 / (1.0 + (level_db / MIX_SCALE_DB).exp())
    }

    /// Gives a normalised window part of the mean and the deviation that each band has in another one.
    ///
    /// # Shapes
    /// Both `[window_frames, mel_bands]`.
    ///
    /// # Source
    /// B. Kim et al., "Domain Generalization on Efficient Acoustic Scene Classification using Residual Normalization" (2021)
    /// and F. Schmid et al. (2023): Freq-MixStyle.
    pub fn mix_style(&self, window: &mut [f32], other: &[f32], random: &mut ChaCha12Rng) {
        let share = arcsine(random);
        let bands = self.mel_bands();
        for band in 0..bands {
            let (mean, deviation) = statistics(window.iter().skip(band).step_by(bands));
            let (other_mean, other_deviation) = statistics(other.iter().skip(band).step_by(bands));
            let new_mean = share * mean + (1.0 - share) * other_mean;
            let scale = (share * deviation + (1.0 - share) * other_deviation) / deviation;
            for value in window.iter_mut().skip(band).step_by(bands) {
                *value = (*value - mean) * scale + new_mean;
            }
        }
    }

    /// A window of background: a stretch of it, at any gain down to near silence, normalised.
    ///
    /// # Shapes
    /// Returns `[window_frames, mel_bands]`.
    pub fn background(&self, pieces: &[ClipFeatures], random: &mut ChaCha12Rng) -> Vec<f32> {
        let (mut window, _) = self.background_stretch(pieces, random);
        self.change_loudness(&mut window, BACKGROUND_GAIN_DB, random);
        self.normalise(&mut window);
        window
    }

    /// The frames from `start` on, or from a little earlier or later in a clip of one window, faster or slower.
    ///
    /// Frames outside of the clip are silence; frames between two are interpolated in dB.
    pub fn stretch(&self, clip: &ClipFeatures, start: usize, random: &mut ChaCha12Rng) -> Vec<f32> {
        let bands = self.mel_bands();
        let mut from = start as f32;
        if self.spec.time_shift > 0 && clip.frames() == self.window_frames {
            let max = self.spec.time_shift as i64;
            from += random.random_range(-max..=max) as f32;
        }
        let max = self.spec.time_stretch;
        let factor = if max > 0.0 { random.random_range(1.0 - max..=1.0 + max) } else { 1.0 };
        // a faster window must not run past the clip's end where it can begin earlier
        let span = factor * (self.window_frames - 1) as f32;
        let last = (clip.frames() - 1) as f32;
        if from >= 0.0 && from + span > last && clip.frames() > self.window_frames {
            from = (last - span).max(0.0);
        }
        let frame_at = |frame: f32, band: usize| -> f32 {
            let index = frame as i64;
            match usize::try_from(index) {
                Ok(index) if index < clip.frames() => clip.log_mel[index * bands + band],
                _ => self.floor_db,
            }
        };
        let mut window = Vec::with_capacity(self.window_frames * bands);
        for frame in 0..self.window_frames {
            let at = from + factor * frame as f32;
            let (before, share) = (at.floor(), at - at.floor());
            for band in 0..bands {
                let value = frame_at(before, band);
                window.push(match share {
                    0.0 => value,
                    share => value + share * (frame_at(before + 1.0, band) - value),
                });
            }
        }
        window
    }

    /// Adds a stretch of background, power to power, so far below the sound as `snr_low_db..snr_high_db` says.
    pub fn add_background(
        &self,
        window: &mut [f32],
        sound_power: f32,
        pieces: &[ClipFeatures],
        random: &mut ChaCha12Rng,
    ) {
        let snr_db = random.random_range(self.spec.snr_low_db..=self.spec.snr_high_db);
        let (stretch, power) = self.background_stretch(pieces, random);
        if power <= 0.0 || sound_power <= 0.0 {
            return;
        }
        let gain = sound_power / power * 10f32.powf(-snr_db / 10.0);
        add_powers(window, &stretch, gain);
    }

    /// Pieces of background end to end from a random place on, `[window_frames, mel_bands]` in dB, and their mean
    /// power.
    fn background_stretch(
        &self,
        pieces: &[ClipFeatures],
        random: &mut ChaCha12Rng,
    ) -> (Vec<f32>, f32) {
        let bands = self.mel_bands();
        let (mut frames, mut power) = (Vec::with_capacity(self.window_frames * bands), 0.0);
        let mut left = self.window_frames;
        while left > 0 {
            let piece = &pieces[random.random_range(0..pieces.len())];
            let start = random.random_range(0..=piece.frames().saturating_sub(left));
            let taken = left.min(piece.frames());
            frames.extend_from_slice(&piece.log_mel[start * bands..(start + taken) * bands]);
            power += piece.powers[start..start + taken].iter().sum::<f32>();
            left -= taken;
        }
        (frames, power / self.window_frames as f32)
    }

    /// A gain for the whole window, and one that differs smoothly from band to band.
    ///
    /// # Source
    /// The curve: H. Nam et al., "FilterAugment" (2022), its linear type.
    pub fn change_loudness(
        &self,
        window: &mut [f32],
        gain_db: (f32, f32),
        random: &mut ChaCha12Rng,
    ) {
        let gain = random.random_range(gain_db.0..=gain_db.1);
        let bands = self.mel_bands();
        let mut gains = vec![gain; bands];
        let max = self.spec.equalise_db;
        if max > 0.0 {
            let knots: Vec<f32> =
                (0..EQUALISER_KNOTS).map(|_| random.random_range(-max..=max)).collect();
            for (band, gain) in gains.iter_mut().enumerate() {
                let at = band as f32 * (EQUALISER_KNOTS - 1) as f32 / (bands - 1).max(1) as f32;
                let knot = (at as usize).min(EQUALISER_KNOTS - 2);
                *gain += knots[knot] + (at - knot as f32) * (knots[knot + 1] - knots[knot]);
            }
        }
        for frame in window.chunks_exact_mut(bands) {
            for (value, gain) in frame.iter_mut().zip(&gains) {
                *value = (*value + gain).max(self.floor_db);
            }
        }
    }

    fn normalise(&self, window: &mut [f32]) {
        let bands = self.mel_bands();
        let mut normalised = vec![0.0; bands];
        for frame in window.chunks_exact_mut(bands) {
            self.normaliser.apply_into(frame, &mut normalised);
            frame.copy_from_slice(&normalised);
        }
    }

    /// Shifts a normalised window along the bands and masks some bands and frames with the mean.
    ///
    /// # Shapes
    /// `window`: `[window_frames, mel_bands]`.
    ///
    /// # Source
    /// Masks: D. S. Park et al., "SpecAugment" (2019), without time warping.
    pub fn shift_and_mask(&self, window: &mut [f32], random: &mut ChaCha12Rng) {
        let bands = self.mel_bands();
        let max = self.spec.band_shift as i64;
        let shift = random.random_range(-max..=max);
        if shift != 0 {
            let mut shifted = vec![0.0; bands];
            for frame in window.chunks_exact_mut(bands) {
                for (band, out) in shifted.iter_mut().enumerate() {
                    let from = (band as i64 - shift).clamp(0, bands as i64 - 1);
                    *out = frame[from as usize];
                }
                frame.copy_from_slice(&shifted);
            }
        }
        for _ in 0..self.spec.masks {
            let width = random.random_range(0..=self.spec.mask_bands.min(bands));
            let first = random.random_range(0..=bands - width);
            for frame in window.chunks_exact_mut(bands) {
                frame[first..first + width].fill(0.0);
            }
            let width = random.random_range(0..=self.spec.mask_frames.min(self.window_frames));
            let first = random.random_range(0..=self.window_frames - width);
            window[first * bands..(first + width) * bands].fill(0.0);
        }
    }
}

/// Whether something happens that happens to this share.
pub fn drawn(share: f32, random: &mut ChaCha12Rng) -> bool {
    share > 0.0 && random.random::<f32>() < share
}

/// Adds `other`, its power times `gain`, to `window`; all in dB.
fn add_powers(window: &mut [f32], other: &[f32], gain: f32) {
    let shift = 10.0 * gain.log10();
    for (value, other) in window.iter_mut().zip(other) {
        let (larger, smaller) = (value.max(other + shift), value.min(other + shift));
        *value = larger + 10.0 * (1.0 + 10f32.powf((smaller - larger) / 10.0)).log10();
    }
}

/// A share drawn from Beta(½, ½), which is the arcsine distribution: `sin²(πu/2)` for even `u`.
fn arcsine(random: &mut ChaCha12Rng) -> f32 {
    (std::f32::consts::FRAC_PI_2 * random.random::<f32>()).sin().powi(2)
}

/// Mean and deviation; the latter never so small that nothing can be divided by it.
fn statistics<'a>(values: impl Iterator<Item = &'a f32>) -> (f32, f32) {
    let (mut count, mut sum, mut squares) = (0.0f32, 0.0f32, 0.0f32);
    for value in values {
        count += 1.0;
        sum += value;
        squares += value * value;
    }
    let mean = sum / count;
    (mean, (squares / count - mean * mean).max(1e-4).sqrt())
}
