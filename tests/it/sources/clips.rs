//! Audio files: every format decodes to what was encoded, and every fault is an error that says what to do. Runs on the
//! test's thread; lossy formats are made by `ffmpeg` where it is installed.

use std::f32::consts::TAU;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hound::{SampleFormat, WavSpec, WavWriter};
use tempfile::TempDir;
use tympan::sources::{ClipFile, Repeat, SampleReader, load_clip};

use crate::support::skipping::skipped;

fn tone(rate: u32, count: usize) -> Vec<f32> {
    (0..count).map(|i| 0.5 * (TAU * 440.0 * i as f32 / rate as f32).sin()).collect()
}

fn folder() -> TempDir {
    TempDir::new().unwrap()
}

/// Writes the frames of `channels` equal-length channels; integers are scaled to `bits`.
fn write_wav(path: &Path, rate: u32, bits: u16, channels: &[&[f32]]) {
    let sample_format = if bits == 32 { SampleFormat::Float } else { SampleFormat::Int };
    let spec = WavSpec {
        channels: channels.len() as u16,
        sample_rate: rate,
        bits_per_sample: bits,
        sample_format,
    };
    let mut writer = WavWriter::create(path, spec).unwrap();
    for index in 0..channels[0].len() {
        for channel in channels {
            match sample_format {
                SampleFormat::Float => writer.write_sample(channel[index]).unwrap(),
                SampleFormat::Int => {
                    let full = (1_i64 << (bits - 1)) as f32;
                    writer.write_sample((channel[index] * full).round() as i32).unwrap();
                }
            }
        }
    }
    writer.finalize().unwrap();
}

fn assert_close(got: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(got.len(), expected.len());
    for (index, (a, b)) in got.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance, "sample {index}: {a} for {b}");
    }
}

fn fault(path: &Path) -> String {
    let error = load_clip(path).expect_err("the fault went unnoticed");
    let mut text = error.to_string();
    if let Some(source) = std::error::Error::source(&error) {
        text = format!("{text}: {source}");
    }
    assert!(text.contains(&path.display().to_string()), "the file is not named: {text}");
    text
}

/// Converts with ffmpeg; false, and a word about it, where there is none.
pub fn ffmpeg(arguments: &[&str], from: &Path, to: &Path) -> bool {
    let run = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-y", "-i"])
        .arg(from)
        .args(arguments)
        .arg(to)
        .status();
    match run {
        Ok(status) => {
            assert!(status.success(), "ffmpeg {arguments:?} failed");
            true
        }
        Err(error) => {
            skipped(&format!("no ffmpeg ({error}); apt-get install ffmpeg"));
            false
        }
    }
}

#[test]
fn wav_of_every_depth_decodes_to_what_was_written() {
    let folder = folder();
    let expected = tone(16_000, 3_000);
    for (bits, tolerance) in [(8, 1.0 / 128.0), (16, 1e-4), (24, 1e-6), (32, 0.0)] {
        let path = folder.path().join(format!("{bits}.wav"));
        write_wav(&path, 16_000, bits, &[&expected]);
        let clip = load_clip(&path).unwrap();
        assert_eq!(clip.sample_rate.hz(), 16_000);
        assert_close(&clip.samples, &expected, tolerance);
    }
}

#[test]
fn five_channels_at_96_khz_are_averaged_at_their_own_rate() {
    let folder = folder();
    let path = folder.path().join("five.wav");
    let loud = vec![0.5; 1_000];
    let quiet = vec![0.0; 1_000];
    write_wav(&path, 96_000, 24, &[&loud, &quiet, &quiet, &loud, &quiet]);
    let clip = load_clip(&path).unwrap();
    assert_eq!(clip.sample_rate.hz(), 96_000);
    assert_close(&clip.samples, &[0.2; 1_000], 1e-6);
}

#[test]
fn a_file_of_one_sample_is_a_clip_of_one_sample() {
    let folder = folder();
    let path = folder.path().join("one.wav");
    write_wav(&path, 44_100, 16, &[&[0.25]]);
    assert_close(&load_clip(&path).unwrap().samples, &[0.25], 1e-4);
}

