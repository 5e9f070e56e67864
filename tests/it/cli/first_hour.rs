//! What somebody meets in the first hour: the demo that ends, the place in a recording, folders as people have them, labels,
//! cleaned audio, and errors that point to the command that helps.

use std::os::unix::fs::symlink;

use hound::WavReader;

use super::{demo_wav, failure, output_of, says, success, write_wav};

#[test]
fn the_demo_at_full_speed_ends_after_one_round_and_says_where_it_is() {
    let text = success(&["run", "--source", "demo", "--fast", "--format", "text"]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].trim_start().starts_with("0:00.00  · listening"), "{text}");
    says(&text, &["0:03.73  ● siren", "● clock_tick", "· stopping"]);
    let seconds = |line: &&str| -> f64 {
        let (minutes, seconds) = line.split_whitespace().next().unwrap().split_once(':').unwrap();
        60.0 * minutes.parse::<f64>().unwrap() + seconds.parse::<f64>().unwrap()
    };
    let places: Vec<f64> = lines.iter().map(seconds).collect();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn lines_about_a_recording_never_run_backwards_with_windows_either() {
    let folder = tempfile::tempdir().unwrap();
    let wav = demo_wav(folder.path(), 14);
    let source = format!("file:{}", wav.display());
    let text = success(&["run", "--source", &source, "--fast", "--format", "text", "--windows"]);
    let places: Vec<&str> = text.lines().map(|line| line[..12].trim()).collect();
    assert!(places.len() > 100 && places.is_sorted_by_key(|place| (place.len(), *place)), "{text}");
    says(&text, &["● siren"]);
}

#[test]
fn a_run_ends_after_the_seconds_it_was_given() {
    let output =
        output_of(&["run", "--source", "demo", "--fast", "--seconds", "5", "--format", "text"]);
    assert_eq!(output.status.code(), Some(0));
    says(&String::from_utf8_lossy(&output.stderr), &["39 windows scored; nothing was lost"]);
    says(
        &failure(&["run", "--source", "microphone", "--seconds", "5"], 2),
        &["--seconds", "timeout"],
    );
    says(&failure(&["run", "--source", "demo", "--seconds", "0"], 2), &["above 0"]);
}

#[test]
fn a_folder_is_for_classify_and_its_odd_files_are_named_or_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(at("mixed/below")).unwrap();
    std::fs::create_dir_all(at("empty")).unwrap();
    let wav = demo_wav(&at("mixed"), 3);
    symlink(&wav, at("mixed/below/again.wav")).unwrap();
    symlink("..", at("mixed/below/up")).unwrap();
    std::fs::write(at("mixed/._demo.wav"), b"\0\x05\x16\x07").unwrap();
    std::fs::write(at("mixed/a.opus"), b"OggS").unwrap();
    std::fs::write(at("mixed/b.wma"), b"0").unwrap();
    nix::unistd::mkfifo(&at("mixed/pipe.wav"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let (mixed, empty) = (at("mixed"), at("empty"));
    let (mixed, empty) = (mixed.to_str().unwrap(), empty.to_str().unwrap());
    says(&failure(&["run", "--source", &format!("file:{mixed}")], 3), &["tympan classify", mixed]);
    let output = output_of(&["classify", "--format", "csv", mixed]);
    let printed = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    says(&printed, &["2 recordings", "1 opus, 1 wma", "a.opus"]);
    let output = output_of(&["classify", empty, mixed]);
    assert_eq!(output.status.code(), Some(1));
    says(&String::from_utf8_lossy(&output.stderr), &["empty: no recording", "1 of 2"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
    says(&failure(&["classify", empty], 2), &["no recording in this folder"]);
    let absent = at("nowhere.wav");
    says(&failure(&["classify", absent.to_str().unwrap()], 1), &["nowhere.wav", "No such file"]);
}

#[test]
fn the_labels_of_a_model_are_listed_in_their_order() {
    let labels = success(&["labels"]);
    assert_eq!(labels.lines().count(), 52);
    assert_eq!(labels.lines().next(), Some("dog"));
}

#[test]
fn a_model_that_is_not_there_or_not_finished_is_called_so() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().to_str().unwrap();
    says(&failure(&["labels", "--model", name], 3), &["no model bundle", "model.toml is missing"]);
    std::fs::write(folder.path().join("run.json"), "{}").unwrap();
    let text = failure(&["classify", "--model", name, "a.wav"], 3);
    says(&text, &["not finished", &format!("tympan train --resume {name}")]);
}

#[test]
fn cleaned_recordings_are_what_training_reads() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let half = |loud: f32| (0..8_000).map(move |i| (loud * (i as f32 * 0.3).sin()) as i16);
    std::fs::create_dir_all(at("sounds/dog")).unwrap();
    write_wav(
        &at("sounds/dog/a.wav"),
        8_000,
        1,
        &half(8_000.0).chain(half(1.0)).collect::<Vec<_>>(),
    );
    let (sounds, out) = (at("sounds"), at("out"));
    let (sounds, out) = (sounds.to_str().unwrap(), out.to_str().unwrap());
    let printed = success(&["clean", sounds, "--out", out, "--trim", "-50"]);
    says(&printed, &["dog/a.wav: 1.05 of 2.00 s"]);
    let reader = WavReader::open(at("out/dog/a.wav")).unwrap();
    assert_eq!((reader.spec().sample_rate, reader.spec().channels), (8_000, 1));
    assert!((8_000..8_800).contains(&reader.duration()), "{}", reader.duration());
    says(&failure(&["clean", sounds, "--out", sounds], 2), &["over itself", "--out"]);
    let picture = at("envelope.svg");
    let table = success(&[
        "plot",
        "envelope",
        sounds,
        "--threshold",
        "-50",
        "--out",
        picture.to_str().unwrap(),
    ]);
    says(&table, &["threshold", "-50 dB     52.4 %", "<"]);
    assert!(picture.is_file());
}
