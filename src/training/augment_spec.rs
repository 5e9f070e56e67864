//! How much training windows are changed before the network sees them. Part of the training's numbers.

use serde::{Deserialize, Serialize};

use super::TrainingError;
use super::error::require;

/// How windows are changed. What is zero is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugmentSpec {
    /// Least gain added to a window, in dB.
    pub gain_low_db: f32,
    /// Most gain added to a window, in dB.
    pub gain_high_db: f32,
    /// Share of windows that another one is mixed into.
    pub mixup: f32,
    /// Shift along the mel bands, at most this many either way.
    pub band_shift: usize,
    /// Masks of bands and of frames: how many of each.
    pub masks: usize,
    /// Widest mask of bands.
    pub mask_bands: usize,
    /// Widest mask of frames.
    pub mask_frames: usize,
    /// Frames that a clip of a single window begins earlier or later, at most; silence fills up. Longer clips begin at
    /// a random frame anyway.
    pub time_shift: usize,
    /// Stretch or squeeze in time, at most by this share.
    pub time_stretch: f32,
    /// Gain that differs smoothly from band to band, at most so many dB either way.
    pub equalise_db: f32,
    /// Share of windows that are background alone, which carries no label.
    pub background: f32,
    /// Share of windows that are sound of a label that is no event, such as speech; and of those mixed into another.
    pub non_event: f32,
    /// Share of clips that sound as in a room, where there are responses.
    pub room: f32,
    /// Share of windows of which only the last part sounds, 0.2 s at least where the window is longer: what is heard first of
    /// a sound that begins.
    pub late_onset: f32,
    /// Share of windows that get the mean and deviation of each band, in part, from another window: other microphones.
    pub mix_style: f32,
    /// Share of the others that background is added to.
    pub noise: f32,
    /// Least level of the sound above the added background, in dB.
    pub snr_low_db: f32,
    /// Most level of the sound above the added background, in dB.
    pub snr_high_db: f32,
}

impl Default for AugmentSpec {
    /// What the shipped bundle is trained with.
    fn default() -> Self {
        Self {
            gain_low_db: -20.0,
            gain_high_db: 6.0,
            mixup: 0.8,
            band_shift: 2,
            masks: 2,
            mask_bands: 6,
            mask_frames: 12,
            time_shift: 0,
            time_stretch: 0.25,
            equalise_db: 8.0,
            background: 0.08,
            non_event: 0.08,
            room: 0.3,
            late_onset: 0.0,
            mix_style: 0.0,
            noise: 0.3,
            snr_low_db: 0.0,
            snr_high_db: 30.0,
        }
    }
}

impl AugmentSpec {
    /// Windows as they are.
    pub fn none() -> Self {
        Self {
            gain_low_db: 0.0,
            gain_high_db: 0.0,
            mixup: 0.0,
            band_shift: 0,
            masks: 0,
            time_stretch: 0.0,
            equalise_db: 0.0,
            background: 0.0,
            non_event: 0.0,
            room: 0.0,
            late_onset: 0.0,
            mix_style: 0.0,
            noise: 0.0,
            ..Self::default()
        }
    }

    /// Checks that every number makes sense.
    ///
    /// # Errors
    /// [`TrainingError::Spec`], naming the option.
    pub fn check(&self) -> Result<(), TrainingError> {
        let shares = [
            ("mixup", self.mixup),
            ("background-share", self.background),
            ("non-event-share", self.non_event),
            ("room", self.room),
            ("late-onset", self.late_onset),
            ("mix-style", self.mix_style),
            ("noise", self.noise),
        ];
        for (option, found) in shares {
            require((0.0..=1.0).contains(&found), option, found.into(), "between 0 and 1")?;
        }
        let decibels = [
            ("gain-low-db", self.gain_low_db),
            ("gain-high-db", self.gain_high_db),
            ("snr-low-db", self.snr_low_db),
            ("snr-high-db", self.snr_high_db),
        ];
        for (option, found) in decibels {
            require(found.abs() <= 120.0, option, found.into(), "between -120 and 120")?;
        }
        let (gain, snr) = (self.gain_high_db, self.snr_high_db);
        require(gain >= self.gain_low_db, "gain-high-db", gain.into(), "at least --gain-low-db")?;
        require(snr >= self.snr_low_db, "snr-high-db", snr.into(), "at least --snr-low-db")?;
        let equalise = self.equalise_db;
        require(
            (0.0..=60.0).contains(&equalise),
            "equalise-db",
            equalise.into(),
            "between 0 and 60",
        )?;
        let stretch = self.time_stretch;
        require((0.0..=0.5).contains(&stretch), "time-stretch", stretch.into(), "between 0 and 0.5")
    }
}
