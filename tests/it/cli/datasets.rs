//! `eval` on a dataset made up on the spot, and the shipped bundle on the real one.

use std::path::Path;

use serde_json::Value;

use super::{failure, says, success, write_wav};
use crate::support::recordings::recordings;

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
fn the_shipped_bundle_does_on_fold_4_what_its_card_says() {
    let Some(data) = recordings("the_shipped_bundle_does_on_fold_4_what_its_card_says") else {
        return;
    };
    let data = data.join("esc50");
    let report =
        success(&["eval", "--data", data.to_str().unwrap(), "--licences", "CC0,CC-BY", "--json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let bundle = tympan::model::Bundle::load(Path::new("models/esc50")).unwrap();
    let figures = &bundle.manifest.figures;
    assert_eq!(report["clips"], figures.clips);
    assert_eq!(report["trained_on"], false);
    // another processor may round a score the other way; more than two clips would be another model
    let apart = (report["clip_accuracy"].as_f64().unwrap() - figures.clip_accuracy).abs();
    assert!(
        apart * figures.clips as f64 <= 2.0,
        "{}, the card says {figures:?}",
        report["clip_accuracy"]
    );
}
