//! The training loop: batches of augmented windows, AdamW under a one-cycle rate, validation after every epoch.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use tch::nn::{ModuleT, OptimizerConfig, VarStore};
use tch::{Device, Reduction, Tensor, nn};

use super::augment::mix;
use super::{Augmenter, ClipFeatures, TrainingError, TrainingSpec};
use crate::domain::Scores;
use crate::features::{FrontEndSpec, Normaliser, WindowSpec};
use crate::model::{Network, NetworkSpec, write_weights};

/// Gradients longer than this are shortened to it; keeps the LSTM's first steps tame.
const GRADIENT_NORM: f64 = 5.0;

/// Windows scored at a time outside training.
const SCORING_BATCH: usize = 128;

/// One epoch's outcome.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochReport {
    /// Counts from 1.
    pub epoch: usize,
    /// Mean training loss per window.
    pub train_loss: f64,
    /// What validation gave, when it was due.
    pub validation: Option<Validation>,
}

/// How a network does on the validation clips.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Validation {
    /// Mean loss per window that carries a label.
    pub loss: f64,
    /// Share of validation clips whose best label is right.
    pub clip_accuracy: f64,
    /// Share of validation windows whose best label is right.
    pub window_accuracy: f64,
}

/// Scores of the windows of one clip, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowScores {
    /// The clip's label; none for background.
    pub label: Option<usize>,
    /// `[windows][labels]`, between 0 and 1.
    pub scores: Vec<Vec<f32>>,
    /// Whether each window carries the clip's label: enough of it sounds.
    pub labelled: Vec<bool>,
}

/// A network being trained, and what it is trained on.
pub struct Trainer {
    spec: TrainingSpec,
    window: WindowSpec,
    normaliser: Normaliser,
    floor_db: f32,
    labels: usize,
    variables: VarStore,
    network: Network,
    train: Vec<(ClipFeatures, Vec<usize>)>,
    background: Vec<ClipFeatures>,
    validation: Vec<ClipFeatures>,
}

/// The recordings of a training run, as features.
pub struct TrainingSet {
    /// Labelled clips to fit.
    pub train: Vec<ClipFeatures>,
    /// Clips to measure on.
    pub validation: Vec<ClipFeatures>,
    /// Recordings that hold none of the labels.
    pub background: Vec<ClipFeatures>,
}

/// What is built: everything of the bundle but weights and thresholds.
pub struct TrainingTarget<'a> {
    /// Samples → frames.
    pub front_end: &'a FrontEndSpec,
    /// Frames → windows.
    pub window: WindowSpec,
    /// The network and its sizes.
    pub network: &'a NetworkSpec,
    /// How many labels.
    pub labels: usize,
    /// Frames → what the network sees.
    pub normaliser: Normaliser,
}

impl Trainer {
    /// Makes a network with random weights.
    pub fn new(spec: TrainingSpec, target: &TrainingTarget<'_>, set: TrainingSet) -> Self {
        tch::manual_seed(i64::from_ne_bytes(spec.seed.to_ne_bytes()));
        let variables = VarStore::new(Device::Cpu);
        let network = Network::new(
            &variables.root(),
            target.network,
            target.front_end.mel_bands as i64,
            target.labels as i64,
            spec.dropout,
        );
        let window = target.window;
        let train = set.train.into_iter().map(|clip| {
            let starts = clip.labelled_starts(window.frames);
            (clip, starts)
        });
        Self {
            window,
            normaliser: target.normaliser.clone(),
            floor_db: 10.0 * target.front_end.log_floor.log10(),
            labels: target.labels,
            variables,
            network,
            train: train.collect(),
            background: set.background,
            validation: set.validation,
            spec,
        }
    }

