//! A few hundred recordings, sound and faulty, as tympan, ffmpeg and libsndfile decode them: where the other two agree, tympan
//! has the same samples; where they do not, it has those of one of them, or says why not; of two joined files it has both. Runs on the test's thread;
//! the others are programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tympan::sources::load_clip;

use crate::support::skipping::skipped;

const SECONDS: f64 = 0.7;

/// How a recording is encoded, and how far two decoders may be apart.
struct Encoding {
    ending: &'static str,
    arguments: &'static [&'static str],
    max_channels: u16,
    tolerance: f32,
}

const fn lossless(ending: &'static str, arguments: &'static [&'static str]) -> Encoding {
    Encoding { ending, arguments, max_channels: 8, tolerance: 2e-6 }
}

const fn lossy(
    ending: &'static str,
    arguments: &'static [&'static str],
    max_channels: u16,
) -> Encoding {
    Encoding { ending, arguments, max_channels, tolerance: 2e-3 }
}

const ENCODINGS: [Encoding; 22] = [
    lossless("wav", &["-c:a", "pcm_u8"]),
    lossless("wav", &["-c:a", "pcm_s16le"]),
    lossless("wav", &["-c:a", "pcm_s24le"]),
    lossless("wav", &["-c:a", "pcm_s32le"]),
    lossless("wav", &["-c:a", "pcm_f32le"]),
    lossless("wav", &["-c:a", "pcm_f64le"]),
    lossless("wav", &["-c:a", "pcm_alaw"]),
    lossless("wav", &["-c:a", "pcm_mulaw"]),
    lossless("wav", &["-c:a", "pcm_s16le", "-rf64", "always"]),
    lossless("w64", &["-c:a", "pcm_s16le"]),
    lossless("aiff", &["-c:a", "pcm_s16be"]),
    lossless("aiff", &["-c:a", "pcm_s24be"]),
    lossless("aiff", &["-c:a", "pcm_f32be"]),
    lossless("au", &["-c:a", "pcm_s16be"]),
    lossless("caf", &["-c:a", "pcm_s16be"]),
    lossless("caf", &["-c:a", "pcm_s24le"]),
    lossless("flac", &["-c:a", "flac", "-sample_fmt", "s16"]),
    lossless("flac", &["-c:a", "flac", "-sample_fmt", "s32"]),
    lossy("wav", &["-c:a", "adpcm_ms"], 2),
    lossy("ogg", &["-c:a", "libvorbis", "-q:a", "5"], 6),
    lossy("mp3", &["-c:a", "libmp3lame", "-b:a", "128k"], 2),
    lossy("mp3", &["-c:a", "libmp3lame", "-q:a", "3", "-write_xing", "0"], 2),
];

const RATES: [u32; 3] = [8_000, 22_050, 48_000];
const CHANNELS: [u16; 3] = [1, 2, 6];

/// What happens to a file on its way.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// The size behind the first four bytes is this.
    Size([u8; 4]),
    /// The size of the samples' chunk is this.
    DataSize([u8; 4]),
    CutOff,
    TagBehind,
    TagBefore,
    Twice,
}

const FAULTS: [Fault; 8] = [
    Fault::None,
    Fault::Size([0; 4]),
    Fault::Size([0xFF; 4]),
    Fault::DataSize([0xFF; 4]),
    Fault::CutOff,
    Fault::TagBehind,
    Fault::TagBefore,
    Fault::Twice,
];

impl Fault {
    /// The faulty file; none where the fault means nothing for it.
    fn apply(self, ending: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut changed = bytes.to_vec();
        let has_sizes = matches!(ending, "wav" | "aiff");
        match self {
            Self::None => {}
            Self::Size(size) if has_sizes => changed[4..8].copy_from_slice(&size),
            Self::DataSize(size) if ending == "wav" => {
                let at = bytes.windows(4).position(|name| name == b"data")? + 4;
                changed[at..at + 4].copy_from_slice(&size);
            }
            Self::CutOff => changed.truncate(bytes.len() * 2 / 3),
            Self::TagBehind => changed.extend([&b"TAG"[..], &[b'x'; 125]].concat()),
            Self::TagBefore if matches!(ending, "mp3" | "flac" | "wav") => {
                let tag = b"ID3\x03\0\0\0\0\0\x0A\0\0\0\0\0\0\0\0\0\0".to_vec();
                changed = [tag, changed].concat();
            }
            Self::Twice if matches!(ending, "mp3" | "ogg") => changed.extend(bytes),
            _ => return None,
        }
        Some(changed)
    }
}

/// A decoder's samples, mixed to one channel; none where it refuses the file.
type Decoded = Option<Vec<f32>>;

fn mixed(samples: &[f32], channels: u16) -> Decoded {
    let channels = usize::from(channels);
    let mean = |frame: &[f32]| frame.iter().sum::<f32>() / channels as f32;
    (!samples.is_empty()).then(|| samples.chunks_exact(channels).map(mean).collect())
}

fn by_ffmpeg(path: &Path, channels: u16) -> Decoded {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-loglevel", "quiet", "-i"]).arg(path);
    let decoded = ffmpeg.args(["-f", "f32le", "-c:a", "pcm_f32le", "-"]).output().unwrap();
    let (samples, _) = decoded.stdout.as_chunks::<4>();
    let samples: Vec<f32> = samples.iter().map(|&sample| f32::from_le_bytes(sample)).collect();
    mixed(&samples, channels)
}

