//! Training windows: a random stretch of a clip, louder or softer, mixed, shifted and masked. Fed by clip features, feeds
//! the training step.

use rand::Rng;
use rand::rngs::StdRng;

use super::{ClipFeatures, TrainingSpec};
use crate::features::Normaliser;

/// Makes training windows out of clip features.
pub struct Augmenter<'a> {
    /// How much of each.
    pub spec: &'a TrainingSpec,
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

    /// A random window of `clip` that carries its label, at a random gain, normalised.
    ///
    /// # Shapes
    /// Returns `[window_frames, mel_bands]`.
    pub fn window(&self, clip: &ClipFeatures, starts: &[usize], random: &mut StdRng) -> Vec<f32> {
        let start = starts[random.random_range(0..starts.len())];
        let mel_bands = self.mel_bands();
        let from = start * mel_bands;
        let frames = &clip.log_mel[from..from + self.window_frames * mel_bands];
        self.loudness(frames, self.spec.gain_db, random)
    }

    /// A window of background: pieces of it end to end, at any gain down to near silence, normalised.
    ///
    /// # Shapes
    /// Returns `[window_frames, mel_bands]`.
    pub fn background(&self, pieces: &[ClipFeatures], random: &mut StdRng) -> Vec<f32> {
        let wanted = self.window_frames * self.mel_bands();
        let mut frames = Vec::with_capacity(wanted);
        while frames.len() < wanted {
            let piece = &pieces[random.random_range(0..pieces.len())].log_mel;
            let left = wanted - frames.len();
            frames.extend_from_slice(&piece[..piece.len().min(left)]);
        }
        self.loudness(&frames, (-50.0, 3.0), random)
    }

    fn loudness(&self, log_mel: &[f32], gain_db: (f32, f32), random: &mut StdRng) -> Vec<f32> {
        let gain = random.random_range(gain_db.0..=gain_db.1);
        let louder: Vec<f32> =
            log_mel.iter().map(|value| (value + gain).max(self.floor_db)).collect();
        let mut normalised = vec![0.0; louder.len()];
        let bands = self.mel_bands();
        for (out, frame) in normalised.chunks_exact_mut(bands).zip(louder.chunks_exact(bands)) {
            self.normaliser.apply_into(frame, out);
        }
        normalised
    }

    /// Shifts a window along the bands and masks some bands and frames with the mean.
    ///
    /// # Shapes
    /// `window`: `[window_frames, mel_bands]`.
    ///
    /// # Source
    /// Masks: D. S. Park et al., "SpecAugment" (2019), without time warping.
    pub fn shift_and_mask(&self, window: &mut [f32], random: &mut StdRng) {
        let bands = self.mel_bands();
        let most = self.spec.band_shift as i64;
        let shift = random.random_range(-most..=most);
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

/// Mixes `other` into `window` by a share drawn from Beta(½, ½), `window` keeping the larger; returns its share.
///
/// # Source
/// H. Zhang et al., "mixup" (2018). Beta(½, ½) is the arcsine distribution: `sin²(πu/2)` for even `u`.
pub fn mix(window: &mut [f32], other: &[f32], random: &mut StdRng) -> f32 {
    let share = (std::f32::consts::FRAC_PI_2 * random.random::<f32>()).sin().powi(2);
    let share = share.max(1.0 - share);
    for (value, other) in window.iter_mut().zip(other) {
        *value = share * *value + (1.0 - share) * other;
    }
    share
}
