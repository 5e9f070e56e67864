//! `train` that is interrupted: asked to end, asked twice, or killed. It goes on, with the same weights in the end.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::train::{Tones, as_strs, weights};
use super::{failure, output_of, says, success, tympan};

const LONG: [&str; 6] = ["--epochs", "60", "--checkpoint-every", "0", "--validate-every", "60"];

fn begin(arguments: &[&str]) -> Child {
    tympan().args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the log has so many rows; fails if the run ends before.
fn wait_for_rows(child: &mut Child, log: &Path, rows: usize) {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        if text.lines().count() > rows {
            return;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was interrupted");
        assert!(Instant::now() < deadline, "no epoch in two minutes");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn signal(child: &Child, name: &str) {
    let kill = format!("kill -s {name} {}", child.id());
    assert!(Command::new("bash").args(["-c", &kill]).status().unwrap().success());
}

#[test]
#[ignore = "takes a while: make test-all"]
fn a_run_killed_in_mid_training_goes_on_to_the_same_weights() {
    let tones = Tones::new();
    success(&as_strs(&tones.arguments("whole", &LONG)));
    let arguments = tones.arguments("killed", &LONG);
    let out = tones.path("killed");
    let resume = ["train", "--resume", out.to_str().unwrap()];
    let mut child = begin(&as_strs(&arguments));
    wait_for_rows(&mut child, &out.join("training.csv"), 3);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!out.join("model.toml").exists());
    let mut child = begin(&resume);
    wait_for_rows(&mut child, &out.join("training.csv"), 9);
    child.kill().unwrap();
    child.wait().unwrap();
    success(&resume);
    assert!(weights(&out) == weights(&tones.path("whole")), "the weights differ");
    let rows = std::fs::read_to_string(out.join("training.csv")).unwrap().lines().count();
    assert_eq!(rows, 61);
    // done is done
    says(&failure(&resume, 2), &["no unfinished run"]);
}

#[test]
fn asked_to_end_it_saves_says_how_to_go_on_and_loses_nothing() {
    let tones = Tones::new();
    let arguments = tones.arguments("out", &LONG);
    let out = tones.path("out");
    let mut child = begin(&as_strs(&arguments));
    wait_for_rows(&mut child, &out.join("training.csv"), 1);
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{printed}");
    says(&printed, &["tympan train --resume", out.to_str().unwrap()]);
    // beginning anew would lose it
    says(&failure(&as_strs(&arguments), 2), &["unfinished run", "--resume"]);
    let out = out.to_str().unwrap();
    let refused = failure(&["train", "--resume", out, "--epochs", "5", "--balance"], 2);
    says(&refused, &["--epochs 5", "60", "--balance", "without"]);
    // what is the same may be said again
    success(&["train", "--resume", out, "--epochs", "60"]);
}

#[test]
fn recordings_that_changed_meanwhile_are_refused() {
    let tones = Tones::new();
    let out = tones.path("out");
    let mut child = begin(&as_strs(&tones.arguments("out", &LONG)));
    wait_for_rows(&mut child, &out.join("training.csv"), 1);
    child.kill().unwrap();
    child.wait().unwrap();
    let audio = tones.path("data/audio");
    std::fs::copy(audio.join("1-0-A-0.wav"), audio.join("1-0-A-1.wav")).unwrap();
    let output = output_of(&["train", "--resume", out.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    says(&String::from_utf8_lossy(&output.stderr), &["training clips hold other sound"]);
    assert!(out.join("checkpoint.safetensors").is_file());
}
