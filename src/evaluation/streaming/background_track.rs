//! The background of a scene: recordings of it end to end, cross-faded, each brought to a level of its own. Made by
//! `Scene::build`.

use std::time::Duration;

use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha12Rng;

use super::SceneSpec;
use super::sounding_part::mean_power;
use crate::domain::Clip;
use crate::dsp::resample_clip;
use crate::evaluation::EvaluationError;

/// Long enough that it makes no click, short enough that the level changes with the piece.
const FADE: Duration = Duration::from_millis(20);

/// Recordings with less power, −90 dBFS, are no background: brought to a level they would be rounding noise.
const NO_SOUND: f64 = 1e-9;

/// A background, and the level of each of its pieces.
pub(super) struct BackgroundTrack {
    pub samples: Vec<f32>,
    /// First sample and mean power of each piece, in order.
    levels: Vec<(usize, f64)>,
}

impl BackgroundTrack {
    /// Mixes `samples` samples of background: every recording once in a random order, then again in another.
    pub fn mix(
        spec: &SceneSpec,
        samples: usize,
        background: &[Clip],
        random: &mut ChaCha12Rng,
    ) -> Result<Self, EvaluationError> {
        let audible: Vec<&Clip> =
            background.iter().filter(|clip| mean_power(&clip.samples) > NO_SOUND).collect();
        if audible.is_empty() {
            return Err(EvaluationError::NoBackground { pieces: background.len() });
        }
        let mut track = Self { samples: Vec::with_capacity(samples), levels: Vec::new() };
        let fade = usize::try_from(spec.sample_rate.samples_in(FADE)).unwrap_or(0);
        let mut order: Vec<usize> = Vec::new();
        while track.samples.len() < samples {
            let next = order.pop().unwrap_or_else(|| {
                order = (0..audible.len()).collect();
                order.shuffle(random);
                order.pop().expect("invariant: there is a recording")
            });
            let piece = resample_clip(audible[next], spec.sample_rate)?;
            let level_db = random.random_range(spec.background_dbfs.clone());
            track.append(&piece.samples, power_of(level_db), fade);
        }
        track.samples.truncate(samples);
        Ok(track)
    }

    /// Mean power of the piece that plays at `sample`.
    pub fn power_at(&self, sample: usize) -> f64 {
        let begun = self.levels.partition_point(|(start, _)| *start <= sample);
        self.levels.get(begun.saturating_sub(1)).map_or(0.0, |(_, power)| *power)
    }

    /// Puts a piece at the end, the first `fade` samples over the last ones of the piece before.
    fn append(&mut self, piece: &[f32], power: f64, fade: usize) {
        let own = mean_power(piece);
        if own <= 0.0 {
            return;
        }
        let gain = (power / own).sqrt() as f32;
        let fade = fade.min(piece.len() / 2).min(self.samples.len());
        let start = self.samples.len() - fade;
        for (index, (under, &over)) in self.samples[start..].iter_mut().zip(piece).enumerate() {
            // equal power: the two have nothing to do with each other
            let turn = (index as f32 + 0.5) / fade as f32 * std::f32::consts::FRAC_PI_2;
            *under = *under * turn.cos() + gain * over * turn.sin();
        }
        self.samples.extend(piece[fade..].iter().map(|sample| gain * sample));
        self.levels.push((start, power));
    }
}

/// Power of a level in decibels.
pub(super) fn power_of(level_db: f32) -> f64 {
    10f64.powf(f64::from(level_db) / 10.0)
}
