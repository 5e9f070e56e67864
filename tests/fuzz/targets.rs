//! What is fuzzed: everything that tympan reads from outside, each with what must hold whatever the bytes are. Fed by
//! libFuzzer's programs (`make fuzz`), and by `tests/it/fuzz_regressions.rs` with every input that ever broke something.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use tympan::config::{Config, ConfigError, ParsedConfig};
use tympan::domain::{LabelSet, MelWindow, SampleRate};
use tympan::features::{Arrival, Featuriser, FeaturiserSpec, FrontEndSpec, Normaliser, WindowSpec};
use tympan::recognition::{ModelTraits, Thresholds};
use tympan::sources::{
    ChannelSelection, ClipFile, PcmReader, PcmSpec, Repeat, SampleReader, StandardInput,
};

#[path = "bundle_targets.rs"]
mod bundle_targets;
#[path = "client_target.rs"]
mod client_target;
#[path = "seeds.rs"]
mod seeds;

#[allow(unused_imports, reason = "each program runs one")]
pub use bundle_targets::{manifest, small_bundle, weights};
pub use client_target::client;

/// The targets, by the names of their programs and of the folders of their regressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Configuration,
    Audio,
    RawPcm,
    Client,
    Manifest,
    Weights,
}

impl Target {
    pub const ALL: &[Self] = &[
        Self::Configuration,
        Self::Audio,
        Self::RawPcm,
        Self::Client,
        Self::Manifest,
        Self::Weights,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Audio => "audio",
            Self::RawPcm => "raw_pcm",
            Self::Client => "client",
            Self::Manifest => "manifest",
            Self::Weights => "weights",
        }
    }

    /// Inputs that are good, for others to be made from.
    pub fn seeds(self) -> Vec<Vec<u8>> {
        match self {
            Self::Configuration => seeds::configurations(),
            Self::Audio => seeds::audio_files(),
            Self::RawPcm => seeds::raw_pcm(),
            Self::Client => seeds::clients(),
            Self::Manifest => bundle_targets::manifests(),
            Self::Weights => bundle_targets::weight_files(),
        }
    }

    /// Runs the target; panics when something does not hold.
    pub fn run(self, bytes: &[u8]) {
        match self {
            Self::Configuration => configuration(bytes),
            Self::Audio => audio(bytes),
            Self::RawPcm => raw_pcm(bytes),
            Self::Client => client(bytes),
            Self::Manifest => manifest(bytes),
            Self::Weights => weights(bytes),
        }
    }
}

/// A configuration file: it is read the same twice, or every fault in it has a place in it and is reported in few words.
pub fn configuration(bytes: &[u8]) {
    let path = scratch("config.toml", bytes);
    let lines = bytes.split(|&byte| byte == b'\n').count();
    match Config::load(&path) {
        Ok(config) => {
            let again = Config::load(&path).expect("what was read once is read again");
            // as it prints, for a number that is none does not equal itself
            assert_eq!(format!("{again:?}"), format!("{config:?}"));
        }
        Err(ConfigError::Faulty(problems)) => {
            assert!(!problems.0.is_empty(), "refused without a fault");
            for problem in &problems.0 {
                let position = problem.position.unwrap_or_else(|| panic!("no place: {problem}"));
                assert!((1..=lines).contains(&position.line) && position.column > 0, "{problem}");
                assert!(!problem.message.is_empty() && problem.message.len() < 4_000, "{problem}");
            }
        }
        Err(other) => panic!("{} bytes: {other}", bytes.len()),
    }
    let reading = ParsedConfig::open(&path).expect("it could be read before");
    if let Ok((_, detector)) = reading.finish_for(&model()) {
        drop(detector);
    }
}

/// An audio file: what is read of it does not depend on the sizes of the reads, and it never makes a window that is no
/// number.
pub fn audio(bytes: &[u8]) {
    audio_stream(bytes);
    /// Silence takes almost nothing in some formats: far enough to see every kind of packet.
    const MAX_SAMPLES: usize = 1 << 20;
    let path = scratch("clip", bytes);
    let samples_read = match read_clip(&path, 4_096, MAX_SAMPLES) {
        Ok(samples_read) => samples_read,
        Err(message) => {
            assert!(message.contains("clip"), "the file is not named: {message}");
            return;
        }
    };
    // other sizes of reads only shift where a late fault shows
    if let Ok(again) = read_clip(&path, 1_000, MAX_SAMPLES) {
        let common = again.len().min(samples_read.len());
        let bits = |samples: &[f32]| samples[..common].iter().map(|x| x.to_bits()).collect();
        let (samples_read, again): (Vec<u32>, Vec<u32>) = (bits(&samples_read), bits(&again));
        assert!(samples_read == again, "other samples in other blocks");
    }
    featurise(&samples_read[..samples_read.len().min(1 << 15)]);
}

