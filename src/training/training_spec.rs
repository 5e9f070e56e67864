//! Every number that training depends on, besides the front end and the network's sizes. Made by the options of
//! `tympan train`, read by the trainer.

use serde::{Deserialize, Serialize};

use super::error::require;
use super::{AugmentSpec, TrainingError};
use crate::model::Activation;
use crate::torch::Precision;

/// How to train.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingSpec {
    /// Passes over the training clips; each clip gives one random window a pass.
    pub epochs: usize,
    /// What is made small.
    pub loss: LossFunction,
    /// Windows a step.
    pub batch: usize,
    /// The learning rate, or its peak.
    pub learning_rate: f64,
    /// Share of the learning rate that weights have which began with given ones; 1: as the others.
    pub start_rate: f64,
    /// Share of each target that is the teacher's answer; counts where there is a teacher.
    pub teacher_share: f64,
    /// How the learning rate goes from step to step.
    pub schedule: RateSchedule,
    /// Decoupled weight decay of AdamW; biases and norms do not decay.
    pub weight_decay: f64,
    /// Gradients longer than this are shortened to it; keeps the LSTM's first steps tame.
    pub gradient_norm: f64,
    /// Share of features and outputs left out while training.
    pub dropout: f64,
    /// Share of each target that is spread over all labels.
    pub label_smoothing: f32,
    /// Whether classes with few clips are drawn as often as the others.
    pub balance: ClassBalance,
    /// Share of the averaged weights that a step keeps; 0 averages nothing.
    pub ema: f64,
    /// Epochs between two validations; the last epoch is always validated.
    pub validate_every: usize,
    /// Validation scores one of so many windows of the live hop: 1 is what `eval` measures, and takes longest.
    pub validation_stride: usize,
    /// Validations without a lower loss after which training ends; 0 never ends early.
    pub patience: usize,
    /// Which epoch's weights are kept.
    pub keep: KeptWeights,
    /// What convolutions are computed in while training.
    pub precision: Precision,
    /// Seed of everything random.
    pub seed: u64,
    /// What is done to windows before they are trained on.
    pub augment: AugmentSpec,
}

/// What training makes small, and so what turns the network's outputs into scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossFunction {
    /// Each label is its own question: sigmoid scores, which mean the same whatever else sounds.
    BinaryCrossEntropy,
    /// One label in place of the others: softmax scores. Background carries the label [`OTHER`], which takes what no label
    /// explains.
    CrossEntropy,
}

impl LossFunction {
    /// What turns outputs that were fitted to it into scores.
    pub fn activation(self) -> Activation {
        match self {
            Self::BinaryCrossEntropy => Activation::Sigmoid,
            Self::CrossEntropy => Activation::Softmax,
        }
    }
}

/// The label of background where labels stand in for each other.
pub const OTHER: &str = "other";

/// How the learning rate goes from the first step to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RateSchedule {
    /// A linear rise over the first tenth of the steps, then a half cosine down to nothing.
    OneCycle,
    /// A half cosine from the peak down to nothing.
    Cosine,
    /// The same at every step.
    Constant,
}

/// Which clips an epoch has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassBalance {
    /// Each clip once.
    AsFound,
    /// As many clips, classes in turn; clips of small classes come again, some of large ones wait for the next epoch.
    Equal,
}

/// Which epoch's weights are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptWeights {
    /// Those of the last epoch: validation chose nothing.
    Last,
    /// Those with the lowest validation loss: the loss of thousands of windows is steadier than the accuracy of some
    /// hundred clips. Figures on the validation clips are then a little too good.
    Best,
}

impl Default for TrainingSpec {
    /// What the shipped bundle is trained with.
    fn default() -> Self {
        Self {
            epochs: 250,
            loss: LossFunction::BinaryCrossEntropy,
            batch: 16,
            learning_rate: 2e-3,
            start_rate: 1.0,
            teacher_share: 0.5,
            schedule: RateSchedule::OneCycle,
            weight_decay: 0.02,
            gradient_norm: 5.0,
            dropout: 0.2,
            label_smoothing: 0.0,
            balance: ClassBalance::AsFound,
            ema: 0.998,
            validate_every: 5,
            validation_stride: 6,
            patience: 0,
            keep: KeptWeights::Last,
            precision: Precision::F32,
            seed: 1,
            augment: AugmentSpec::default(),
        }
    }
}

