//! `eval` as its users meet it: figures, warnings, the report, and streaming figures. On tones made up on the spot.

use std::path::Path;

use serde_json::Value;
use tympan::model::Bundle;

use super::train::{Tones, as_strs};
use super::{failure, says, success, write_wav};

/// Trains on fold 1 of the tones until low and high are distinguished; gives dataset and bundle.
fn trained(tones: &Tones, more: &[&str]) -> (String, String) {
    let epochs: &[&str] = if more.contains(&"--epochs") {
        &[]
    } else {
        &["--epochs", "60", "--equalise-db", "0", "--mixup", "0"]
    };
    let more = [epochs, more].concat();
    success(&as_strs(&tones.arguments("bundle", &more)));
    let text = |name: &str| tones.path(name).to_str().unwrap().to_owned();
    (text("data"), text("bundle"))
}

/// Hiss, as a 16-bit WAV file: numbers of a congruential generator.
fn hiss(path: &Path, seconds: usize, mut state: u32) {
    let samples: Vec<i16> = (0..seconds * 16_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 16) as i16) / 40
        })
        .collect();
    write_wav(path, 16_000, 1, &samples);
}

#[test]
fn a_report_is_one_page_with_its_figures_and_pictures() {
    let tones = Tones::new();
    let (data, bundle) = trained(&tones, &[]);
    let report = tones.path("report");
    let out = report.to_str().unwrap();
    let printed = success(&["eval", "--model", &bundle, "--data", &data, "--report", out]);
    says(&printed, &["clip accuracy 100.0 %", "held out", "low", "high", "AUC"]);
    let page = std::fs::read_to_string(report.join("index.html")).unwrap();
    says(&page, &["<!DOCTYPE html>", "Clip accuracy", "100.0 %", "Learning curves", "<svg"]);
    // nothing is fetched from anywhere
    assert!(
        !page.contains("src=\"http") && !page.contains("<link"),
        "the page is not self-contained"
    );
    let figures = std::fs::read_to_string(report.join("figures.json")).unwrap();
    let figures: Value = serde_json::from_str(&figures).unwrap();
    assert_eq!(figures["confusion"], serde_json::json!([[3, 0], [0, 3]]));
    assert_eq!(figures["curves"]["macro_auc"], 1.0);
    assert_eq!(figures["streaming"], Value::Null);
    let plates =
        ["learning-curves", "confusion", "classes", "roc", "precision-recall", "calibration"];
    for figure in plates {
        let png = std::fs::read(report.join(format!("{figure}.png"))).unwrap();
        assert!(png.starts_with(b"\x89PNG"), "{figure}");
        assert!(report.join(format!("{figure}.svg")).is_file(), "{figure}");
    }
}

#[test]
fn what_was_trained_on_and_what_leaks_is_reported_on_top() {
    let tones = Tones::new();
    let leaky = ["--split", "random:0.34", "--allow-leaky-split", "--epochs", "2"];
    success(&as_strs(&tones.small("leaky", &leaky)));
    let (data, bundle) = (tones.path("data"), tones.path("leaky"));
    let eval = ["eval", "--model", bundle.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let manifest = Bundle::load(&bundle).unwrap().manifest;
    let printed = success(&eval);
    assert_eq!(printed.starts_with("LEAKY"), manifest.provenance.leaky, "{printed}");
    let printed = success(&[&eval[..], &["--folds", "1,2"]].concat());
    says(&printed, &["TRAINED ON"]);
    // another part of the set would be split otherwise: nobody could know what was held out
    says(&failure(&[&eval[..], &["--labels", "low"]].concat(), 2), &["split cannot be made again"]);
}

/// A network this small is sure of nothing, and made-up room noise has raised its thresholds.
fn lower_thresholds(bundle: &Path) {
    let manifest = bundle.join("model.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let lowered = text.lines().map(|line| match line.split_once(" = ") {
        Some(("on", _)) => "on = 0.3\n".to_owned(),
        Some(("off", _)) => "off = 0.2\n".to_owned(),
        _ => format!("{line}\n"),
    });
    std::fs::write(&manifest, lowered.collect::<String>()).unwrap();
}

