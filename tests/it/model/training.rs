//! Training learns what can be learnt, from the windows that hold it.

use std::f32::consts::PI;

use tympan::domain::{Clip, SampleRate};
use tympan::features::{FrontEndSpec, WindowSpec};
use tympan::training::{
    ClipFeatures, EpochReport, NormaliserFit, Trainer, TrainingSet, TrainingSpec, TrainingTarget,
};

use super::small_network;

const WINDOW: WindowSpec = WindowSpec { frames: 14, hop_frames: 2 };

fn front_end() -> FrontEndSpec {
    FrontEndSpec { mel_bands: 8, ..FrontEndSpec::standard().unwrap() }
}

/// Half a second of a low or a high tone, a little different each time, with silence after it.
fn clip(label: usize, take: usize) -> ClipFeatures {
    let hz = [300.0, 2_500.0][label] * (1.0 + take as f32 / 50.0);
    let tone = (0..8_000).map(|i| 0.3 * (2.0 * PI * hz * i as f32 / 16_000.0).sin());
    let samples = tone.chain(std::iter::repeat_n(0.0, 8_000)).collect();
    let clip = Clip { sample_rate: SampleRate::new(16_000).unwrap(), samples };
    let spec = front_end();
    ClipFeatures::new(&clip, Some(label), &spec, spec.samples_of(WINDOW.frames)).unwrap()
}

#[test]
fn two_tones_are_told_apart() {
    let clips = |takes: std::ops::Range<usize>| -> Vec<ClipFeatures> {
        takes.flat_map(|take| [clip(0, take), clip(1, take)]).collect()
    };
    let set = TrainingSet { train: clips(0..8), validation: clips(8..12), background: Vec::new() };
    let mut fit = NormaliserFit::new(8);
    set.train.iter().for_each(|clip| fit.add(clip));
    let front_end = front_end();
    let network = small_network();
    let target = TrainingTarget {
        front_end: &front_end,
        window: WINDOW,
        network: &network,
        labels: 2,
        normaliser: fit.normaliser(),
    };
    // the windows are too small for the masks and shifts of real ones
    let spec = TrainingSpec {
        epochs: 40,
        batch: 4,
        learning_rate: 1e-2,
        masks: 0,
        band_shift: 0,
        mixup: 0.0,
        ..Default::default()
    };
    let mut trainer = Trainer::new(spec, &target, set);
    let mut reports: Vec<EpochReport> = Vec::new();
    trainer.run(&mut |report| reports.push(report)).unwrap();
    let last = reports.last().unwrap();
    assert_eq!((reports.len(), last.epoch), (40, 40));
    assert_eq!(last.validation.unwrap().clip_accuracy, 1.0, "{last:?}");
    assert!(last.train_loss < reports[0].train_loss * 0.7, "{reports:?}");
}

#[test]
fn windows_of_the_silence_after_a_sound_are_not_trained_on() {
    let clip = clip(0, 0);
    let starts = clip.labelled_starts(WINDOW.frames);
    assert!(starts.contains(&0));
    let sounding = clip.sounding.iter().filter(|sounds| **sounds).count();
    let last = *starts.last().unwrap();
    assert!(clip.sounding_in(last, WINDOW.frames) * 2 >= WINDOW.frames, "{starts:?}");
    assert!(last < sounding, "window {last} of {sounding} sounding frames");
}

#[test]
fn a_short_clip_is_padded_to_one_window() {
    let spec = front_end();
    let clip = Clip { sample_rate: SampleRate::new(8_000).unwrap(), samples: vec![0.5; 1] };
    let features =
        ClipFeatures::new(&clip, Some(0), &spec, spec.samples_of(WINDOW.frames)).unwrap();
    assert_eq!(features.frames(), WINDOW.frames);
}
