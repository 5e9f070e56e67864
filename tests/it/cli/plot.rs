//! `plot` as its users run it: pictures of recordings, runs and measurements, with no font and no display at hand.

use std::path::Path;

use super::{demo_wav, failure, says, success, tympan, write_wav};

/// Starts of the files, as every viewer looks for them.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const SVG: &[u8] = b"<svg ";

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

/// Draws as SVG and as PNG; gives the SVG.
#[track_caller]
fn drawn(folder: &Path, arguments: &[&str]) -> String {
    let (svg, png) = (path(folder, "picture.svg"), path(folder, "picture.png"));
    let destination = ["--out", &svg, "--out", &png];
    let reported = success(&[&["plot"], arguments, &destination].concat());
    assert_eq!(reported.lines().collect::<Vec<_>>(), [svg.as_str(), png.as_str()]);
    assert!(std::fs::read(&png).unwrap().starts_with(PNG));
    let text = std::fs::read_to_string(&svg).unwrap();
    assert!(text.as_bytes().starts_with(SVG) && text.trim_end().ends_with("</svg>"));
    text
}

const MEASUREMENT: &str = r#"{
  "model": "esc50", "dataset": "ESC-50", "clip_accuracy": 0.75,
  "classes": [{"label": "dog", "support": 3}, {"label": "cat", "support": 1}],
  "confusion": [[2, 1], [0, 1]],
  "curves": {
    "micro_roc": {"auc": 0.8, "points": [
      {"false_positive_rate": 0.0, "true_positive_rate": 0.5, "threshold": null},
      {"false_positive_rate": 1.0, "true_positive_rate": 1.0, "threshold": 0.1}]},
    "classes": [
      {"label": "dog", "roc": {"auc": 0.9, "points": [
        {"false_positive_rate": 0.0, "true_positive_rate": 0.0, "threshold": null},
        {"false_positive_rate": 0.2, "true_positive_rate": 0.9, "threshold": 0.6},
        {"false_positive_rate": 1.0, "true_positive_rate": 1.0, "threshold": 0.1}]}},
      {"label": "cat", "roc": null}]
  }
}"#;

#[test]
fn a_recording_is_drawn_as_waveform_spectrogram_and_labels() {
    let folder = tempfile::tempdir().unwrap();
    let wav = demo_wav(folder.path(), 4);
    let wav = wav.to_str().unwrap();
    says(&drawn(folder.path(), &["waveform", wav]), &["demo.wav", "amplitude", "time (s)"]);
    let envelope = drawn(folder.path(), &["envelope", wav, "--threshold", "-30", "--window", "50"]);
    says(
        &envelope,
        &["threshold −30.0 dBFS", "level (dBFS)", "removed by trimming: ", " of 4.00 s"],
    );
    let spectrogram = drawn(folder.path(), &["spectrogram", wav]);
    says(&spectrogram, &["demo.wav as esc50 sees it", "frequency (Hz)", "level (dB)"]);
    let normalised = drawn(folder.path(), &["spectrogram", "--normalised", wav]);
    says(&normalised, &["deviations from the mean"]);
    let labels = drawn(folder.path(), &["labels", "--top", "3", wav]);
    says(&labels, &["demo.wav, labelled by esc50", "score", "event", "frequency (Hz)"]);
}

#[test]
fn runs_and_measurements_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    for (run, accuracy) in [("first", "0.5"), ("second", "0.625")] {
        std::fs::create_dir(folder.path().join(run)).unwrap();
        let log = format!(
            "epoch,train_loss,validation_loss,validation_clip_accuracy\n1,2.0,2.1,0.25\n2,1.0,1.5,{accuracy}\n"
        );
        std::fs::write(folder.path().join(run).join("training.csv"), log).unwrap();
    }
    let (first, second) =
        (path(folder.path(), "first"), path(folder.path(), "second/training.csv"));
    let curves = drawn(folder.path(), &["curves", &first, &second]);
    says(&curves, &["first: 50.0 % at epoch 2", "second: 62.5 % at epoch 2", "accuracy (%)"]);
    // a cross-validation: a folder of folders
    let all = drawn(folder.path(), &["curves", folder.path().to_str().unwrap()]);
    says(&all, &["first: 50.0 % at epoch 2", "second: 62.5 % at epoch 2"]);
    let json = path(folder.path(), "measured.json");
    std::fs::write(&json, MEASUREMENT).unwrap();
    let confusion = drawn(folder.path(), &["confusion", &json]);
    says(&confusion, &["esc50 on ESC-50: 75.0 % of clips right", "dog", "cat", "predicted label"]);
    let roc = drawn(folder.path(), &["roc", &json, "--title", "ROC of mine"]);
    says(&roc, &["ROC of mine", "dog (AUC 90.0 %)", "all classes in one"]);
}

#[test]
fn without_an_environment_and_a_name_a_picture_is_named_after_its_input() {
    let folder = tempfile::tempdir().unwrap();
    write_wav(&folder.path().join("ticks.wav"), 16_000, 1, &[0, 9_000, -9_000, 0]);
    let mut command = tympan();
    command.current_dir(folder.path()).env_clear();
    // where the loader finds libtorch, if the program does not know it
    if let Some(libraries) = std::env::var_os("LD_LIBRARY_PATH") {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    let output =
        command.args(["plot", "waveform", "ticks.wav", "--width", "321"]).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ticks-waveform.png\n");
    let picture = std::fs::read(folder.path().join("ticks-waveform.png")).unwrap();
    let width = u32::from_be_bytes(picture[16..20].try_into().unwrap());
    assert!(picture.starts_with(PNG) && width == 321, "{width}");
}

#[test]
fn what_cannot_be_drawn_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let wav = demo_wav(folder.path(), 1);
    let wav = wav.to_str().unwrap();
    let printed = failure(&["plot", "waveform", wav, "--out", "picture.jpg"], 2);
    says(&printed, &["picture.jpg", ".svg or .png", ".jpg"]);
    says(&failure(&["plot", "waveform", "nowhere.wav"], 3), &["nowhere.wav"]);
    says(&failure(&["plot", "waveform", wav, "--width", "7"], 2), &["7 × ", "between"]);
    says(&failure(&["plot", "envelope", wav, "--threshold", "3"], 2), &["3 dBFS"]);
    let out = path(folder.path(), "no/such/folder.svg");
    says(&failure(&["plot", "waveform", wav, "--out", &out], 1), &["no/such/folder.svg"]);
    let empty = path(folder.path(), "empty.wav");
    write_wav(Path::new(&empty), 16_000, 1, &[]);
    says(&failure(&["plot", "spectrogram", &empty], 3), &["empty.wav"]);
    let json = path(folder.path(), "old.json");
    std::fs::write(&json, "{\"confusion\": [[1]]}").unwrap();
    says(&failure(&["plot", "roc", &json], 2), &["old.json", "`curves`", "tympan eval --json"]);
    says(&failure(&["plot", "confusion", &json], 2), &["old.json", "`classes`"]);
    says(&failure(&["plot", "confusion", wav], 2), &["demo.wav"]);
    let nothing = path(folder.path(), "nothing");
    std::fs::create_dir(&nothing).unwrap();
    says(&failure(&["plot", "curves", &nothing], 2), &["no training.csv", "nothing"]);
}
