//! A long recording with clips at known places in background noise. Built from recordings by whoever measures, scored by
//! `score_each_scene`; runs wherever it is called.

use std::borrow::Cow;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;
use serde::Serialize;

use super::background_track::{BackgroundTrack, power_of};
use super::sounding_part::SoundingPart;
use super::{SceneSpec, sounding_part};
use crate::domain::{Clip, SampleIndex, is_sound};
use crate::dsp::resample_clip;
use crate::evaluation::EvaluationError;

/// A clip to be placed.
#[derive(Debug, Clone, Copy)]
pub struct ScenePiece<'a> {
    /// The recording.
    pub clip: &'a Clip,
    /// Its label; none for what holds no class, such as speech.
    pub label: Option<usize>,
}

/// A sound that a scene contains, and where.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TrueEvent {
    /// Which label, as an index into the label set.
    pub label: usize,
    /// Where the sounding part of the clip begins; see [`sounding_part()`].
    pub start_sample: SampleIndex,
    /// One past its last sample.
    pub end_sample: SampleIndex,
    /// How far it stands above the background.
    pub snr_db: f32,
}

/// A recording and what is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// The samples; ten minutes at 16 kHz are 38 MB.
    pub clip: Clip,
    /// The events in order of time.
    pub events: Vec<TrueEvent>,
}

/// A clip at the scene's rate and where it goes.
struct Placed<'a> {
    clip: Cow<'a, Clip>,
    label: Option<usize>,
    sounding: SoundingPart,
    start: usize,
    snr_db: f32,
}

impl Scene {
    /// Places `pieces` one after the other, whole and in their order, with random pauses between and at random levels
    /// above a background that is laid of the recordings given. Silent pieces are left out.
    ///
    /// Nothing is limited to full scale: a loud clip in a loud background may go beyond.
    ///
    /// # Source
    /// The ratio is that of Scaper (Salamon et al., "Scaper: a library for soundscape synthesis and augmentation",
    /// WASPAA 2017): the level of the event over the nominal level of the background. Here both are powers: of the clip's
    /// blocks that sound, and of the background piece that plays where the event begins.
    ///
    /// # Errors
    /// [`EvaluationError::Range`], [`EvaluationError::NoBackground`], or [`EvaluationError::Resampler`] for a rate that
    /// cannot be brought to the scene's.
    pub fn build(
        spec: &SceneSpec,
        pieces: &[ScenePiece<'_>],
        background: &[Clip],
    ) -> Result<Self, EvaluationError> {
        spec.check()?;
        let mut random = ChaCha12Rng::seed_from_u64(spec.seed);
        let rate = spec.sample_rate;
        let mut end = 0;
        let pause = |random: &mut ChaCha12Rng| {
            let seconds = random.random_range(spec.pause_s.clone());
            (f64::from(seconds.max(0.0)) * f64::from(rate.hz())) as usize
        };
        let mut placed = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let clip = resample_clip(piece.clip, rate)?;
            let Some(sounding) = sounding_part(&clip) else { continue };
            let start = end + pause(&mut random);
            let snr_db = random.random_range(spec.snr_db.clone());
            end = start + clip.samples.len();
            placed.push(Placed { clip, label: piece.label, sounding, start, snr_db });
        }
        let at_least = usize::try_from(rate.samples_in(spec.at_least)).unwrap_or(usize::MAX);
        let samples = (end + pause(&mut random)).max(at_least);
        let mut track = BackgroundTrack::mix(spec, samples, background, &mut random)?;
        let events = placed.iter().filter_map(|placed| placed.mix_into(&mut track)).collect();
        Ok(Self { clip: Clip { sample_rate: rate, samples: track.samples }, events })
    }
}

impl Placed<'_> {
    /// Adds the clip to the background; gives the event it makes, if it has a label.
    fn mix_into(&self, track: &mut BackgroundTrack) -> Option<TrueEvent> {
        let (start, end) = (self.start + self.sounding.start, self.start + self.sounding.end);
        let power = track.power_at(start) * power_of(self.snr_db);
        let gain = (power / self.sounding.mean_power).sqrt() as f32;
        // a clip that is cut off would click; its sounding part may reach to its edges, so only a trifle is faded
        let fade = (self.clip.sample_rate.hz() / 200) as usize;
        let samples = &self.clip.samples;
        for (index, (mixed, sample)) in
            track.samples[self.start..].iter_mut().zip(samples).enumerate()
        {
            let from_edge = (index + 1).min(samples.len() - index);
            let faded = (from_edge as f32 / fade as f32).min(1.0);
            *mixed += gain * faded * if is_sound(*sample) { *sample } else { 0.0 };
        }
        Some(TrueEvent {
            label: self.label?,
            start_sample: SampleIndex(start as u64),
            end_sample: SampleIndex(end as u64),
            snr_db: self.snr_db,
        })
    }
}

/// Deals `clips` clips, by index, into scenes of about `per_scene` clips each, in a random order, so that clips of one
/// class do not all come in one scene. With five-second clips and the usual pauses, 65 make ten minutes.
pub fn scene_groups(clips: usize, per_scene: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..clips).collect();
    order.shuffle(&mut ChaCha12Rng::seed_from_u64(seed));
    let scenes = clips.div_ceil(per_scene.max(1)).max(1);
    // as equally long as can be, rather than a short one at the end
    order.chunks(clips.div_ceil(scenes).max(1)).map(<[usize]>::to_vec).collect()
}
