//! What a scene is to be like. Read by `Scene::build`.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::domain::SampleRate;
use crate::evaluation::EvaluationError;

/// What a scene is to be like; the same description and recordings give the same samples.
#[derive(Debug, Clone, PartialEq)]
pub struct SceneSpec {
    /// The rate everything is brought to. The model's own spares the front end work and changes next to nothing.
    pub sample_rate: SampleRate,
    /// It lasts at least this long; longer if the pieces need it.
    pub at_least: Duration,
    /// Level that each piece of the background is brought to, drawn between these, in dB of full scale.
    pub background_dbfs: RangeInclusive<f32>,
    /// How far the sounding part of a clip stands above the background piece it begins in, drawn between these, in dB.
    pub snr_db: RangeInclusive<f32>,
    /// Background alone before each clip and after the last, drawn between these, in seconds.
    pub pause_s: RangeInclusive<f32>,
    /// Seed of everything drawn.
    pub seed: u64,
}

impl SceneSpec {
    /// Clips 6 to 20 dB above a background at −45 to −35 dBFS, two to six seconds apart.
    pub fn new(sample_rate: SampleRate, seed: u64) -> Self {
        Self {
            sample_rate,
            at_least: Duration::ZERO,
            background_dbfs: -45.0..=-35.0,
            snr_db: 6.0..=20.0,
            pause_s: 2.0..=6.0,
            seed,
        }
    }

    /// The same, but at least so long, with a background from a whisper to a vacuum cleaner (−60 to −25 dBFS), whatever
    /// is placed in it coming seldom: to count false alarms in.
    pub fn without_classes(sample_rate: SampleRate, at_least: Duration, seed: u64) -> Self {
        Self {
            at_least,
            background_dbfs: -60.0..=-25.0,
            pause_s: 3.0..=12.0,
            ..Self::new(sample_rate, seed)
        }
    }

    /// Checks that something can be drawn from every range.
    ///
    /// # Errors
    /// [`EvaluationError::Range`].
    pub fn check(&self) -> Result<(), EvaluationError> {
        let ranges = [
            ("the background's level in dBFS", &self.background_dbfs),
            ("the signal-to-noise ratio in dB", &self.snr_db),
            ("the pause between clips in seconds", &self.pause_s),
        ];
        for (what, range) in ranges {
            let (low, high) = (*range.start(), *range.end());
            if !(low.is_finite() && high.is_finite() && low <= high) {
                return Err(EvaluationError::Range { what, low, high });
            }
        }
        Ok(())
    }
}
