//! Columns of the model's own spectrogram, for clients that show it: taken from the windows that were scored, so that what is
//! seen is what the model heard. Used by the classify stage, when somebody asks.

use std::sync::Arc;

use crate::domain::{MelRecord, MelWindow, SampleIndex};
use crate::dsp::MelScale;
use crate::features::{FeaturiserSpec, FrameValues, LogScale};

/// How far from a band's mean a column reaches, in deviations: what training rarely saw beyond.
const SPAN_DEVIATIONS: f32 = 3.0;

/// Makes columns of one model's windows.
pub(super) struct MelColumns {
    spec: FeaturiserSpec,
    scale: Arc<str>,
    /// From the front end's logarithm to dB.
    to_db: f32,
    low_db: f32,
    high_db: f32,
}

impl MelColumns {
    /// For windows of `spec`; none where a window holds samples, for a model that takes the waveform.
    pub(super) fn new(spec: &FeaturiserSpec) -> Option<Self> {
        if spec.front_end.values != FrameValues::LogMel {
            return None;
        }
        let scale = match spec.front_end.mel_scale {
            MelScale::Slaney => "slaney",
            MelScale::Htk | MelScale::Kaldi => "htk",
        };
        let to_db = match spec.front_end.log_scale {
            LogScale::Decibel => 1.0,
            LogScale::NaturalOffset => 10.0 / std::f32::consts::LN_10,
        };
        let bounds = |sign: f32| {
            let bands = spec.normaliser.mean.iter().zip(&spec.normaliser.deviation);
            bands.map(move |(mean, deviation)| to_db * (mean + sign * SPAN_DEVIATIONS * deviation))
        };
        Some(Self {
            scale: scale.into(),
            low_db: bounds(-1.0).fold(f32::INFINITY, f32::min),
            high_db: bounds(1.0).fold(f32::NEG_INFINITY, f32::max),
            spec: spec.clone(),
            to_db,
        })
    }

    /// The column of what is new in `window`: the mean of the last hop's frames.
    pub(super) fn column(&self, window: &MelWindow, source: Arc<str>) -> MelRecord {
        let FeaturiserSpec { front_end, normaliser, window: shape } = &self.spec;
        let (bands, hop) = (front_end.mel_bands, shape.hop_frames.min(shape.frames));
        let newest = &window.values[(shape.frames - hop) * bands..];
        let value = |band: usize| {
            let sum: f32 = newest.iter().skip(band).step_by(bands).sum();
            let mean = sum / hop as f32;
            let db = self.to_db * (normaliser.mean[band] + normaliser.deviation[band] * mean);
            // saturates, which is what a picture wants
            (255.0 * (db - self.low_db) / (self.high_db - self.low_db)).round() as u8
        };
        let samples = window.end_sample.since(window.start_sample);
        let in_hop = (hop * front_end.frame_hop_samples) as u64;
        let new = samples * in_hop / front_end.samples_of(shape.frames);
        MelRecord {
            time: window.time,
            source,
            start_sample: SampleIndex(window.end_sample.0.saturating_sub(new)),
            end_sample: window.end_sample,
            low_hz: front_end.mel_low_hz as f32,
            high_hz: front_end.mel_high_hz as f32,
            scale: Arc::clone(&self.scale),
            low_db: self.low_db,
            high_db: self.high_db,
            column: (0..bands).map(value).collect(),
        }
    }
}
