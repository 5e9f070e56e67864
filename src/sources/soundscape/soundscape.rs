//! The demo's timetable and reader: a quiet room in which one sound follows another, over and over.
//!
//! Fed by the voices beside it, rendered once when it is made; read by the thread `tympan-source`.

use std::f32::consts::PI;
use std::time::Duration;

use super::church_bells::ChurchBells;
use super::clock::{ClockAlarm, ClockTick};
use super::rain::Rain;
use super::siren::Siren;
use super::voice::{OnePole, Voice, passage};
use crate::domain::{Clip, SampleIndex, SampleRate};
use crate::dsp::SplitMix64;
use crate::sources::{Repeat, SampleReader, SourceError};

/// What most sound cards run at; no model does, so that the demo exercises the resampler too.
const RATE_HZ: u32 = 48_000;

/// Seconds of quiet at the beginning and after each voice, and of each voice.
const LEAD_SECONDS: u64 = 3;
const VOICE_SECONDS: u64 = 6;
const PAUSE_SECONDS: u64 = 3;

/// Level of the empty room: −65 dBFS.
const ROOM_RMS: f32 = 5.6e-4;

/// The room's noise is duller than white.
const ROOM_CUTOFF_HZ: f32 = 2_000.0;

/// When something sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passage {
    /// The class of ESC-50.
    pub label: &'static str,
    /// Its first sample, in the first round.
    pub start: SampleIndex,
    /// One past its last sample.
    pub end: SampleIndex,
}

/// A deterministic soundscape of five voices with pauses between: the same seed gives the same samples.
pub struct Soundscape {
    rate: SampleRate,
    repeat: Repeat,
    passages: Vec<Passage>,
    sounds: Vec<Vec<f32>>,
    round_samples: u64,
    position: u64,
    room: Room,
}

/// The noise of a quiet room.
struct Room {
    noise: SplitMix64,
    filter: OnePole,
    gain: f32,
}

impl Room {
    fn new(seed: u64) -> Self {
        // White noise of variance ⅓ through a one-pole of weight w has variance ⅓·w/(2−w).
        let weight = 1.0 - (-2.0 * PI * ROOM_CUTOFF_HZ / RATE_HZ as f32).exp();
        let gain = ROOM_RMS / (weight / (2.0 - weight) / 3.0).sqrt();
        let filter = OnePole::new(ROOM_CUTOFF_HZ, RATE_HZ as f32);
        Self { noise: SplitMix64::new(seed), filter, gain }
    }

    fn next(&mut self) -> f32 {
        self.gain * self.filter.low(self.noise.noise())
    }
}

impl Soundscape {
    /// The seed of the demo that `tympan` plays: the same sound whenever and wherever it runs.
    pub const DEMO_SEED: u64 = 1;

    /// Renders the voices; endless.
    pub fn new(seed: u64) -> Self {
        Self::with_repeat(seed, Repeat::Forever)
    }

    /// Renders the voices; one round or endless.
    pub fn with_repeat(seed: u64, repeat: Repeat) -> Self {
        let rate = SampleRate::new(RATE_HZ).expect("invariant: 48 kHz is a rate that audio has");
        let second = u64::from(RATE_HZ);
        let voices: [&dyn Voice; 5] = [&Siren, &ChurchBells, &ClockAlarm, &ClockTick, &Rain];
        let mut passages = Vec::new();
        let mut sounds = Vec::new();
        let mut cursor = LEAD_SECONDS * second;
        for (index, voice) in voices.into_iter().enumerate() {
            let samples = VOICE_SECONDS * second;
            // A stream of its own for each voice: tuning one leaves the others as they are.
            let mut prng = SplitMix64::new(seed.wrapping_add(1 + index as u64).rotate_left(32));
            let start = SampleIndex(cursor);
            passages.push(Passage { label: voice.label(), start, end: start + samples });
            sounds.push(passage(voice, RATE_HZ as f32, samples as usize, &mut prng));
            cursor += samples + PAUSE_SECONDS * second;
        }
        let room = Room::new(seed);
        Self { rate, repeat, passages, sounds, round_samples: cursor, position: 0, room }
    }

    /// The demo's empty room, without a voice.
    pub fn empty_room(seed: u64, length: Duration) -> Clip {
        let sample_rate =
            SampleRate::new(RATE_HZ).expect("invariant: 48 kHz is a rate that audio has");
        let mut room = Room::new(seed);
        let samples = (0..sample_rate.samples_in(length)).map(|_| room.next()).collect();
        Clip { sample_rate, samples }
    }

    /// What sounds when, in the first round; round `k` is [`Self::round_samples`] × `k` later.
    pub fn timetable(&self) -> &[Passage] {
        &self.passages
    }

    /// Samples of one round.
    pub fn round_samples(&self) -> u64 {
        self.round_samples
    }

    /// What sounds at `position` of a round, without the room.
    fn voice_at(&self, position: u64) -> f32 {
        self.passages
            .iter()
            .zip(&self.sounds)
            .find(|(passage, _)| (passage.start.0..passage.end.0).contains(&position))
            .map_or(0.0, |(passage, sound)| sound[(position - passage.start.0) as usize])
    }
}

impl SampleReader for Soundscape {
    fn name(&self) -> &str {
        "demo"
    }

    fn sample_rate(&self) -> SampleRate {
        self.rate
    }

    fn read(&mut self, block: &mut [f32]) -> Result<usize, SourceError> {
        let left = match self.repeat {
            Repeat::Forever => u64::MAX,
            Repeat::Once => self.round_samples.saturating_sub(self.position),
        };
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        for sample in &mut block[..count] {
            *sample = self.room.next() + self.voice_at(self.position % self.round_samples);
            self.position += 1;
        }
        Ok(count)
    }
}
