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
        assert_eq!(windows[0]["padded_samples"], 186 * 160 + 512 - samples);
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

#[test]
fn standard_input_with_a_header_is_read_as_the_recording_that_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let wav = demo_wav(folder.path(), 4);
    let bytes = std::fs::read(&wav).unwrap();
    let output = piped(&["classify", "-"], &bytes);
    assert_eq!(output.status.code(), Some(0));
    says(&String::from_utf8_lossy(&output.stdout), &["stdin (4.00 s)"]);
    // the default says 48 kHz, the header another rate
    let run = ["run", "--source", "stdin", "--format", "jsonl"];
    let output = piped(&run, &bytes);
    assert_eq!(output.status.code(), Some(0));
    says(&String::from_utf8_lossy(&output.stderr), &["header of a WAV"]);
    let by_run = parsed(&String::from_utf8(output.stdout).unwrap());
    let wav = wav.to_str().unwrap();
    let by_file = parsed(&success(&["classify", "--format", "jsonl", wav]));
    assert_eq!(of_type(&by_run, "window").len(), of_type(&by_file, "window").len());
}

#[test]
fn an_empty_pipe_and_bytes_of_another_format_are_reported_with_the_reason() {
    for command in [&["classify", "-"][..], &["run", "--source", "stdin"]] {
        let output = piped(command, b"");
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        says(&String::from_utf8_lossy(&output.stderr), &["stdin brought not one sample"]);
    }
    let mut seed = 1u32;
    let noise: Vec<u8> = (0..100_000)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        })
        .collect();
    let output = piped(&["run", "--source", "stdin:s16le:16000:1"], &noise);
    let printed = String::from_utf8_lossy(&output.stderr);
    says(&printed, &["noise at full scale", "probably not s16le:16000:1"]);
}

#[test]
fn channels_that_cancel_each_other_are_reported_and_one_of_them_can_be_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (wav, name) = path(folder.path(), "opposite.wav");
    let tone = |i: usize| (6_000.0 * (i as f32 * 0.05).sin()) as i16;
    let frames: Vec<i16> = (0..48_000).flat_map(|i| [tone(i), -tone(i)]).collect();
    write_wav(&wav, 16_000, 2, &frames);
    let output = output_of(&["classify", &name]);
    assert_eq!(output.status.code(), Some(0));
    says(&String::from_utf8_lossy(&output.stderr), &["cancel each other", "--channel 1"]);
    let (mono, mono_name) = path(folder.path(), "mono.wav");
    write_wav(&mono, 16_000, 1, &(0..48_000).map(tone).collect::<Vec<i16>>());
    let scores = |arguments: &[&str]| {
        let printed = success(arguments);
        printed.split_once("): ").unwrap().1.to_owned()
    };
    let taken = scores(&["classify", "--channel", "1", &name]);
    assert_eq!(taken, scores(&["classify", &mono_name]));
    says(&failure(&["classify", "--channel", "3", &name], 1), &["channel 3 was chosen"]);
}

#[test]
fn recordings_of_any_length_are_printed_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..12)
        .map(|index| {
            let (wav, name) = path(folder.path(), &format!("{index:02}.wav"));
            let seconds = if index % 3 == 0 { 20 } else { 2 };
            write_wav(&wav, 16_000, 1, &vec![index as i16; 16_000 * seconds]);
            name
        })
        .collect();
    let printed = success(&["classify", folder.path().to_str().unwrap()]);
    let lines: Vec<&str> = printed.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(lines.len(), names.len(), "{printed}");
    for (line, name) in lines.iter().zip(&names) {
        assert!(line.starts_with(name.as_str()), "{line}");
    }
}

/// The program's output with `bytes` on its standard input.
fn piped(arguments: &[&str], bytes: &[u8]) -> std::process::Output {
    use std::io::Write as _;
    use std::process::Stdio;

    let mut child = super::tympan()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || {
        // it may have ended already
        let _ = stdin.write_all(&bytes);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}
