//! `train` with labels that are no events, rooms, given weights and a verifier: what becomes of them in the bundle, and what is
//! refused.

use std::path::Path;

use tympan::model::{Activation, Bundle};

use super::train::{Tones, as_strs, weights};
use super::{failure, of_type, parsed, says, success, write_wav};

/// Noise of two seconds, at most `peak` from zero.
fn noise(path: &Path, peak: i32, seed: u32) {
    let mut state = seed;
    let samples: Vec<i16> = (0..32_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 16) as i32 % (2 * peak) - peak) as i16
        })
        .collect();
    write_wav(path, 16_000, 1, &samples);
}

/// The tones, and beside them a quiet room, a loud hiss that is no event, and the response of a room.
fn with_rooms() -> Tones {
    let tones = Tones::new();
    for (folder, peak) in [("room", 30), ("hiss", 9_000)] {
        std::fs::create_dir(tones.path(folder)).unwrap();
        for take in 0..3 {
            noise(&tones.path(folder).join(format!("{take}.wav")), peak, take);
        }
    }
    let mut response = vec![0i16; 4_000];
    (response[20], response[900], response[2_500]) = (20_000, 9_000, -4_000);
    write_wav(&tones.path("response.wav"), 16_000, 1, &response);
    tones
}

fn softmax(tones: &Tones, out: &str, more: &[&str]) -> Vec<String> {
    let room = tones.path("room").display().to_string();
    // a wide hop: thresholds are chosen by hours of background
    let hop = ["--hop", "0.64"];
    let shared = ["--loss", "cross-entropy", "--background", &room, "--epochs", "2"];
    tones.arguments(out, &[&hop[..], &shared, more].concat())
}

#[test]
fn a_model_with_a_verifier_is_trained_checked_and_listens() {
    let tones = with_rooms();
    let hiss = format!("hiss={}", tones.path("hiss").display());
    let response = tones.path("response.wav").display().to_string();
    let look = tones.path("look").display().to_string();
    let augmented = [
        "--non-event",
        &hiss,
        "--responses",
        &response,
        "--room",
        "0.5",
        "--late-onset",
        "0.3",
        "--mix-style",
        "0.3",
        "--non-event-share",
        "0.2",
    ];
    success(&as_strs(&softmax(&tones, "look", &augmented)));
    let first = Bundle::load(&tones.path("look")).unwrap();
    assert_eq!(first.manifest.labels, ["low", "high", "hiss", "other"]);
    assert_eq!(first.manifest.non_events, ["hiss", "other"]);
    assert_eq!(first.manifest.activation, Activation::Softmax);
    let command = &first.manifest.provenance.command;
    says(command, &["--non-event hiss=FOLDER", "--responses RESPONSES", "--loss cross-entropy"]);
    let card = std::fs::read_to_string(tones.path("look/README.md")).unwrap();
    says(&card, &["the share of each in what is heard", "hiss, other"]);

    let started = ["--non-event", &hiss, "--start", &look, "--verifier", &look];
    success(&as_strs(&softmax(&tones, "both", &started)));
    let both = Bundle::load(&tones.path("both")).unwrap();
    assert_eq!(both.manifest.normaliser, first.manifest.normaliser);
    assert!(weights(&tones.path("both/verifier")) == weights(&tones.path("look")));
    says(&both.manifest.provenance.command, &["--start START", "--verifier VERIFIER"]);

    // the card's accuracy is the one that eval measures: among the dataset's classes
    let (data, model) = (tones.path("data"), tones.path("both"));
    let (data, model) = (data.to_str().unwrap(), model.to_str().unwrap());
    let report = success(&["eval", "--data", data, "--model", model, "--json"]);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let measured = report["clip_accuracy"].as_f64().unwrap();
    assert!((measured - both.manifest.figures.clip_accuracy).abs() < 1e-4, "{measured}");

    let clip = tones.path("data/audio/2-0-A-0.wav").display().to_string();
    let model = tones.path("both").display().to_string();
    let config = tones.path("config.toml");
    std::fs::write(&config, "[detector]\nthreshold = 0.06\nconfirm = { windows = 1, of = 1 }\n")
        .unwrap();
    let arguments = ["run", "--source", &format!("file:{clip}"), "--model", &model];
    let config = config.display().to_string();
    let records = parsed(&success(&[&arguments[..], &["--config", &config]].concat()));
    let onsets: Vec<_> = of_type(&records, "event");
    let onsets = onsets.iter().filter(|it| it["phase"] == "onset");
    let scores: Vec<f64> = onsets.map(|it| it["verifier_score"].as_f64().unwrap()).collect();
    assert!(!scores.is_empty() && scores.iter().all(|it| (0.0..=1.0).contains(it)), "{records:?}");
}

#[test]
fn a_teacher_s_answers_take_the_place_of_their_share_of_the_labels() {
    let tones = with_rooms();
    success(&as_strs(&softmax(&tones, "teacher", &[])));
    let teacher = tones.path("teacher").display().to_string();
    let taught = |out: &str, share: &str| {
        let more = ["--teacher", &teacher, "--teacher-share", share, "--seed", "7"];
        success(&as_strs(&softmax(&tones, out, &more)));
        weights(&tones.path(out))
    };
    let by_labels = taught("labels", "0");
    let by_answers = taught("answers", "1");
    assert!(by_labels != by_answers);
    let command = &Bundle::load(&tones.path("answers")).unwrap().manifest.provenance.command;
    says(command, &["--teacher TEACHER", "--teacher-share 1"]);
}

#[test]
fn labels_verifiers_and_weights_that_do_not_fit_are_refused() {
    let tones = with_rooms();
    let hiss = tones.path("hiss").display().to_string();
    let refused = |more: &[&str], code| failure(&as_strs(&softmax(&tones, "out", more)), code);
    says(&refused(&["--non-event", "hiss"], 2), &["speech=recordings/speech"]);
    says(&refused(&["--non-event", &format!("low={hiss}")], 2), &["low", "class of that name"]);
    says(&refused(&["--non-event", "hiss=/nowhere"], 2), &["/nowhere"]);
    says(&refused(&["--responses", "/nowhere"], 2), &["/nowhere"]);
    says(&refused(&["--start", "/nowhere"], 2), &["/nowhere"]);
    let table = tones.path("data/meta/esc50.csv").display().to_string();
    says(&refused(&["--start", &table], 2), &["esc50.csv", "safetensors"]);
    assert!(!tones.path("out").exists());
    // of another loss, and so of other labels
    success(&as_strs(&tones.arguments("sigmoid", &["--epochs", "1"])));
    let sigmoid = tones.path("sigmoid").display().to_string();
    says(&refused(&["--verifier", &sigmoid], 3), &["sigmoid", "labels"]);
    says(&refused(&["--teacher", &sigmoid], 3), &["sigmoid", "labels"]);
    says(&refused(&["--teacher-share", "1.5"], 2), &["--teacher-share", "between 0 and 1"]);
}
