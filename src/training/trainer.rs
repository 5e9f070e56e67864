//! A network being fitted: one step, one validation, one checkpoint at a time. Driven by the training run.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use tch::nn::{ModuleT, VarStore};
use tch::{Device, Kind, Reduction, Tensor};

use super::adamw::AdamW;
use super::adamw::FlatWeights;
use super::random::{Purpose, seed_of};
use super::validation::Measurement;
use super::{
    Batch, Batches, Checkpoint, CheckpointHead, ClipFeatures, EpochReport, KeptWeights,
    LossFunction, SetFingerprint, StartWeights, TrainingError, TrainingSet, TrainingSpec,
    TrainingState, Validation, teacher::Teacher,
};
use crate::features::{FrontEndSpec, Normaliser, WindowSpec};
use crate::model::{Bundle, NetworkSpec};
use crate::torch::{Network, NetworkMode, weights_of, with_random_seed};

/// Training clips that are measured as they are, beside the validation clips: enough to see overfitting.
const PLAIN_CLIPS: usize = 200;

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
    /// The label that background has, if any.
    pub background_label: Option<usize>,
    /// Weights to begin with, where their names and shapes are those of the network; the others are random.
    pub start: Option<&'a StartWeights>,
    /// A bundle of the same labels, front end and window, whose answers are learnt beside the labels.
    pub teacher: Option<&'a Bundle>,
}

/// A network being trained, and what it is trained on.
pub struct Trainer {
    pub(super) spec: TrainingSpec,
    pub(super) state: TrainingState,
    pub(super) batches: Arc<Batches>,
    hop_frames: usize,
    variables: VarStore,
    network: Network,
    flat: FlatWeights,
    optimiser: AdamW,
    teacher: Option<Teacher>,
    /// Weights and statistics averaged over the steps, when that is asked for.
    average: Option<Tensor>,
    /// The best epoch's weights and statistics, when those are kept.
    best: Option<Tensor>,
    validation: Vec<ClipFeatures>,
    fingerprint: SetFingerprint,
}

impl Trainer {
    /// Makes a network with random weights.
    ///
    /// # Errors
    /// [`TrainingError`] when the numbers make no sense, there is nothing to train or to measure on, or libtorch fails.
    pub fn new(
        spec: TrainingSpec,
        target: &TrainingTarget<'_>,
        set: TrainingSet,
    ) -> Result<Self, TrainingError> {
        spec.check()?;
        for (what, clips) in [("training", &set.train), ("validation", &set.validation)] {
            if clips.is_empty() {
                return Err(TrainingError::NoClips { what });
            }
        }
        let fingerprint = SetFingerprint::new(&set);
        let variables = VarStore::new(Device::Cpu);
        let (bands, labels) = (target.front_end.mel_bands as i64, target.labels as i64);
        let network = with_random_seed(spec.seed, || {
            let mode = NetworkMode::Training { dropout: spec.dropout };
            Network::new(&variables.root(), target.network, bands, labels, mode)
        })
        .with_precision(spec.precision);
        let started = match target.start {
            Some(start) => start.fill(&variables.variables())?,
            None => HashSet::new(),
        };
        let flat = FlatWeights::new(&variables);
        let window_frames = target.window.frames;
        let with_starts = |clips: Vec<ClipFeatures>| -> Vec<(ClipFeatures, Vec<usize>)> {
            let clips = clips.into_iter().map(|clip| {
                let starts = clip.labelled_starts(window_frames);
                (clip, starts)
            });
            clips.collect()
        };
        let batches = Batches {
            spec: spec.clone(),
            window_frames,
            label_count: target.labels,
            normaliser: target.normaliser.clone(),
            floor_db: 10.0 * target.front_end.log_floor.log10(),
            clips: with_starts(set.train),
            reverberant: with_starts(set.reverberant),
            non_events: set.non_events.into_iter().map(with_starts).collect(),
            background: set.background,
            background_label: target.background_label,
        };
        Ok(Self {
            teacher: target.teacher.map(Teacher::new).transpose()?,
            optimiser: AdamW::new(&flat, &started, spec.start_rate)?,
            average: if spec.ema > 0.0 { Some(flat.read()?) } else { None },
            best: None,
            state: TrainingState::default(),
            batches: Arc::new(batches),
            hop_frames: target.window.hop_frames,
            validation: set.validation,
            spec,
            variables,
            network,
            flat,
            fingerprint,
        })
    }

    /// How far the run has come.
    pub fn state(&self) -> &TrainingState {
        &self.state
    }

    /// Steps of the whole run.
    pub fn steps(&self) -> usize {
        self.batches.steps_per_epoch() * self.spec.epochs
    }

    /// Epochs of the whole run, if it does not end early.
    pub fn epochs(&self) -> usize {
        self.spec.epochs
    }

