//! Training learns what can be learnt, from the windows that hold it, the same each time, and loses nothing.

mod augmentation;
mod batches;
mod feature_store;
mod runs;
mod weights;

use std::f32::consts::PI;
use std::process::Command;
use std::sync::atomic::AtomicBool;

use tympan::domain::{Clip, SampleRate};
use tympan::features::{FrontEndSpec, WindowSpec};
use tympan::model::{ConvBlockSpec, CrnnSpec, NetworkSpec, TimePooling};
use tympan::training::{
    AugmentSpec, ClipFeatures, EpochReport, NormaliserFit, RunOutcome, Trainer, TrainingError,
    TrainingFiles, TrainingSet, TrainingSpec, TrainingTarget, Watch,
};

pub const WINDOW: WindowSpec = WindowSpec { frames: 14, hop_frames: 2 };
pub const BANDS: usize = 8;

pub fn front_end() -> FrontEndSpec {
    FrontEndSpec { mel_bands: BANDS, ..FrontEndSpec::standard().unwrap() }
}

fn network() -> NetworkSpec {
    let block = |channels, time_pool, band_pool| ConvBlockSpec { channels, time_pool, band_pool };
    NetworkSpec::Crnn(CrnnSpec {
        projection: 6,
        lstm_hidden: 5,
        pooling: TimePooling::Mean,
        blocks: vec![block(3, 2, 2), block(4, 1, 2)],
    })
}

/// Half a second of a tone with as much silence after it.
pub fn tone(hz: f32) -> Clip {
    let tone = (0..8_000).map(|i| 0.3 * (2.0 * PI * hz * i as f32 / 16_000.0).sin());
    let samples = tone.chain(std::iter::repeat_n(0.0, 8_000)).collect();
    Clip { sample_rate: SampleRate::new(16_000).unwrap(), samples }
}

/// A low or a high tone, a little different each time.
pub fn clip(label: usize, take: usize) -> ClipFeatures {
    let hz = [300.0, 2_500.0][label] * (1.0 + take as f32 / 50.0);
    let spec = front_end();
    ClipFeatures::new(&tone(hz), Some(label), &spec, spec.samples_of(WINDOW.frames)).unwrap()
}

pub fn clips(takes: std::ops::Range<usize>) -> Vec<ClipFeatures> {
    takes.flat_map(|take| [clip(0, take), clip(1, take)]).collect()
}

fn set() -> TrainingSet {
    TrainingSet {
        train: clips(0..8),
        reverberant: Vec::new(),
        non_events: Vec::new(),
        validation: clips(8..12),
        background: Vec::new(),
    }
}

/// Windows are too small here for the masks and shifts of real ones.
pub fn spec() -> TrainingSpec {
    TrainingSpec {
        epochs: 6,
        batch: 4,
        learning_rate: 1e-2,
        validate_every: 2,
        validation_stride: 1,
        ema: 0.0,
        augment: AugmentSpec { masks: 0, band_shift: 0, ..Default::default() },
        ..Default::default()
    }
}

pub fn trainer_of(spec: TrainingSpec, set: TrainingSet) -> Result<Trainer, TrainingError> {
    // networks this small only wait for further threads, for ever on a busy machine
    tch::set_num_threads(1);
    let mut fit = NormaliserFit::new(BANDS);
    set.train.iter().for_each(|clip| fit.add(clip));
    let (front_end, network) = (front_end(), network());
    let target = TrainingTarget {
        front_end: &front_end,
        window: WINDOW,
        network: &network,
        labels: 2,
        normaliser: fit.normaliser(),
        background_label: None,
        start: None,
        teacher: None,
    };
    Trainer::new(spec, &target, set)
}

pub fn trainer(spec: TrainingSpec) -> Trainer {
    trainer_of(spec, set()).unwrap()
}

/// Runs until the end, or until so many steps are done.
pub fn run(
    trainer: &mut Trainer,
    files: Option<&TrainingFiles>,
    stop_at: Option<usize>,
) -> Result<RunOutcome, TrainingError> {
    let stop = AtomicBool::new(false);
    trainer.run(
        files,
        &mut Watch {
            stop: &stop,
            on_step: &mut |report| {
                if Some(report.step) == stop_at {
                    // Relaxed: the flag guards no other memory.
                    stop.store(true, std::sync::atomic::Ordering::Relaxed);
                }
            },
            on_epoch: &mut |_: &EpochReport| {},
        },
    )
}

/// Runs `body` in a process of its own: libtorch has one source of random numbers, and tests beside would draw from it.
pub fn alone(body: impl FnOnce()) {
    let this = std::thread::current();
    match this.name() {
        Some(name) if name != "main" && std::env::var_os("TYMPAN_TEST_ALONE").is_none() => {
            let program = std::env::current_exe().unwrap();
            let output = Command::new(program)
                .args(["--exact", name, "--nocapture"])
                .env("TYMPAN_TEST_ALONE", "1")
                .output()
                .unwrap();
            let printed = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{printed}");
            assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
        }
        _ => body(),
    }
}

#[test]
fn two_tones_are_distinguished() {
    let mut trainer = trainer(TrainingSpec {
        epochs: 40,
        augment: AugmentSpec { mixup: 0.0, ..spec().augment },
        ..spec()
    });
    assert_eq!(run(&mut trainer, None, None).unwrap(), RunOutcome::Finished);
    let reports = &trainer.state().epochs;
    let last = reports.last().unwrap();
    assert_eq!((reports.len(), last.epoch), (40, 40));
    assert_eq!(last.validation.unwrap().clip_accuracy, 1.0, "{last:?}");
    assert_eq!(last.plain.unwrap().clip_accuracy, 1.0, "{last:?}");
    assert!(last.train_accuracy > 0.9, "{last:?}");
    assert!(last.train_loss < reports[0].train_loss * 0.7, "{reports:?}");
}

#[test]
fn windows_of_the_silence_after_a_sound_are_not_trained_on() {
    let clip = clip(0, 0);
    let starts = clip.labelled_starts(WINDOW.frames);
    assert!(starts.contains(&0));
    let sounding = clip.powers.iter().filter(|power| **power > 1e-7).count();
    let last = *starts.last().unwrap();
    assert!(last < sounding, "window {last} of {sounding} sounding frames");
    // a tenth of the power of a full window, as the evaluation has it
    let share = |start| clip.power_of(start, WINDOW.frames) / clip.power_of(0, WINDOW.frames);
    assert!(share(last) >= 0.09 && share(last + 1) < 0.11, "{} {}", share(last), share(last + 1));
}

#[test]
fn a_short_clip_is_padded_to_one_window() {
    let spec = front_end();
    let clip = Clip { sample_rate: SampleRate::new(8_000).unwrap(), samples: vec![0.5; 1] };
    let features =
        ClipFeatures::new(&clip, Some(0), &spec, spec.samples_of(WINDOW.frames)).unwrap();
    assert_eq!(features.frames(), WINDOW.frames);
}

#[test]
fn nothing_to_measure_on_is_reported() {
    let set = TrainingSet { validation: Vec::new(), ..set() };
    let error = trainer_of(spec(), set).err().unwrap().to_string();
    assert!(error.contains("validation"), "{error}");
}