/// The same bytes from a pipe, which nobody can go back in, and which may be raw samples after all.
fn audio_stream(bytes: &[u8]) {
    const MAX_READS: usize = 256;
    let spec = "s16le:16000:1".parse().expect("the specification is one");
    let stream = Box::new(std::io::Cursor::new(bytes.to_vec()));
    let mut input = StandardInput::new("stdin", spec, ChannelSelection::Mix, stream);
    let mut block = vec![0.0; 4_096];
    for _ in 0..MAX_READS {
        match input.read(&mut block) {
            Ok(1..) => {}
            Ok(0) => break,
            Err(error) => {
                assert!(error.to_string().contains("stdin"), "the stream is not named: {error}");
                break;
            }
        }
    }
}

/// All samples of a file up to a number, read in blocks; or what is said of it.
fn read_clip(path: &Path, block: usize, most: usize) -> Result<Vec<f32>, String> {
    let mut file = ClipFile::open(path, Repeat::Once).map_err(|error| error.to_string())?;
    let (mut block, mut samples) = (vec![0.0; block], Vec::new());
    while samples.len() < most {
        match file.read(&mut block).map_err(|error| error.to_string())? {
            0 => break,
            count => samples.extend_from_slice(&block[..count]),
        }
    }
    Ok(samples)
}

/// A specification up to the first line break, and then raw samples: as many frames as there are whole ones, the same
/// however the bytes arrive.
pub fn raw_pcm(bytes: &[u8]) {
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    let given = String::from_utf8_lossy(&bytes[..end]);
    let spec: PcmSpec = match given.parse() {
        Ok(spec) => spec,
        Err(error) => {
            let message = error.to_string();
            assert!(message.contains("stdin format") && message.len() < 1_000, "{message}");
            return;
        }
    };
    assert_eq!(spec.to_string().parse::<PcmSpec>().expect("it prints as it is read"), spec);
    let pcm = bytes.get(end + 1..).unwrap_or_default();
    let frames = pcm.len() / (spec.format.bytes() * usize::from(spec.channels));
    let whole = read_pcm(spec, pcm, 1_000);
    assert_eq!(whole.len(), frames, "{spec}: {} bytes", pcm.len());
    let piecemeal = read_pcm(spec, Piecemeal { bytes: pcm, step: 1 }, 7);
    let bits = |samples: &[f32]| samples.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&whole), bits(&piecemeal), "{spec}: other samples from other pieces");
    featurise(&whole);
}

fn read_pcm(spec: PcmSpec, stream: impl std::io::Read + Send, block: usize) -> Vec<f32> {
    let mut reader = PcmReader::new("stdin", spec, stream);
    let (mut block, mut samples) = (vec![0.0; block], Vec::new());
    loop {
        match reader.read(&mut block).expect("bytes in memory can be read") {
            0 => return samples,
            count => samples.extend_from_slice(&block[..count]),
        }
    }
}

/// Bytes that arrive one, two, three … at a time, as through a pipe.
struct Piecemeal<'a> {
    bytes: &'a [u8],
    step: usize,
}

impl std::io::Read for Piecemeal<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.step.min(into.len()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(count);
        into[..count].copy_from_slice(now);
        (self.bytes, self.step) = (later, self.step % 13 + 1);
        Ok(count)
    }
}

/// Pushes samples through a small front end: whatever they are, windows are made of numbers.
fn featurise(samples: &[f32]) {
    thread_local! {
        static FEATURISER: RefCell<Featuriser> = RefCell::new(small_featuriser());
    }
    FEATURISER.with_borrow_mut(|featuriser| {
        let mut window: MelWindow = featuriser.empty_window();
        featuriser.skip(1);
        featuriser.push(samples, Arrival::now(), &mut |mut ready| {
            ready.copy_into(&mut window);
            assert!(
                window.values.iter().all(|value| value.is_finite()),
                "a window without numbers"
            );
            assert!(window.level_dbfs.is_finite(), "a level of {}", window.level_dbfs);
        });
    });
}

fn small_featuriser() -> Featuriser {
    let front_end = FrontEndSpec {
        fft_size: 256,
        taper_samples: 256,
        frame_hop_samples: 128,
        mel_bands: 8,
        ..FrontEndSpec::standard().expect("invariant: the standard rate is a rate")
    };
    let normaliser = Normaliser { mean: vec![-40.0; 8], deviation: vec![15.0; 8] };
    let rate: SampleRate = front_end.sample_rate_hz;
    let window = WindowSpec { frames: 4, hop_frames: 2 };
    let spec = FeaturiserSpec { front_end, normaliser, window };
    Featuriser::new(&spec, rate).expect("the small front end can be computed")
}

/// A model for configurations to be checked against.
fn model() -> ModelTraits {
    ModelTraits {
        non_events: Vec::new(),
        labels: LabelSet::new(&["dog", "rain", "church bells"]).expect("the labels are labels"),
        thresholds: vec![Thresholds { on: 0.62, off: 0.4 }; 3],
        hop: std::time::Duration::from_millis(80),
    }
}

/// A file with these bytes, in a folder of this thread's own that goes with it.
fn scratch(name: &str, bytes: &[u8]) -> PathBuf {
    thread_local! {
        static FOLDER: tempfile::TempDir = tempfile::tempdir().expect("there is a temporary folder");
    }
    let path = FOLDER.with(|folder| folder.path().join(name));
    std::fs::write(&path, bytes).expect("the temporary folder can be written");
    path
}