    /// Fits the network to one batch; gives the rate it took.
    pub(super) fn step(&mut self, batch: &Batch) -> Result<f64, TrainingError> {
        let (rate, count) = (self.rate(), batch.labels.len() as i64);
        let (frames, bands) = (self.batches.window_frames, self.batches.normaliser.mean.len());
        let shape = [count, frames as i64, bands as i64];
        let windows = Tensor::f_from_slice(&batch.windows)?.f_reshape(shape)?;
        let mut targets = Tensor::f_from_slice(&batch.targets)?.f_reshape([count, -1])?;
        if let Some(teacher) = &self.teacher {
            targets = targets.f_lerp(&teacher.scores(&windows)?, self.spec.teacher_share)?;
        }
        let seed = seed_of(self.spec.seed, Purpose::Dropout, self.state.step);
        let logits = with_random_seed(seed, || self.network.forward_t(&windows, true)); // [batch, labels]
        let loss = loss_of(self.spec.loss, &logits, &targets)?;
        let value = loss.f_double_value(&[])?;
        if !value.is_finite() {
            return Err(self.diverged("the loss", value, rate));
        }
        let gradients = Tensor::f_run_backward(&[loss], self.flat.fitted(), false, false)?;
        let decay = self.spec.weight_decay;
        let longest = self.spec.gradient_norm;
        let step = self.state.step + 1;
        let length = self.optimiser.step(&gradients, step, rate, decay, longest)?;
        if !length.is_finite() {
            return Err(self.diverged("the gradient's length", length, rate));
        }
        self.flat.write(&self.optimiser.weights)?;
        self.average_weights()?;
        let answers = Vec::<i64>::try_from(logits.f_argmax(-1, false)?)?;
        let sums = &mut self.state.sums;
        sums.steps += 1;
        sums.loss += value;
        sums.windows += batch.labels.iter().filter(|label| **label >= 0).count();
        sums.right += answers.iter().zip(&batch.labels).filter(|(a, b)| a == b).count();
        self.state.step += 1;
        Ok(rate)
    }

    /// The learning rate of the coming step.
    pub(super) fn rate(&self) -> f64 {
        self.spec.learning_rate_at(self.state.step, self.steps())
    }

    fn diverged(&self, what: &'static str, found: f64, rate: f64) -> TrainingError {
        let steps = self.batches.steps_per_epoch();
        let (epoch, step) = (self.state.step / steps + 1, self.state.step % steps + 1);
        TrainingError::Diverged { what, found, epoch, step, rate, kept: String::new() }
    }

    /// Moves the average by one step. Early on it follows faster: the first weights are worth nothing.
    fn average_weights(&mut self) -> Result<(), TrainingError> {
        let Some(average) = &mut self.average else { return Ok(()) };
        let step = self.state.step as f64;
        let kept = self.spec.ema.min((1.0 + step) / (10.0 + step));
        let _guard = tch::no_grad_guard();
        let _ = average.f_lerp_(&self.flat.read()?, 1.0 - kept)?;
        Ok(())
    }

    /// Whether all epochs are done, or validation no longer gets better.
    pub fn has_ended(&self) -> bool {
        let is_stale = self.spec.patience > 0 && self.state.stale >= self.spec.patience;
        is_stale || self.state.epochs.len() == self.spec.epochs
    }

    /// Ends an epoch that took `seconds` so far: validates if that is due.
    pub(super) fn end_epoch(
        &mut self,
        learning_rate: f64,
        seconds: f64,
    ) -> Result<EpochReport, TrainingError> {
        let epoch = self.state.epochs.len() + 1;
        let sums = std::mem::take(&mut self.state.sums);
        let due = epoch.is_multiple_of(self.spec.validate_every) || epoch == self.spec.epochs;
        let began = std::time::Instant::now();
        let measured = if due { Some(self.measured(|trainer| trainer.measure())?) } else { None };
        let validation = measured.map(|(validation, _)| validation);
        let report = EpochReport {
            epoch,
            learning_rate,
            train_loss: sums.mean_loss(),
            train_accuracy: sums.accuracy(),
            seconds: sums.seconds + seconds + began.elapsed().as_secs_f64(),
            plain: measured.map(|(_, plain)| plain),
            validation,
        };
        self.state.epochs.push(report);
        if let Some(validation) = validation {
            let is_best = self.state.note_validation(epoch, validation.loss);
            if is_best && self.spec.keep == KeptWeights::Best {
                self.best = Some(self.measured_weights()?);
            }
        }
        Ok(report)
    }

    /// Validation clips, and a fixed sample of the training clips.
    fn measure(&self) -> Result<(Validation, Validation), TrainingError> {
        let measurement = Measurement {
            network: &self.network,
            loss: self.spec.loss,
            normaliser: &self.batches.normaliser,
            window_frames: self.batches.window_frames,
            hop_frames: self.hop_frames * self.spec.validation_stride,
        };
        let clips = &self.batches.clips;
        let sample = clips.iter().step_by(clips.len().div_ceil(PLAIN_CLIPS));
        let plain: Vec<&ClipFeatures> = sample.map(|(clip, _)| clip).collect();
        let validation: Vec<&ClipFeatures> = self.validation.iter().collect();
        Ok((measurement.measure(&validation)?, measurement.measure(&plain)?))
    }