#[test]
fn aiff_is_read_whatever_its_byte_order() {
    let folder = folder();
    let path = folder.path().join("tone.aiff");
    let samples: Vec<i16> = tone(8_000, 500).iter().map(|x| (x * 32_768.0) as i16).collect();
    let mut common = Vec::new();
    common.extend(1_u16.to_be_bytes());
    common.extend((samples.len() as u32).to_be_bytes());
    common.extend(16_u16.to_be_bytes());
    // 8000 Hz as an 80-bit float: exponent 12, mantissa 8000/4096
    common.extend([0x40, 0x0B, 0xFA, 0, 0, 0, 0, 0, 0, 0]);
    let mut sound = vec![0_u8; 8];
    sound.extend(samples.iter().flat_map(|sample| sample.to_be_bytes()));
    let mut body = b"AIFF".to_vec();
    for (name, chunk) in [(b"COMM", common), (b"SSND", sound)] {
        body.extend(name);
        body.extend((chunk.len() as u32).to_be_bytes());
        body.extend(chunk);
    }
    let mut file = b"FORM".to_vec();
    file.extend((body.len() as u32).to_be_bytes());
    file.extend(body);
    fs::write(&path, file).unwrap();
    let clip = load_clip(&path).unwrap();
    assert_eq!(clip.sample_rate.hz(), 8_000);
    assert_close(&clip.samples, &tone(8_000, 500), 1e-4);
}

#[test]
fn compressed_formats_decode_to_the_same_sound_at_the_same_place() {
    let folder = folder();
    let wav = folder.path().join("tone.wav");
    let expected = tone(44_100, 44_100);
    write_wav(&wav, 44_100, 16, &[&expected, &expected]);
    let cases: [(&str, &[&str], f32); 4] = [
        ("flac", &[], 1e-4),
        ("aiff", &[], 1e-4),
        ("ogg", &["-c:a", "libvorbis", "-q:a", "8"], 0.05),
        ("mp3", &["-c:a", "libmp3lame", "-b:a", "192k"], 0.05),
    ];
    for (extension, arguments, tolerance) in cases {
        let path = folder.path().join(format!("tone.{extension}"));
        if !ffmpeg(arguments, &wav, &path) {
            return;
        }
        let clip = load_clip(&path).unwrap();
        assert_eq!(clip.sample_rate.hz(), 44_100, "{extension}");
        // encoder delay and padding are gone: same length, same phase
        assert_eq!(clip.samples.len(), expected.len(), "{extension}");
        assert_close(&clip.samples[2_000..42_000], &expected[2_000..42_000], tolerance);
    }
}

#[test]
fn a_wav_that_was_piped_and_so_promises_no_length_is_read_to_its_end() {
    let folder = folder();
    let path = folder.path().join("piped.wav");
    write_wav(&path, 16_000, 16, &[&tone(16_000, 800)]);
    let mut bytes = fs::read(&path).unwrap();
    for length_at in [4, bytes.windows(4).position(|name| name == b"data").unwrap() + 4] {
        bytes[length_at..length_at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    }
    fs::write(&path, bytes).unwrap();
    assert_close(&load_clip(&path).unwrap().samples, &tone(16_000, 800), 1e-4);
}

#[test]
fn opus_is_refused_with_the_command_that_converts_it() {
    let folder = folder();
    let (wav, opus) = (folder.path().join("tone.wav"), folder.path().join("tone.opus"));
    write_wav(&wav, 48_000, 16, &[&tone(48_000, 48_000)]);
    if ffmpeg(&["-c:a", "libopus"], &wav, &opus) {
        let (from, to) = (opus.display(), wav.display());
        let text = fault(&opus);
        assert!(text.contains("Opus in Ogg"), "{text}");
        assert!(text.contains(&format!("ffmpeg -i '{from}' '{to}'")), "{text}");
    }
}

#[test]
fn a_truncated_file_gives_what_is_there() {
    let folder = folder();
    let wav = folder.path().join("tone.wav");
    // long enough that headers are a small part of every format
    let expected = tone(44_100, 441_000);
    write_wav(&wav, 44_100, 16, &[&expected]);
    let mut paths = vec![wav.clone()];
    for (extension, codec) in [("flac", "flac"), ("ogg", "libvorbis"), ("mp3", "libmp3lame")] {
        let path = folder.path().join(format!("tone.{extension}"));
        if ffmpeg(&["-c:a", codec], &wav, &path) {
            paths.push(path);
        }
    }
    for path in paths {
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2 + 1]).unwrap();
        let clip = load_clip(&path).unwrap();
        let clip_samples = clip.samples.len();
        assert!((40_000..400_000).contains(&clip_samples), "{}: {clip_samples}", path.display());
        assert_close(&clip.samples[2_000..3_000], &expected[2_000..3_000], 0.05);
    }
}