#[test]
fn streaming_figures_come_with_background_and_a_sweep() {
    let tones = Tones::new();
    let noise = tones.path("noise");
    std::fs::create_dir(&noise).unwrap();
    hiss(&noise.join("a.wav"), 5, 1);
    hiss(&noise.join("b.wav"), 5, 2);
    let noise = noise.to_str().unwrap();
    let (data, bundle) = trained(&tones, &[]);
    lower_thresholds(Path::new(&bundle));
    let eval = ["eval", "--model", &bundle, "--data", &data, "--background", noise];
    let more = ["--negatives", noise, "--minutes", "2", "--sweep", "--json"];
    let report: Value = serde_json::from_str(&success(&[&eval[..], &more].concat())).unwrap();
    let streaming = &report["streaming"];
    assert_eq!(streaming["events"]["events"], 6);
    assert_eq!(streaming["false_alarms"]["seconds"], 120.0);
    assert!(streaming["sweep"].as_array().unwrap().len() > 10);
    // a network this small recognises little in noise; but what was detected was counted, right or wrong
    let count = |what: &str| streaming["events_within"][what].as_u64().unwrap();
    assert!(count("hits") + count("false_positives") > 0, "{streaming}");
    let printed = success(&[&eval[..], &["--minutes", "1"]].concat());
    says(&printed, &["events: precision", "false alarms in 1 min"]);
    says(&failure(&["eval", "--data", &data, "--negatives", noise], 2), &["--background"]);
}

#[test]
fn wrong_clips_are_named() {
    let tones = Tones::new();
    let (data, bundle) = trained(&tones, &[]);
    // two of fold 2 change places: the labels are wrong now, not the model
    let place = |name: &str| tones.path("data/audio").join(name);
    std::fs::rename(place("2-0-A-0.wav"), place("aside")).unwrap();
    std::fs::rename(place("2-0-A-1.wav"), place("2-0-A-0.wav")).unwrap();
    std::fs::rename(place("aside"), place("2-0-A-1.wav")).unwrap();
    let report = tones.path("report");
    let eval = ["eval", "--model", &bundle, "--data", &data, "--json"];
    let printed = success(&[&eval[..], &["--report", report.to_str().unwrap()]].concat());
    let figures: Value = serde_json::from_str(&printed).unwrap();
    let wrong: Vec<_> = figures["mistakes"].as_array().unwrap().iter().collect();
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    let named = wrong.iter().find(|it| it["label"] == "low").unwrap();
    assert_eq!(
        (&named["recording"], &named["prediction"]),
        (&"audio/2-0-A-0.wav".into(), &"high".into())
    );
    let page = std::fs::read_to_string(report.join("index.html")).unwrap();
    says(&page, &["Surest mistakes", "audio/2-0-A-0.wav"]);
}

#[test]
fn a_recording_that_cannot_be_measured_is_named_and_left_out_only_on_request() {
    let tones = Tones::new();
    let (data, bundle) = trained(&tones, &["--epochs", "1"]);
    std::fs::write(tones.path("data/audio/2-0-A-0.wav"), b"invalid").unwrap();
    let eval = ["eval", "--model", &bundle, "--data", &data];
    says(&failure(&eval, 3), &["2-0-A-0.wav", "--skip-faulty"]);
    let printed = success(&[&eval[..], &["--skip-faulty"]].concat());
    // in lines as wide as a terminal
    let words: Vec<&str> = printed.split_whitespace().collect();
    says(&words.join(" "), &["1 recordings could not be used", " 5 clips, 40 windows "]);
    // a fault in a fold that is not measured is nobody's business
    std::fs::remove_file(tones.path("data/audio/2-0-A-0.wav")).unwrap();
    let other = success(&[&eval[..], &["--folds", "1"]].concat());
    assert!(!other.contains("could not be used"), "{other}");
}