    /// The weights that are measured: the averaged ones, if there are any.
    fn measured_weights(&self) -> Result<Tensor, TrainingError> {
        match &self.average {
            Some(average) => Ok(average.copy()),
            None => self.flat.read(),
        }
    }

    /// Calls `measure` with the measured weights in the network; puts the fitted ones back.
    fn measured<T>(
        &self,
        measure: impl FnOnce(&Self) -> Result<T, TrainingError>,
    ) -> Result<T, TrainingError> {
        self.with_weights(self.average.as_ref(), measure)
    }

    fn with_weights<T>(
        &self,
        weights: Option<&Tensor>,
        use_them: impl FnOnce(&Self) -> Result<T, TrainingError>,
    ) -> Result<T, TrainingError> {
        let Some(weights) = weights else { return use_them(self) };
        let fitted = self.flat.read()?;
        self.flat.write(weights)?;
        let result = use_them(self);
        self.flat.write(&fitted)?;
        result
    }

    /// The epoch whose weights are kept.
    pub fn kept_epoch(&self) -> usize {
        let best = self.state.best_epoch.filter(|_| self.spec.keep == KeptWeights::Best);
        best.unwrap_or(self.state.epochs.len())
    }

    /// The bytes of `weights.safetensors`: the best epoch's or the last's, averaged if that was asked for.
    ///
    /// # Errors
    /// [`TrainingError::Torch`] when libtorch fails.
    pub fn weights(&self) -> Result<Vec<u8>, TrainingError> {
        self.with_weights(self.best.as_ref().or(self.average.as_ref()), |trainer| {
            Ok(weights_of(&trainer.variables.variables())?.to_bytes()?)
        })
    }

    /// Everything that the run needs to go on.
    ///
    /// # Errors
    /// [`TrainingError::Torch`] when libtorch fails.
    pub fn checkpoint(&self) -> Result<Checkpoint, TrainingError> {
        let rows = [
            ("weights", Some(self.flat.read()?)),
            ("gradient_mean", Some(self.optimiser.first.copy())),
            ("gradient_square", Some(self.optimiser.second.copy())),
            ("average", self.average.as_ref().map(Tensor::copy)),
            ("best", self.best.as_ref().map(Tensor::copy)),
        ];
        let rows = rows.into_iter().filter_map(|(name, row)| Some((name.to_owned(), row?)));
        Ok(Checkpoint { head: self.head(), tensors: rows.collect() })
    }

    fn head(&self) -> CheckpointHead {
        CheckpointHead {
            tympan_version: env!("CARGO_PKG_VERSION").to_owned(),
            state: self.state.clone(),
            spec: self.spec.clone(),
            set: self.fingerprint.clone(),
        }
    }

    /// Goes on where a checkpoint was made.
    ///
    /// # Errors
    /// [`TrainingError::OtherRun`] when it is of another run, [`TrainingError::BadCheckpoint`] when its tensors do not
    /// fit.
    pub fn restore(&mut self, checkpoint: &Checkpoint, path: &Path) -> Result<(), TrainingError> {
        let head = &checkpoint.head;
        let other = |difference| TrainingError::OtherRun { path: path.to_owned(), difference };
        if let Some(difference) = self.fingerprint.difference(&head.set) {
            return Err(other(difference));
        }
        if head.spec != self.spec {
            let version = &head.tympan_version;
            return Err(other(format!("it trains otherwise (it was begun by tympan {version})")));
        }
        let (fitted, all) = self.flat.lengths;
        let weights = checkpoint.row("weights", all, path)?;
        self.optimiser.weights = weights.f_narrow(0, 0, fitted)?.copy();
        self.optimiser.first = checkpoint.row("gradient_mean", fitted, path)?;
        self.optimiser.second = checkpoint.row("gradient_square", fitted, path)?;
        self.flat.write(&weights)?;
        if self.average.is_some() {
            self.average = Some(checkpoint.row("average", all, path)?);
        }
        if checkpoint.tensors.contains_key("best") {
            self.best = Some(checkpoint.row("best", all, path)?);
        }
        self.state = head.state.clone();
        Ok(())
    }
}

/// Summed over labels, mean over windows.
fn loss_of(loss: LossFunction, logits: &Tensor, targets: &Tensor) -> Result<Tensor, TrainingError> {
    let batch = logits.size()[0] as f64;
    let sum = match loss {
        LossFunction::BinaryCrossEntropy => logits.f_binary_cross_entropy_with_logits::<Tensor>(
            targets,
            None,
            None,
            Reduction::Sum,
        )?,
        // a window that holds no label asks for nothing
        LossFunction::CrossEntropy => {
            logits.f_log_softmax(-1, Kind::Float)?.f_mul(targets)?.f_sum(Kind::Float)?.f_neg()?
        }
    };
    Ok(sum / batch)
}