    /// Trains for all epochs, reporting each one.
    ///
    /// # Errors
    /// [`TrainingError::Diverged`] when the loss is not a number; [`TrainingError::Network`] when libtorch fails.
    pub fn run(&mut self, on_epoch: &mut dyn FnMut(EpochReport)) -> Result<(), TrainingError> {
        let mut optimizer =
            nn::adamw(0.9, 0.999, self.spec.weight_decay).build(&self.variables, 1e-3)?;
        let mut random = StdRng::seed_from_u64(self.spec.seed);
        let steps_per_epoch = self.train.len().div_ceil(self.spec.batch);
        let steps = steps_per_epoch * self.spec.epochs;
        let mut order: Vec<usize> = (0..self.train.len()).collect();
        for epoch in 0..self.spec.epochs {
            order.shuffle(&mut random);
            let mut loss_sum = 0.0;
            for (step, batch) in order.chunks(self.spec.batch).enumerate() {
                let rate = self.spec.learning_rate_at(epoch * steps_per_epoch + step, steps);
                optimizer.set_lr(rate);
                let (windows, targets) = self.batch(batch, &mut random);
                let logits = self.network.forward_t(&windows, true); // [batch, labels]
                let loss = loss_of(&logits, &targets);
                let value = loss.double_value(&[]);
                if !value.is_finite() {
                    let (epoch, step) = (epoch + 1, step + 1);
                    return Err(TrainingError::Diverged { loss: value, epoch, step });
                }
                optimizer.backward_step_clip_norm(&loss, GRADIENT_NORM);
                loss_sum += value;
            }
            let due = (epoch + 1) % self.spec.validate_every == 0 || epoch + 1 == self.spec.epochs;
            on_epoch(EpochReport {
                epoch: epoch + 1,
                train_loss: loss_sum / steps_per_epoch as f64,
                validation: due.then(|| self.validate()),
            });
        }
        Ok(())
    }

    /// Augmented windows `[batch, frames, mel_bands]` and their targets `[batch, labels]`.
    fn batch(&self, clips: &[usize], random: &mut StdRng) -> (Tensor, Tensor) {
        let augmenter = Augmenter {
            spec: &self.spec,
            normaliser: &self.normaliser,
            window_frames: self.window.frames,
            floor_db: self.floor_db,
        };
        let mel_bands = self.normaliser.mean.len();
        let mut windows = Vec::with_capacity(clips.len() * self.window.frames * mel_bands);
        let mut targets = vec![0.0f32; clips.len() * self.labels];
        for (&clip, target) in clips.iter().zip(targets.chunks_exact_mut(self.labels)) {
            let silent =
                !self.background.is_empty() && random.random::<f32>() < self.spec.background;
            let mut window = if silent {
                augmenter.background(&self.background, random)
            } else {
                let (clip, starts) = &self.train[clip];
                let mut window = augmenter.window(clip, starts, random);
                let mut share = 1.0;
                let mixed = random.random::<f32>() < self.spec.mixup;
                if mixed {
                    let (other, starts) = &self.train[random.random_range(0..self.train.len())];
                    let addition = augmenter.window(other, starts, random);
                    share = mix(&mut window, &addition, random);
                    if let Some(label) = other.label {
                        target[label] += 1.0 - share;
                    }
                }
                if let Some(label) = clip.label {
                    target[label] += share;
                }
                window
            };
            augmenter.shift_and_mask(&mut window, random);
            windows.extend_from_slice(&window);
        }
        let shape = [clips.len() as i64, self.window.frames as i64, mel_bands as i64];
        (
            Tensor::from_slice(&windows).reshape(shape),
            Tensor::from_slice(&targets).reshape([clips.len() as i64, self.labels as i64]),
        )
    }

