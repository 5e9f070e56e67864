//! How the network does on clips as they are: the same windows, the same rule of which carry the label, and the same means
//! as the evaluation of a finished bundle. Called by the trainer between epochs.

use tch::nn::ModuleT;
use tch::{Kind, Tensor};

use super::{ClipFeatures, LossFunction, TrainingError, Validation};
use crate::domain::Scores;
use crate::features::Normaliser;

/// Windows scored at a time. Always as many, but for the last: libtorch keeps a plan for each size it has seen.
const SCORING_BATCH: usize = 64;

/// The windows of clips, and what scores them.
pub struct Measurement<'a, N> {
    /// The network.
    pub network: &'a N,
    /// What its outputs were fitted to.
    pub loss: LossFunction,
    /// Brings bands to zero mean and unit deviation.
    pub normaliser: &'a Normaliser,
    /// Frames of a window.
    pub window_frames: usize,
    /// Frames from one window to the next.
    pub hop_frames: usize,
}

impl<N: ModuleT> Measurement<'_, N> {
    /// Scores the windows of labelled clips that carry the label, and counts.
    ///
    /// # Errors
    /// [`TrainingError::Torch`] when libtorch fails.
    pub fn measure(&self, clips: &[&ClipFeatures]) -> Result<Validation, TrainingError> {
        let windows = self.labelled_windows(clips);
        let mut sums: Vec<Vec<f32>> = vec![Vec::new(); clips.len()];
        let (mut right, mut loss) = (0usize, 0.0);
        for chunk in windows.chunks(SCORING_BATCH) {
            for (scores, &(clip, _)) in self.scores(clips, chunk)?.into_iter().zip(chunk) {
                let Some(label) = clips[clip].label else { continue };
                loss += self.loss_of(&scores, label);
                add(&mut sums[clip], &scores);
                right += usize::from(best_of(scores) == Some(label));
            }
        }
        let clips_right = sums.into_iter().zip(clips);
        let clips_right = clips_right.filter(|(sum, clip)| best_of(sum.clone()) == clip.label);
        Ok(Validation {
            loss: loss / windows.len().max(1) as f64,
            clip_accuracy: clips_right.count() as f64 / clips.len().max(1) as f64,
            window_accuracy: right as f64 / windows.len().max(1) as f64,
        })
    }

    /// Clip and start of every window that carries its clip's label.
    fn labelled_windows(&self, clips: &[&ClipFeatures]) -> Vec<(usize, usize)> {
        let windows = clips.iter().enumerate().flat_map(|(index, clip)| {
            let windows = clip.windows(self.window_frames, self.hop_frames).into_iter();
            windows.filter(|(_, labelled)| *labelled).map(move |(start, _)| (index, start))
        });
        windows.collect()
    }

    /// Scores between 0 and 1, `[windows][labels]`.
    fn scores(
        &self,
        clips: &[&ClipFeatures],
        windows: &[(usize, usize)],
    ) -> Result<Vec<Vec<f32>>, TrainingError> {
        let _guard = tch::no_grad_guard();
        let mel_bands = self.normaliser.mean.len();
        let values = self.window_frames * mel_bands;
        let mut batch = vec![0.0; windows.len() * values];
        for (window, &(clip, start)) in batch.chunks_exact_mut(values).zip(windows) {
            let from = start * mel_bands;
            let frames = clips[clip].log_mel[from..from + values].chunks_exact(mel_bands);
            for (out, frame) in window.chunks_exact_mut(mel_bands).zip(frames) {
                self.normaliser.apply_into(frame, out);
            }
        }
        let shape = [windows.len() as i64, self.window_frames as i64, mel_bands as i64];
        let batch = Tensor::f_from_slice(&batch)?.f_reshape(shape)?; // [windows, frames, mel_bands]
        let logits = self.network.forward_t(&batch, false); // [windows, labels]
        let scores = match self.loss {
            LossFunction::BinaryCrossEntropy => logits.f_sigmoid()?,
            LossFunction::CrossEntropy => logits.f_softmax(-1, Kind::Float)?,
        };
        Ok(Vec::<Vec<f32>>::try_from(scores)?)
    }

    /// The loss of one window.
    fn loss_of(&self, scores: &[f32], label: usize) -> f64 {
        let of = |likelihood: f32| -f64::from(likelihood.max(1e-7)).ln();
        match self.loss {
            LossFunction::CrossEntropy => of(scores[label]),
            LossFunction::BinaryCrossEntropy => {
                let scores = scores.iter().enumerate();
                scores.map(|(index, &it)| of(if index == label { it } else { 1.0 - it })).sum()
            }
        }
    }
}

fn add(sum: &mut Vec<f32>, scores: &[f32]) {
    sum.resize(scores.len(), 0.0);
    sum.iter_mut().zip(scores).for_each(|(sum, score)| *sum += score);
}

fn best_of(scores: Vec<f32>) -> Option<usize> {
    Scores { values: scores, ..Scores::default() }.best().map(|(label, _)| label)
}
