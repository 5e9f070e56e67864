//! Recordings → log-mel frames, once, in parallel, through the live front end. Feeds the augmenter and the validation.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::TrainingError;
use crate::domain::Clip;
use crate::features::{FrontEnd, FrontEndSpec, Normaliser};
use crate::sources::load_clip;

/// A frame whose mean power is below this (−70 dBFS) does not sound. Many published clips are padded with zeros, and a
/// window of silence carries no label.
const SOUNDING_POWER: f32 = 1e-7;

/// The frames of one recording, before normalisation.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipFeatures {
    /// Its label; none for background.
    pub label: Option<usize>,
    /// Log-mel energies in dB, `[frames, mel_bands]`.
    pub log_mel: Vec<f32>,
    /// Whether each frame sounds, `[frames]`.
    pub sounding: Vec<bool>,
}

impl ClipFeatures {
    /// Runs the front end over a clip. One shorter than `window_samples` (at the model's rate) gets silence at its end.
    ///
    /// # Errors
    /// [`TrainingError::Features`] when the front end cannot be built for the clip's rate.
    pub fn new(
        clip: &Clip,
        label: Option<usize>,
        spec: &FrontEndSpec,
        window_samples: u64,
    ) -> Result<Self, TrainingError> {
        let mut features = Self { label, log_mel: Vec::new(), sounding: Vec::new() };
        let mut front_end = FrontEnd::new(spec, clip.sample_rate)?;
        let mut keep = |frame: crate::features::Frame<'_>| {
            features.log_mel.extend_from_slice(frame.log_mel);
            features.sounding.push(frame.mean_power >= SOUNDING_POWER);
        };
        front_end.push(&clip.samples, &mut keep);
        let needed = (window_samples * u64::from(clip.sample_rate.hz()))
            .div_ceil(u64::from(spec.sample_rate_hz.hz()));
        let missing = needed.saturating_sub(clip.samples.len() as u64);
        for _ in 0..missing {
            front_end.push(&[0.0], &mut keep);
        }
        front_end.flush(&mut keep);
        Ok(features)
    }

    /// How many frames there are.
    pub fn frames(&self) -> usize {
        self.sounding.len()
    }

    /// How many of the `frames` frames from `start` on sound.
    pub fn sounding_in(&self, start: usize, frames: usize) -> usize {
        self.sounding[start..start + frames].iter().filter(|sounding| **sounding).count()
    }

    /// Starts of the windows that carry the clip's label: half of their frames sound or, in a clip of which no window
    /// sounds that much, nearly as many as in its best.
    pub fn labelled_starts(&self, window_frames: usize) -> Vec<usize> {
        let last = self.frames().saturating_sub(window_frames);
        let counts: Vec<usize> =
            (0..=last).map(|start| self.sounding_in(start, window_frames)).collect();
        let most = counts.iter().copied().max().unwrap_or(0);
        let enough = (window_frames / 2).min(most * 4 / 5);
        (0..=last).filter(|&start| counts[start] >= enough).collect()
    }
}

/// Reads and transforms recordings, on all cores, in the order given.
///
/// # Errors
/// [`TrainingError::Clips`] with every recording that cannot be used.
pub fn extract_all(
    recordings: &[(PathBuf, Option<usize>)],
    spec: &FrontEndSpec,
    window_samples: u64,
    on_clip: &(dyn Fn() + Sync),
) -> Result<Vec<ClipFeatures>, TrainingError> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<Result<ClipFeatures, String>>>> =
        recordings.iter().map(|_| Mutex::new(None)).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    // Relaxed: the index alone is shared; each result has its own lock.
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some((path, label)) = recordings.get(index) else { break };
                    let result =
                        load_clip(path).map_err(|error| error.to_string()).and_then(|clip| {
                            ClipFeatures::new(&clip, *label, spec, window_samples)
                                .map_err(|error| error.to_string())
                        });
                    *results[index].lock().expect("invariant: no worker panics with the lock") =
                        Some(result);
                    on_clip();
                }
            });
        }
    });
    let mut features = Vec::with_capacity(recordings.len());
    let mut faults = Vec::new();
    for (slot, (path, _)) in results.into_iter().zip(recordings) {
        let result = slot.into_inner().expect("invariant: no worker panics with the lock");
        match result.expect("invariant: the workers took every index") {
            Ok(clip) => features.push(clip),
            Err(fault) => faults.push((path.clone(), fault)),
        }
    }
    if faults.is_empty() { Ok(features) } else { Err(TrainingError::Clips { clips: faults }) }
}

/// Sums from which a normaliser is made; only frames that sound count.
#[derive(Debug, Clone)]
pub struct NormaliserFit {
    sum: Vec<f64>,
    squares: Vec<f64>,
    frames: f64,
}

impl NormaliserFit {
    /// Nothing summed yet.
    pub fn new(mel_bands: usize) -> Self {
        Self { sum: vec![0.0; mel_bands], squares: vec![0.0; mel_bands], frames: 0.0 }
    }

    /// Adds the sounding frames of a clip.
    pub fn add(&mut self, clip: &ClipFeatures) {
        let frames = clip.log_mel.chunks_exact(self.sum.len());
        for (frame, _) in frames.zip(&clip.sounding).filter(|(_, sounding)| **sounding) {
            for ((sum, squares), &value) in self.sum.iter_mut().zip(&mut self.squares).zip(frame) {
                *sum += f64::from(value);
                *squares += f64::from(value) * f64::from(value);
            }
            self.frames += 1.0;
        }
    }

    /// Mean and deviation of each band; a band that never varies has deviation 1.
    pub fn normaliser(&self) -> Normaliser {
        let frames = self.frames.max(1.0);
        let mean: Vec<f64> = self.sum.iter().map(|sum| sum / frames).collect();
        let deviation = self.squares.iter().zip(&mean).map(|(squares, mean)| {
            let variance = squares / frames - mean * mean;
            if variance > 1e-6 { variance.sqrt() as f32 } else { 1.0 }
        });
        Normaliser {
            deviation: deviation.collect(),
            mean: mean.iter().map(|&mean| mean as f32).collect(),
        }
    }
}