    /// Scores every window of some clips, `hop_frames` apart.
    pub fn score(&self, clips: &[ClipFeatures], hop_frames: usize) -> Vec<WindowScores> {
        let _guard = tch::no_grad_guard();
        clips
            .iter()
            .map(|clip| {
                let last = clip.frames().saturating_sub(self.window.frames);
                let starts: Vec<usize> = (0..=last).step_by(hop_frames).collect();
                let enough = clip.labelled_starts(self.window.frames);
                let labelled =
                    starts.iter().map(|start| enough.binary_search(start).is_ok()).collect();
                let scores = starts.chunks(SCORING_BATCH).flat_map(|starts| {
                    let windows = self.plain_windows(clip, starts);
                    let scores = self.network.forward_t(&windows, false).sigmoid();
                    Vec::<Vec<f32>>::try_from(scores)
                        .expect("invariant: scores are a matrix of f32")
                });
                WindowScores { label: clip.label, scores: scores.collect(), labelled }
            })
            .collect()
    }

    fn plain_windows(&self, clip: &ClipFeatures, starts: &[usize]) -> Tensor {
        let mel_bands = self.normaliser.mean.len();
        let values = self.window.frames * mel_bands;
        let mut windows = vec![0.0; starts.len() * values];
        for (window, start) in windows.chunks_exact_mut(values).zip(starts) {
            let frames = &clip.log_mel[start * mel_bands..start * mel_bands + values];
            for (out, frame) in
                window.chunks_exact_mut(mel_bands).zip(frames.chunks_exact(mel_bands))
            {
                self.normaliser.apply_into(frame, out);
            }
        }
        let shape = [starts.len() as i64, self.window.frames as i64, mel_bands as i64];
        Tensor::from_slice(&windows).reshape(shape) // [windows, frames, mel_bands]
    }

    fn validate(&self) -> Validation {
        // half a second apart: enough to follow the curve, a sixth of the work of the live hop
        let scored = self.score(&self.validation, self.window.hop_frames * 6);
        let (mut clips_right, mut windows, mut windows_right, mut loss) = (0, 0, 0, 0.0);
        for clip in &scored {
            let Some(label) = clip.label else { continue };
            clips_right += usize::from(best_of(clip.sum_labelled()) == Some(label));
            for (scores, _) in clip.scores.iter().zip(&clip.labelled).filter(|(_, it)| **it) {
                windows += 1;
                windows_right += usize::from(best_of(scores.clone()) == Some(label));
                loss += cross_entropy(scores, label);
            }
        }
        Validation {
            loss: loss / f64::from(windows.max(1)),
            clip_accuracy: clips_right as f64 / scored.len().max(1) as f64,
            window_accuracy: windows_right as f64 / f64::from(windows.max(1)),
        }
    }

    /// The bytes of `weights.safetensors`.
    ///
    /// # Errors
    /// [`TrainingError::Network`] when libtorch fails.
    pub fn weights(&self) -> Result<Vec<u8>, TrainingError> {
        Ok(write_weights(&self.variables.variables())?)
    }
}

impl WindowScores {
    /// Score of each label, summed over the windows that carry the clip's.
    fn sum_labelled(&self) -> Vec<f32> {
        let mut mean = vec![0.0; self.scores.first().map_or(0, Vec::len)];
        for (scores, _) in self.scores.iter().zip(&self.labelled).filter(|(_, it)| **it) {
            for (sum, score) in mean.iter_mut().zip(scores) {
                *sum += score;
            }
        }
        mean
    }
}

/// Binary cross-entropy, summed over labels, mean over windows: each label is its own question, so that a score means
/// the same whatever else sounds.
fn loss_of(logits: &Tensor, targets: &Tensor) -> Tensor {
    let batch = logits.size()[0] as f64;
    logits.binary_cross_entropy_with_logits::<Tensor>(targets, None, None, Reduction::Sum) / batch
}

fn cross_entropy(scores: &[f32], label: usize) -> f64 {
    scores
        .iter()
        .enumerate()
        .map(|(index, &score)| {
            let likelihood = if index == label { score } else { 1.0 - score };
            -f64::from(likelihood.max(1e-7)).ln()
        })
        .sum()
}

fn best_of(scores: Vec<f32>) -> Option<usize> {
    Scores(scores).best().map(|(label, _)| label)
}
