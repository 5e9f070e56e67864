//! Recordings that are broken, odd or missing: what each is called, and the exit code.

use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavSpec, WavWriter};

use super::{demo_wav, failure, of_type, output_of, parsed, says, success, write_wav};

fn path(folder: &Path, name: &str) -> (PathBuf, String) {
    let path = folder.join(name);
    (path.clone(), path.to_str().unwrap().to_owned())
}

#[test]
fn files_that_hold_no_sound_are_named_and_the_others_classified() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, empty_name) = path(folder.path(), "empty.wav");
    std::fs::write(&empty, b"").unwrap();
    let (text, text_name) = path(folder.path(), "text.wav");
    std::fs::write(&text, b"this is not sound, whatever its name says").unwrap();
    let good = demo_wav(folder.path(), 3);
    let good = good.to_str().unwrap();
    let output = output_of(&["classify", &empty_name, good, &text_name]);
    assert_eq!(output.status.code(), Some(1));
    let printed = String::from_utf8_lossy(&output.stderr);
    says(&printed, &["empty.wav", "text.wav", "2 of 3"]);
    says(&String::from_utf8_lossy(&output.stdout), &["demo.wav (3.00 s)"]);
    for name in [&empty_name, &text_name] {
        let printed = failure(&["run", "--source", &format!("file:{name}")], 3);
        says(&printed, &[name]);
    }
    says(&failure(&["run", "--source", "file:/nowhere/x.wav"], 3), &["/nowhere/x.wav"]);
}

#[test]
fn a_truncated_file_is_classified_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let wav = demo_wav(folder.path(), 6);
    let bytes = std::fs::read(&wav).unwrap();
    let (cut, name) = path(folder.path(), "cut.wav");
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    says(&success(&["classify", &name]), &["cut.wav (3.00 s)"]);
}

#[test]
fn a_clip_shorter_than_a_window_is_padded_by_classify_and_not_scored_by_run() {
    let folder = tempfile::tempdir().unwrap();
    for (samples, name) in [(1usize, "one.wav"), (8_000, "half.wav")] {
        let (wav, name) = path(folder.path(), name);
        write_wav(&wav, 16_000, 1, &vec![1_000; samples]);
        let records = parsed(&success(&["classify", "--format", "jsonl", &name]));
        let windows = of_type(&records, "window");
        assert_eq!(windows.len(), 1, "{windows:?}");
        assert_eq!(windows[0]["padded_samples"], 93 * 320 + 1024 - samples);
        let source = format!("file:{name}");
        let output = output_of(&["run", "--source", &source, "--fast", "--format", "jsonl"]);
        assert_eq!(output.status.code(), Some(0));
        let records = parsed(&String::from_utf8(output.stdout).unwrap());
        assert!(of_type(&records, "window").is_empty(), "{records:?}");
        says(&String::from_utf8_lossy(&output.stderr), &["nothing was scored"]);
    }
    let (wav, name) = path(folder.path(), "none.wav");
    write_wav(&wav, 16_000, 1, &[]);
    let output = output_of(&["classify", &name]);
    let printed = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    says(&printed, &["none.wav"]);
}

#[test]
fn five_channels_at_96_khz_are_captured_as_their_mean() {
    let folder = tempfile::tempdir().unwrap();
    let (wav, name) = path(folder.path(), "five.wav");
    let tone = |i: usize| (6_000.0 * (i as f32 * 0.05).sin()) as i16;
    let frames: Vec<i16> = (0..96_000 * 3).flat_map(|i| [tone(i); 5]).collect();
    write_wav(&wav, 96_000, 5, &frames);
    let (mono, mono_name) = path(folder.path(), "mono.wav");
    write_wav(&mono, 96_000, 1, &(0..96_000 * 3).map(tone).collect::<Vec<i16>>());
    let scores = |name: &str| {
        let records = parsed(&success(&["classify", "--format", "jsonl", name]));
        let windows = of_type(&records, "window");
        assert!(windows.len() > 10);
        windows.iter().map(|window| window["scores"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(scores(&name), scores(&mono_name));
}

#[test]
fn samples_that_are_no_numbers_are_counted_and_harm_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (wav, name) = path(folder.path(), "invalid.wav");
    let spec = WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 32,
        sample_format: SampleFormat::Float,
    };
    let mut writer = WavWriter::create(&wav, spec).unwrap();
    for index in 0..48_000 {
        let sample = match index {
            100 => f32::NAN,
            200 => f32::INFINITY,
            300 => f32::NEG_INFINITY,
            400 => 1e30,
            _ => 0.1 * (index as f32 * 0.1).sin(),
        };
        writer.write_sample(sample).unwrap();
    }
    writer.finalize().unwrap();
    let output = output_of(&["classify", "--format", "jsonl", &name]);
    assert_eq!(output.status.code(), Some(0));
    says(&String::from_utf8_lossy(&output.stderr), &["invalid.wav", "4 samples"]);
    let records = parsed(&String::from_utf8(output.stdout).unwrap());
    assert!(of_type(&records, "window").len() > 5);
}