impl TrainingSpec {
    /// The learning rate of a step, from 0, of `steps`.
    ///
    /// # Source
    /// One cycle: L. N. Smith and N. Topin, "Super-Convergence" (2018), with a cosine for the second phase. Cosine:
    /// I. Loshchilov and F. Hutter, "SGDR" (2017), without restarts.
    pub fn learning_rate_at(&self, step: usize, steps: usize) -> f64 {
        let fall = |step: usize, steps: usize| {
            let progress = step as f64 / steps.max(1) as f64;
            self.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
        };
        match self.schedule {
            RateSchedule::Constant => self.learning_rate,
            RateSchedule::Cosine => fall(step, steps),
            RateSchedule::OneCycle => {
                let rise = (steps / 10).max(1);
                if step < rise {
                    self.learning_rate * (step + 1) as f64 / rise as f64
                } else {
                    fall(step - rise, steps.saturating_sub(rise))
                }
            }
        }
    }

    /// Checks that every number makes sense.
    ///
    /// # Errors
    /// [`TrainingError::Spec`], naming the option.
    pub fn check(&self) -> Result<(), TrainingError> {
        let whole = [
            ("epochs", self.epochs),
            ("batch", self.batch),
            ("validate-every", self.validate_every),
            ("validation-stride", self.validation_stride),
        ];
        for (option, found) in whole {
            require(found > 0, option, found as f64, "at least 1")?;
        }
        let positive =
            [("learning-rate", self.learning_rate), ("gradient-norm", self.gradient_norm)];
        for (option, found) in positive {
            require(found > 0.0 && found.is_finite(), option, found, "above 0")?;
        }
        let shares = [
            ("dropout", self.dropout),
            ("label-smoothing", f64::from(self.label_smoothing)),
            ("ema", self.ema),
        ];
        for (option, found) in shares {
            require((0.0..1.0).contains(&found), option, found, "at least 0 and below 1")?;
        }
        let rate = self.start_rate;
        require((0.0..=1.0).contains(&rate), "start-rate", rate, "between 0 and 1")?;
        let share = self.teacher_share;
        require((0.0..=1.0).contains(&share), "teacher-share", share, "between 0 and 1")?;
        let decay = self.weight_decay;
        require((0.0..=10.0).contains(&decay), "weight-decay", decay, "between 0 and 10")?;
        let largest = i64::MAX as u64;
        require(self.seed <= largest, "seed", self.seed as f64, "below 2^63")?;
        self.augment.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(schedule: RateSchedule) -> Vec<f64> {
        let spec = TrainingSpec { schedule, ..Default::default() };
        (0..1000).map(|step| spec.learning_rate_at(step, 1000)).collect()
    }

    #[test]
    fn one_cycle_rises_to_its_peak_and_ends_at_nothing() {
        let rates = rates(RateSchedule::OneCycle);
        let peak = rates.iter().copied().fold(0.0, f64::max);
        assert_eq!(peak, TrainingSpec::default().learning_rate);
        assert!(rates[0] < peak / 50.0 && rates[999] < peak / 1000.0);
    }

    #[test]
    fn cosine_only_falls_and_constant_stays() {
        let falling = rates(RateSchedule::Cosine);
        assert!(falling.windows(2).all(|pair| pair[1] < pair[0]) && falling[999] < 1e-7);
        assert!(rates(RateSchedule::Constant).iter().all(|rate| *rate == 2e-3));
    }

    #[test]
    fn numbers_without_sense_are_refused_by_the_option_s_name() {
        let refused = |spec: TrainingSpec, option: &str| {
            let error = spec.check().unwrap_err().to_string();
            assert!(error.contains(option), "{error}");
        };
        refused(TrainingSpec { epochs: 0, ..Default::default() }, "--epochs");
        refused(TrainingSpec { learning_rate: f64::NAN, ..Default::default() }, "--learning-rate");
        refused(TrainingSpec { ema: 1.0, ..Default::default() }, "--ema");
        let augment = AugmentSpec { mixup: 1.5, ..Default::default() };
        refused(TrainingSpec { augment, ..Default::default() }, "--mixup");
        assert!(TrainingSpec::default().check().is_ok());
    }
}
