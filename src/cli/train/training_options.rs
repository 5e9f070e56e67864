//! The options of `tympan train` that say how a network is fitted. Read into the training's numbers.

use std::fmt::Display;

use clap::Args;
use serde::Serialize;
use serde::de::{DeserializeOwned, value};

use crate::torch::Precision;
use crate::training::{
    AugmentSpec, ClassBalance, KeptWeights, LossFunction, RateSchedule, TrainingSpec,
};

/// How a network is fitted.
#[derive(Debug, Clone, Default, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Training")]
pub struct TrainingOptions {
    #[arg(long, help = with_default("Passes over the training clips", spec().epochs))]
    epochs: Option<usize>,
    /// What is made small: binary-cross-entropy (the default; each label on its own) or cross-entropy (one label in place of
    /// the others; background becomes the label "other")
    #[arg(long, value_parser = by_name::<LossFunction>)]
    loss: Option<LossFunction>,
    #[arg(long, help = with_default("Windows a step", spec().batch))]
    batch: Option<usize>,
    #[arg(long, help = with_default("Learning rate, or its peak", spec().learning_rate))]
    learning_rate: Option<f64>,
    /// How the learning rate goes on: one-cycle (the default), cosine or constant
    #[arg(long, value_parser = by_name::<RateSchedule>)]
    schedule: Option<RateSchedule>,
    #[arg(long, help = with_default("Weight decay of AdamW", spec().weight_decay))]
    weight_decay: Option<f64>,
    #[arg(long, help = with_default("Share of the learning rate for weights that --start gave; 0 keeps them", spec().start_rate))]
    start_rate: Option<f64>,
    #[arg(long, help = with_default("Share of each target that is the answer of --teacher", spec().teacher_share))]
    teacher_share: Option<f64>,
    #[arg(long, help = with_default("Longest gradient; a longer one is shortened", spec().gradient_norm))]
    gradient_norm: Option<f64>,
    #[arg(long, help = with_default("Share of features left out while training", spec().dropout))]
    dropout: Option<f64>,
    #[arg(long, value_name = "SHARE",
          help = with_default("Share of each target spread over all labels", spec().label_smoothing))]
    label_smoothing: Option<f64>,
    /// Draw clips of every class equally often
    #[arg(long)]
    balance: bool,
    #[arg(long, value_name = "DECAY",
          help = with_default("Keep weights averaged over the steps, such as 0.999", spec().ema))]
    ema: Option<f64>,
    #[arg(long, value_name = "EPOCHS", help = with_default("Epochs between validations", "a fiftieth of them"))]
    validate_every: Option<usize>,
    #[arg(long, value_name = "WINDOWS", hide_short_help = true,
          help = with_default("Validate on one of so many windows", spec().validation_stride))]
    validation_stride: Option<usize>,
    #[arg(long, value_name = "VALIDATIONS",
          help = with_default("End after so many validations without a lower loss; 0 never does", spec().patience))]
    patience: Option<usize>,
    /// Which epoch's weights are kept: last (the default), or best, which has the lowest validation loss
    #[arg(long, value_parser = by_name::<KeptWeights>)]
    keep: Option<KeptWeights>,
    /// What convolutions are computed in while training: f32 (the default), or bf16, which is faster where the processor
    /// has it
    #[arg(long, value_parser = by_name::<Precision>)]
    precision: Option<Precision>,
    #[arg(long, help = with_default("Seed of everything random", spec().seed))]
    seed: Option<u64>,
}

/// How training windows are changed.
#[derive(Debug, Clone, Default, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Augmentation")]
pub struct AugmentOptions {
    #[arg(long, value_name = "SHARE", hide_short_help = true,
          help = with_default("Share of windows that another is mixed into", augment().mixup))]
    mixup: Option<f64>,
    #[arg(long, value_name = "SHARE", hide_short_help = true,
          help = with_default("Share of windows that are background alone", augment().background))]
    background_share: Option<f64>,
    #[arg(long, value_name = "SHARE", hide_short_help = true,
          help = with_default("Share of windows that are sound of a label that is no event", augment().non_event))]
    non_event_share: Option<f64>,
    #[arg(long, value_name = "SHARE", hide_short_help = true,
          help = with_default("Share of clips that sound as in a room, where there are --responses", augment().room))]
    room: Option<f64>,
    #[arg(long, value_name = "SHARE", hide_short_help = true,
          help = with_default("Share of windows of which only the last part sounds", augment().late_onset))]
    late_onset: Option<f64>,
    #[arg(long, value_name = "SHARE", hide_short_help = true,
          help = with_default("Share of windows that take on the mean and deviation of another's bands", augment().mix_style))]
    mix_style: Option<f64>,
    #[arg(long, value_name = "SHARE", hide_short_help = true,
          help = with_default("Share of windows that background is added to", augment().noise))]
    noise: Option<f64>,
    #[arg(long, value_name = "DB", allow_negative_numbers = true, hide_short_help = true,
          help = with_default("Least level of a sound above the added background", augment().snr_low_db))]
    snr_low_db: Option<f64>,
    #[arg(long, value_name = "DB", allow_negative_numbers = true, hide_short_help = true,
          help = with_default("Most level of a sound above the added background", augment().snr_high_db))]
    snr_high_db: Option<f64>,
    #[arg(long, value_name = "DB", allow_negative_numbers = true, hide_short_help = true,
          help = with_default("Least gain", augment().gain_low_db))]
    gain_low_db: Option<f64>,
    #[arg(long, value_name = "DB", allow_negative_numbers = true, hide_short_help = true,
          help = with_default("Most gain", augment().gain_high_db))]
    gain_high_db: Option<f64>,
    #[arg(long, value_name = "DB", hide_short_help = true,
          help = with_default("Gain that differs from band to band, at most", augment().equalise_db))]
    equalise_db: Option<f64>,
    #[arg(long, value_name = "BANDS", hide_short_help = true,
          help = with_default("Shift along the mel bands, at most", augment().band_shift))]
    band_shift: Option<usize>,
    #[arg(long, hide_short_help = true,
          help = with_default("Masks of bands, and of frames", augment().masks))]
    masks: Option<usize>,
    #[arg(long, value_name = "BANDS", hide_short_help = true,
          help = with_default("Widest mask of bands", augment().mask_bands))]
    mask_bands: Option<usize>,
    #[arg(long, value_name = "FRAMES", hide_short_help = true,
          help = with_default("Widest mask of frames", augment().mask_frames))]
    mask_frames: Option<usize>,
    #[arg(long, value_name = "FRAMES", hide_short_help = true,
          help = with_default("Shift in time of clips no longer than a window, at most", augment().time_shift))]
    time_shift: Option<usize>,
    #[arg(long, value_name = "SHARE", hide_short_help = true,
          help = with_default("Stretch or squeeze in time, at most", augment().time_stretch))]
    time_stretch: Option<f64>,
}