/// As integers: the program scales integers by their peak where it is to write floats.
fn by_sndfile(path: &Path, channels: u16) -> Decoded {
    let raw = path.with_extension("raw");
    let mut convert = Command::new("sndfile-convert");
    let converted = convert.args(["-pcm32", "-endian=little"]).args([path, &raw]).output().unwrap();
    converted.status.success().then_some(())?;
    let bytes = fs::read(raw).ok()?;
    let (samples, _) = bytes.as_chunks::<4>();
    let value = |&sample: &[u8; 4]| (f64::from(i32::from_le_bytes(sample)) / 2f64.powi(31)) as f32;
    mixed(&samples.iter().map(value).collect::<Vec<f32>>(), channels)
}

fn agree(a: &[f32], b: &[f32], tolerance: f32) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
}

/// As [`agree`], but for a frame at the end, which one decoder has and another leaves out.
fn nearly_agree(a: &[f32], b: &[f32], tolerance: f32) -> bool {
    const FRAME: usize = 1152;
    let common = a.len().min(b.len()).saturating_sub(FRAME);
    a.len().abs_diff(b.len()) <= FRAME && agree(&a[..common], &b[..common], tolerance)
}

/// What is wrong with tympan's samples beside those of the others, if something is.
fn difference(
    ours: &Result<Vec<f32>, String>,
    others: [&Decoded; 2],
    tolerance: f32,
) -> Option<String> {
    let lengths = others.map(|it| it.as_ref().map(Vec::len));
    match (ours, others) {
        (Err(error), [Some(a), Some(b)]) if agree(a, b, tolerance) => Some(error.clone()),
        // it says why not
        (Err(_), _) => None,
        (Ok(ours), [Some(a), Some(b)]) if agree(a, b, tolerance) => (!agree(ours, a, tolerance))
            .then(|| format!("the others agree on {} samples, tympan has {}", a.len(), ours.len())),
        (Ok(ours), others) => {
            let mut known = others.into_iter().flatten().peekable();
            let is_alone = known.peek().is_none();
            let is_near = known.any(|other| nearly_agree(ours, other, tolerance));
            (!is_near && !is_alone)
                .then(|| format!("the others have {lengths:?} samples, tympan {}", ours.len()))
        }
    }
}

/// A chirp with a quieter one in every other channel.
fn source(folder: &Path, rate: u32, channels: u16) -> PathBuf {
    let path = folder.join(format!("{rate}-{channels}.wav"));
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    for index in 0..(SECONDS * f64::from(rate)) as usize {
        let time = index as f64 / f64::from(rate);
        for channel in 0..channels {
            let level = 0.5 / f64::from(channel + 1);
            writer.write_sample((level * (time * (1_500.0 + 800.0 * time)).sin()) as f32).unwrap();
        }
    }
    writer.finalize().unwrap();
    path
}

#[test]
#[ignore = "takes a while: make test-all"]
fn tympan_decodes_what_ffmpeg_and_libsndfile_agree_on_to_the_same_samples() {
    for (program, package) in [("ffmpeg", "ffmpeg"), ("sndfile-convert", "sndfile-programs")] {
        if let Err(error) = Command::new(program).arg("-version").output() {
            return skipped(&format!("no {program} ({error}); apt-get install {package}"));
        }
    }
    let folder = TempDir::new().unwrap();
    let (mut compared, mut faults) = (0, Vec::new());
    for (rate, channels) in RATES.into_iter().flat_map(|rate| CHANNELS.map(|it| (rate, it))) {
        let from = source(folder.path(), rate, channels);
        for (index, encoding) in ENCODINGS.iter().enumerate() {
            if channels > encoding.max_channels {
                continue;
            }
            let to = folder.path().join(format!("{index}.{}", encoding.ending));
            let mut ffmpeg = Command::new("ffmpeg");
            ffmpeg.args(["-nostdin", "-loglevel", "error", "-y", "-i"]).arg(&from);
            ffmpeg.args(encoding.arguments).args(["-ac", &channels.to_string()]).arg(&to);
            let status = ffmpeg.status().unwrap();
            assert!(status.success(), "ffmpeg {:?}", encoding.arguments);
            let bytes = fs::read(&to).unwrap();
            // every fault of one form of each encoding, and the sound file of every form
            let mut sound = Vec::new();
            let is_first = rate == RATES[1] && channels == 1;
            for fault in FAULTS.into_iter().take(if is_first { FAULTS.len() } else { 1 }) {
                let Some(changed) = fault.apply(encoding.ending, &bytes) else { continue };
                fs::write(&to, changed).unwrap();
                let ours = load_clip(&to).map(|clip| clip.samples).map_err(|it| it.to_string());
                if fault == Fault::None {
                    sound = ours.clone().unwrap_or_default();
                }
                let others = [by_ffmpeg(&to, channels), by_sndfile(&to, channels)];
                compared += 1;
                let tolerance = encoding.tolerance;
                let wrong = if fault == Fault::Twice {
                    // the others leave the second out, or do not trim it
                    let twice = [&sound[..], &sound].concat();
                    (!ours.is_ok_and(|ours| agree(&ours, &twice, tolerance)))
                        .then(|| "it is not the same sound twice".to_owned())
                } else {
                    difference(&ours, others.each_ref(), tolerance)
                };
                if let Some(wrong) = wrong {
                    let arguments = encoding.arguments;
                    faults.push(format!(
                        "{}, {arguments:?}, {rate} Hz, {channels} channels, {fault:?}: {wrong}",
                        encoding.ending
                    ));
                }
            }
        }
    }
    assert!(compared > 250, "{compared} recordings were compared");
    assert!(faults.is_empty(), "{} of {compared}:\n{}", faults.len(), faults.join("\n"));
}
