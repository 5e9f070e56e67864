//! `train` as its users meet it: what it writes, what it refuses, what it says of itself. On tones made up on the spot.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use tympan::model::Bundle;

use super::{failure, output_of, says, success, write_wav};

/// A dataset of tones in two folds laid out as ESC-50 is, and a place for bundles.
pub struct Tones {
    folder: TempDir,
}

impl Tones {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        tones(&folder.path().join("data"));
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The arguments that train a network small enough for a test on fold 1, measured on fold 2.
    pub fn arguments(&self, out: &str, more: &[&str]) -> Vec<String> {
        let folds = ["--folds", "1", "--validation-folds", "2"];
        self.small(out, &[&folds, more].concat())
    }

    /// Without a split.
    pub fn small(&self, out: &str, more: &[&str]) -> Vec<String> {
        let (data, out) = (self.path("data"), self.path(out));
        let begin = ["train", "--data", data.to_str().unwrap(), "--out", out.to_str().unwrap()];
        let network = ["--channels", "4,4", "--hidden", "4", "--projection", "6", "--threads", "1"];
        let strings = begin.iter().chain(&network).chain(more);
        strings.map(|argument| (*argument).to_owned()).collect()
    }
}

pub fn as_strs(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

pub fn weights(bundle: &Path) -> Vec<u8> {
    std::fs::read(bundle.join("weights.safetensors")).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_bundle_and_another_another() {
    let tones = Tones::new();
    let train = |seed: &str, out: &str| {
        success(&as_strs(&tones.arguments(out, &["--epochs", "2", "--seed", seed])));
        weights(&tones.path(out))
    };
    let first = train("1", "first");
    assert!(first == train("1", "again"), "the same seed gave other weights");
    assert!(first != train("2", "other"), "another seed gave the same weights");
}

#[test]
fn a_bundle_comes_with_its_log_its_card_and_the_command_that_makes_it_again() {
    let tones = Tones::new();
    let more =
        ["--epochs", "3", "--validate-every", "2", "--licence", "CC BY 4.0", "--keep", "best"];
    success(&as_strs(&tones.arguments("bundle", &more)));
    let out = tones.path("bundle");
    let log = std::fs::read_to_string(out.join("training.csv")).unwrap();
    assert_eq!(log.lines().count(), 4, "{log}");
    says(&log, &["epoch,learning_rate,train_loss", "train_plain_loss"]);
    let provenance = Bundle::load(&out).unwrap().manifest.provenance;
    assert_eq!((provenance.train_folds, provenance.validation_folds), (vec![1], vec![2]));
    assert!(!provenance.leaky && provenance.chosen_epoch.is_some());
    let parts =
        ["--data DATA", "--epochs 3", "--channels 4,4", "--folds 1", "--licence 'CC BY 4.0'"];
    says(&provenance.command, &parts);
    assert!(!provenance.command.contains("--batch"), "{}", provenance.command);
    let card = std::fs::read_to_string(out.join("README.md")).unwrap();
    says(&card, &["lowest loss on the measured clips", &provenance.command]);
    // nothing of an unfinished run is left
    let mut left: Vec<String> = std::fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["README.md", "model.toml", "training.csv", "weights.safetensors"]);
}

#[test]
fn what_cannot_be_trained_on_is_reported_before_anything_is_written() {
    let tones = Tones::new();
    let refused = |more: &[&str], code: i32| failure(&as_strs(&tones.small("out", more)), code);
    says(&refused(&["--folds", "1,2", "--validation-folds", "2"], 2), &["fold 2"]);
    says(&refused(&["--folds", "7", "--validation-folds", "2"], 2), &["fold 7", "1, 2"]);
    let split = ["--folds", "1", "--validation-folds", "2"];
    let with = |more: &[&'static str]| -> Vec<&str> { [&split, more].concat() };
    says(&refused(&with(&["--licences", "CC0,CC-BT"]), 2), &["CC-BT", "CC0"]);
    says(&refused(&with(&["--epochs", "0"]), 2), &["--epochs is 0"]);
    says(&refused(&with(&["--mixup", "2"]), 2), &["--mixup is 2", "between 0 and 1"]);
    says(&refused(&with(&["--network", "gru"]), 2), &["gru", "crnn"]);
    says(&refused(&with(&["--network", "conv1d"]), 2), &["--hidden", "conv1d"]);
    says(&refused(&["--split", "half"], 2), &["random:0.2"]);
    says(&refused(&with(&["--background", "/nowhere"]), 2), &["/nowhere"]);
    let below_a_file = "data/meta/esc50.csv/bundle";
    let there = tones.arguments(below_a_file, &[]);
    says(&failure(&as_strs(&there), 2), &["cannot be written", "esc50.csv/bundle"]);
    assert!(!tones.path("out").exists());
}

#[test]
fn recordings_that_cannot_be_used_are_listed_and_left_out_only_on_request() {
    let tones = Tones::new();
    std::fs::write(tones.path("data/audio/1-0-A-0.wav"), b"invalid").unwrap();
    std::fs::remove_file(tones.path("data/audio/1-1-A-0.wav")).unwrap();
    let refused = failure(&as_strs(&tones.arguments("out", &["--epochs", "1"])), 3);
    says(&refused, &["2 of the 12 recordings", "1-0-A-0.wav", "1-1-A-0.wav"]);
    assert!(!tones.path("out").exists());
    let output = output_of(&as_strs(&tones.arguments("out", &["--epochs", "1", "--skip-faulty"])));
    assert!(output.status.success());
    says(&String::from_utf8_lossy(&output.stderr), &["1-0-A-0.wav", "1-1-A-0.wav", "left out"]);
    let manifest = Bundle::load(&tones.path("out")).unwrap().manifest;
    assert_eq!(manifest.provenance.train_clips, 4);
    // the last of a class
    std::fs::write(tones.path("data/audio/1-2-A-0.wav"), b"invalid").unwrap();
    let refused = failure(&as_strs(&tones.arguments("less", &["--skip-faulty"])), 3);
    says(&refused, &["training", "low"]);
}

#[test]
fn what_is_done_to_recordings_is_reported_in_words() {
    let tones = Tones::new();
    let more = ["--epochs", "1", "--normalise", "peak", "--trim", "-40"];
    success(&as_strs(&tones.arguments("out", &more)));
    let card = std::fs::read_to_string(tones.path("out").join("README.md")).unwrap();
    says(
        &card,
        &["each recording was brought to a peak of -1 dBFS, then rid of what lies below -40 dBFS"],
    );
}

#[test]
fn a_split_that_leaks_says_so_wherever_its_bundle_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = String::from("path,label,group\n");
    for take in 0..8 {
        for (label, hz) in [("low", 250.0), ("high", 3_000.0)] {
            let name = format!("{label}{take}.wav");
            let samples: Vec<i16> = (0..40_000)
                .map(|i| {
                    (9_000.0 * (std::f32::consts::TAU * hz * i as f32 / 16_000.0).sin()) as i16
                })
                .collect();
            write_wav(&folder.path().join(&name), 16_000, 1, &samples);
            // two takes are of one recording
            table += &format!("{name},{label},{label}{}\n", take / 2);
        }
    }
    std::fs::write(folder.path().join("clips.csv"), table).unwrap();
    let (data, out) = (folder.path().join("clips.csv"), folder.path().join("out"));
    let train = |more: &[&str]| {
        let begin = ["train", "--data", data.to_str().unwrap(), "--out", out.to_str().unwrap()];
        let small = ["--network", "conv1d", "--channels", "4,4", "--epochs", "1", "--threads", "1"];
        let output = output_of(&[&begin[..], &small, more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    says(&train(&["--split", "random:0.25", "--allow-leaky-split"]), &["LEAKY"]);
    let provenance = Bundle::load(&out).unwrap().manifest.provenance;
    assert!(provenance.leaky && provenance.command.contains("--allow-leaky-split"));
    says(&std::fs::read_to_string(out.join("README.md")).unwrap(), &["**LEAKY**"]);
    let honest = train(&["--split", "random:0.25", "--overwrite"]);
    assert!(!honest.contains("LEAKY"), "{honest}");
    assert!(!Bundle::load(&out).unwrap().manifest.provenance.leaky);
}

#[test]
fn k_fold_trains_once_a_fold_and_reports_mean_and_deviation() {
    let tones = Tones::new();
    let printed = success(&as_strs(&tones.small("out", &["--k-fold", "--epochs", "2"])));
    says(&printed, &["fold", "mean", "deviation", "%"]);
    let out = tones.path("out");
    let json: Value =
        serde_json::from_slice(&std::fs::read(out.join("folds.json")).unwrap()).unwrap();
    let folds = json["folds"].as_array().unwrap();
    assert_eq!(folds.len(), 2);
    let mean: f64 =
        folds.iter().map(|fold| fold["clip_accuracy"].as_f64().unwrap()).sum::<f64>() / 2.0;
    assert!((json["clip_accuracy"]["mean"].as_f64().unwrap() - mean).abs() < 1e-9);
    assert_eq!(std::fs::read_to_string(out.join("folds.csv")).unwrap().lines().count(), 3);
    for (folder, fold) in [("fold1", 1), ("fold2", 2)] {
        let provenance = Bundle::load(&out.join(folder)).unwrap().manifest.provenance;
        assert_eq!(provenance.validation_folds, [fold]);
    }
}

#[test]
fn kept_features_give_the_same_weights() {
    let tones = Tones::new();
    let kept = tones.path("features");
    let more = ["--epochs", "1", "--features", kept.to_str().unwrap()];
    success(&as_strs(&tones.arguments("first", &more)));
    assert_eq!(std::fs::read_dir(&kept).unwrap().count(), 12);
    success(&as_strs(&tones.arguments("again", &more)));
    success(&as_strs(&tones.arguments("without", &["--epochs", "1"])));
    let first = weights(&tones.path("first"));
    assert!(first == weights(&tones.path("again")) && first == weights(&tones.path("without")));
}

/// Two classes of tones in two folds, laid out as ESC-50 is.
pub fn tones(folder: &Path) {
    std::fs::create_dir(folder.join("meta")).unwrap();
    std::fs::create_dir(folder.join("audio")).unwrap();
    let mut table = String::from("filename,fold,target,category,esc10,src_file,take,license\n");
    for fold in 1..=2 {
        for take in 0..3 {
            for (target, category, hz) in [(0, "low", 250.0), (1, "high", 3_000.0)] {
                let name = format!("{fold}-{take}-A-{target}.wav");
                let samples: Vec<i16> = (0..40_000)
                    .map(|i| {
                        (9_000.0 * (std::f32::consts::TAU * hz * i as f32 / 16_000.0).sin()) as i16
                    })
                    .collect();
                write_wav(&folder.join("audio").join(&name), 16_000, 1, &samples);
                table += &format!("{name},{fold},{target},{category},False,{take},A,CC0\n");
            }
        }
    }
    std::fs::write(folder.join("meta/esc50.csv"), table).unwrap();
}

#[test]
fn a_bundle_is_trained_measured_and_used() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    tones(&data);
    let (data, out) = (data.to_str().unwrap(), folder.path().join("bundle"));
    let out = out.to_str().unwrap();
    let train = ["train", "--data", data, "--out", out, "--folds", "1", "--validation-folds", "2"];
    success(&[&train[..], &["--epochs", "25", "--licences", "CC0", "--licence", "CC0"]].concat());
    let report: Value =
        serde_json::from_str(&success(&["eval", "--model", out, "--data", data, "--json"]))
            .unwrap();
    says(report["measured_on"].as_str().unwrap(), &["held out", "validation on 2"]);
    assert_eq!(report["trained_on"], false);
    assert_eq!(report["clips"], 6);
    assert_eq!(report["clip_accuracy"], 1.0, "{report}");
    says(
        &success(&["eval", "--model", out, "--data", data, "--folds", "1"]),
        &["TRAINED ON", "low"],
    );
    let clip = format!("{data}/audio/2-0-A-1.wav");
    says(&success(&["classify", "--model", out, &clip]), &["high"]);
    says(&failure(&["eval", "--data", data], 2), &["esc50 does not know low, high"]);
}

#[test]
fn a_finished_bundle_is_replaced_only_when_asked() {
    let tones = Tones::new();
    let (once, again) = (["--epochs", "1", "--seed", "1"], ["--epochs", "1", "--seed", "2"]);
    success(&as_strs(&tones.arguments("bundle", &once)));
    let before = weights(&tones.path("bundle"));
    let text = failure(&as_strs(&tones.arguments("bundle", &again)), 2);
    says(&text, &["model.toml is there already", "--overwrite"]);
    assert!(before == weights(&tones.path("bundle")), "the bundle was touched");
    let overwrite = [&again[..], &["--overwrite"]].concat();
    success(&as_strs(&tones.arguments("bundle", &overwrite)));
    assert!(before != weights(&tones.path("bundle")), "the bundle was kept");
}

#[test]
fn short_runs_are_validated_after_every_epoch_and_say_that_no_background_was_given() {
    let tones = Tones::new();
    let output = output_of(&as_strs(&tones.arguments("bundle", &["--epochs", "3"])));
    assert_eq!(output.status.code(), Some(0));
    let printed = String::from_utf8_lossy(&output.stderr);
    says(&printed, &["epoch 1/3", "epoch 2/3", "epoch 3/3", "no --background", "room noise"]);
    says(&printed, &["layout esc50", "2 classes", "folds 1, 2"]);
    let card = std::fs::read_to_string(tones.path("bundle/README.md")).unwrap();
    says(&card, &["| Background | none; thresholds were raised"]);
}

#[test]
fn one_class_and_nothing_else_is_no_dataset() {
    let tones = Tones::new();
    let folder = tones.path("one");
    std::fs::create_dir_all(folder.join("audio")).unwrap();
    let wav = |name: &str| write_wav(&folder.join("audio").join(name), 8_000, 1, &[1_000; 8_000]);
    ["a.wav", "b.wav", "c.wav"].iter().for_each(|name| wav(name));
    let (data, out) = (folder.to_str().unwrap(), tones.path("bundle"));
    let text = failure(&["train", "--data", data, "--out", out.to_str().unwrap()], 2);
    says(&text, &["one class, \"audio\"", "--background", "would be called \"audio\""]);
}