/// Validations of a run, about: as many points as a curve needs.
const VALIDATIONS: usize = 50;

fn spec() -> TrainingSpec {
    TrainingSpec::default()
}

fn augment() -> AugmentSpec {
    AugmentSpec::default()
}

fn set<T>(number: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *number = given;
    }
}

fn set_f32(number: &mut f32, given: Option<f64>) {
    set(number, given.map(|given| given as f32));
}

impl TrainingOptions {
    /// Whether convolutions are to be computed in bfloat16.
    pub fn wants_bf16(&self) -> bool {
        self.precision == Some(Precision::Bf16)
    }

    /// The training's numbers: those given, and the defaults of the others.
    pub fn spec(&self, augment: &AugmentOptions) -> TrainingSpec {
        let mut spec = TrainingSpec { augment: augment.spec(), ..spec() };
        set(&mut spec.epochs, self.epochs);
        set(&mut spec.loss, self.loss);
        set(&mut spec.batch, self.batch);
        set(&mut spec.learning_rate, self.learning_rate);
        set(&mut spec.schedule, self.schedule);
        set(&mut spec.weight_decay, self.weight_decay);
        set(&mut spec.start_rate, self.start_rate);
        set(&mut spec.teacher_share, self.teacher_share);
        set(&mut spec.gradient_norm, self.gradient_norm);
        set(&mut spec.dropout, self.dropout);
        set_f32(&mut spec.label_smoothing, self.label_smoothing);
        set(&mut spec.balance, self.balance.then_some(ClassBalance::Equal));
        set(&mut spec.ema, self.ema);
        let every = spec.epochs.div_ceil(VALIDATIONS).max(1);
        spec.validate_every = self.validate_every.unwrap_or(every);
        set(&mut spec.validation_stride, self.validation_stride);
        set(&mut spec.patience, self.patience);
        set(&mut spec.keep, self.keep);
        set(&mut spec.precision, self.precision);
        set(&mut spec.seed, self.seed);
        spec
    }
}

impl AugmentOptions {
    fn spec(&self) -> AugmentSpec {
        let mut spec = augment();
        set_f32(&mut spec.mixup, self.mixup);
        set_f32(&mut spec.background, self.background_share);
        set_f32(&mut spec.non_event, self.non_event_share);
        set_f32(&mut spec.room, self.room);
        set_f32(&mut spec.late_onset, self.late_onset);
        set_f32(&mut spec.mix_style, self.mix_style);
        set_f32(&mut spec.noise, self.noise);
        set_f32(&mut spec.snr_low_db, self.snr_low_db);
        set_f32(&mut spec.snr_high_db, self.snr_high_db);
        set_f32(&mut spec.gain_low_db, self.gain_low_db);
        set_f32(&mut spec.gain_high_db, self.gain_high_db);
        set_f32(&mut spec.equalise_db, self.equalise_db);
        set(&mut spec.band_shift, self.band_shift);
        set(&mut spec.masks, self.masks);
        set(&mut spec.mask_bands, self.mask_bands);
        set(&mut spec.mask_frames, self.mask_frames);
        set(&mut spec.time_shift, self.time_shift);
        set_f32(&mut spec.time_stretch, self.time_stretch);
        spec
    }
}

/// A value by the name that manifests give it; the error lists the names there are.
pub fn by_name<T: DeserializeOwned>(name: &str) -> Result<T, String> {
    let deserializer = value::StrDeserializer::<value::Error>::new(name);
    T::deserialize(deserializer).map_err(|error| error.to_string())
}

/// Help with the default.
pub fn with_default(text: &str, default: impl Display) -> String {
    format!("{text} [default: {default}]")
}
