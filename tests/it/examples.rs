//! Every example runs, as its first lines say.

use std::path::Path;
use std::process::Command;

use hound::{SampleFormat, WavSpec, WavWriter};
use tympan::sources::{Repeat, SampleReader, Soundscape};

/// What an example prints to standard output.
fn run(name: &str, arguments: &[&str]) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--offline", "--example", name]);
    if cfg!(not(feature = "torch")) {
        cargo.arg("--no-default-features");
    }
    let output = cargo.arg("--").args(arguments).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {printed}");
    String::from_utf8(output.stdout).unwrap()
}

/// The first seconds of the demo as a file: there is a siren in them.
fn demo_file(path: &Path) {
    let mut demo = Soundscape::with_repeat(Soundscape::DEMO_SEED, Repeat::Once);
    let (rate, mut block) = (demo.sample_rate(), vec![0.0; 4_800]);
    let spec = WavSpec {
        channels: 1,
        sample_rate: rate.hz(),
        bits_per_sample: 32,
        sample_format: SampleFormat::Float,
    };
    let mut file = WavWriter::create(path, spec).unwrap();
    for _ in 0..120 {
        let read = demo.read(&mut block).unwrap();
        block[..read].iter().for_each(|sample| file.write_sample(*sample).unwrap());
    }
    file.finalize().unwrap();
}

#[test]
fn every_example_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("demo.wav");
    demo_file(&recording);
    let recording = recording.to_str().unwrap();

    let found = run("classify_file", &[recording]);
    assert!(found.contains("siren"), "{found}");

    let frames = run("mel_of_wav", &[recording]);
    assert!(frames.lines().count() > 500, "{} frames", frames.lines().count());
    assert!(frames.lines().all(|frame| frame.split(',').count() == 64));

    let events = run("listen", &["demo"]);
    for expected in ["siren begins", "siren ends", "listening: demo", "SourceEnded"] {
        assert!(events.contains(expected), "{expected:?} is not in {events}");
    }
    let tally = run("custom_sink", &[]);
    assert!(tally.lines().any(|line| line.starts_with("siren: ")), "{tally}");
    let loud = run("custom_scorer", &[]);
    assert!(loud.lines().any(|line| line.starts_with("loud Onset")), "{loud}");
}