#[test]
fn a_chained_ogg_of_another_rate_is_decoded_at_its_true_time() {
    let folder = folder();
    let (wav, ogg) = (folder.path().join("tone.wav"), folder.path().join("tone.ogg"));
    let expected = tone(44_100, 44_100);
    write_wav(&wav, 44_100, 16, &[&expected]);
    if !ffmpeg(&["-c:a", "libvorbis", "-q:a", "8"], &wav, &ogg) {
        return;
    }
    let first = fs::read(&ogg).unwrap();
    let other = ["-c:a", "libvorbis", "-q:a", "8", "-ar", "22050", "-serial_offset", "7"];
    assert!(ffmpeg(&other, &wav, &ogg));
    let chained = [first, fs::read(&ogg).unwrap()].concat();
    fs::write(&ogg, chained).unwrap();
    let clip = load_clip(&ogg).unwrap();
    assert_eq!((clip.sample_rate.hz(), clip.samples.len()), (44_100, 88_200));
    for start in [0, 44_100] {
        let (decoded, tone) =
            (&clip.samples[start + 2_000..start + 42_000], &expected[2_000..42_000]);
        assert_close(decoded, tone, 0.05);
    }
}

#[test]
fn a_file_without_bytes_a_file_without_samples_and_no_file_are_distinguished() {
    let folder = folder();
    let empty = folder.path().join("empty.wav");
    fs::write(&empty, b"").unwrap();
    assert!(fault(&empty).contains("is empty (0 bytes)"));

    let silent = folder.path().join("header.wav");
    write_wav(&silent, 16_000, 16, &[&[]]);
    assert!(fault(&silent).contains("holds no samples"), "{}", fault(&silent));

    let missing = folder.path().join("missing.wav");
    assert!(fault(&missing).contains("No such file"), "{}", fault(&missing));
    assert!(fault(folder.path()).contains("is a directory"), "{}", fault(folder.path()));
}

#[test]
fn what_is_not_audio_is_refused_whatever_it_is_called() {
    let folder = folder();
    let mut noise = 1_u32;
    let random: Vec<u8> = (0..50_000)
        .map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise >> 24) as u8
        })
        .collect();
    let text = "This is a letter, not a recording. ".repeat(500).into_bytes();
    let cases: [(&str, &[u8]); 6] = [
        ("letter.txt", &text),
        ("letter.wav", &text),
        ("letter.mp3", &text),
        ("random.bin", &random),
        ("tiny.wav", b"RIFF"),
        ("torn.flac", b"fLaC\0\0\0\x22"),
    ];
    for (name, bytes) in cases {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let text = fault(&path);
        let expected = if name.starts_with("letter") {
            "is a text, not a recording"
        } else {
            "not an audio file that tympan reads"
        };
        assert!(text.contains(expected), "{name}: {text}");
    }
}

#[test]
fn an_impossible_rate_is_refused() {
    let folder = folder();
    let path = folder.path().join("slow.wav");
    write_wav(&path, 48, 16, &[&[0.0; 100]]);
    assert!(fault(&path).contains("48 Hz"), "{}", fault(&path));
}

#[test]
fn a_repeated_file_goes_round_without_a_seam() {
    let folder = folder();
    let path: PathBuf = folder.path().join("loop.wav");
    let expected = tone(8_000, 777);
    write_wav(&path, 8_000, 32, &[&expected]);
    let mut file = ClipFile::open(&path, Repeat::Forever).unwrap();
    let mut block = vec![0.0; 2_000];
    assert_eq!(file.read(&mut block).unwrap(), 2_000);
    let round: Vec<f32> = expected.iter().copied().cycle().take(2_000).collect();
    assert_eq!(block, round);
    assert_eq!(file.name(), path.display().to_string());
}
