//! Datasets on disk as people have them, their faults, their cleaning and their splits. This file holds what its tests
//! share: files made up on the spot.

mod class_names;
mod cleaning;
mod faults;
mod layouts;
mod published;
mod recordings;
mod splits;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavSpec, WavWriter};
use tempfile::TempDir;
use tympan::offline::{Dataset, DatasetError, DatasetOptions};

/// A folder of files that are written as a test goes.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, and the folders above it.
    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Writes a WAV of these samples at 8 kHz.
    fn wav(&self, name: &str, samples: &[f32]) -> PathBuf {
        let path = self.write(name, b"");
        let spec = WavSpec {
            channels: 1,
            sample_rate: 8_000,
            bits_per_sample: 32,
            sample_format: SampleFormat::Float,
        };
        let mut writer = WavWriter::create(&path, spec).unwrap();
        samples.iter().for_each(|&sample| writer.write_sample(sample).unwrap());
        writer.finalize().unwrap();
        path
    }

    /// Writes a tenth of a second of sound under each of these names.
    fn sounds(&self, names: &[&str]) {
        names.iter().for_each(|name| drop(self.wav(name, &tone(0.5, 800))));
    }

    fn open(&self) -> Result<Dataset, DatasetError> {
        Dataset::open(self.path(), &DatasetOptions::default())
    }
}

fn tone(amplitude: f32, samples: usize) -> Vec<f32> {
    let turn = std::f32::consts::TAU * 440.0 / 8_000.0;
    (0..samples).map(|at| amplitude * (turn * at as f32).sin()).collect()
}

fn labels(dataset: &Dataset) -> Vec<String> {
    dataset.labels.iter().map(ToString::to_string).collect()
}

/// File name, label, fold and group of every clip.
fn clips(dataset: &Dataset) -> Vec<(String, String, Option<u32>, Option<&str>)> {
    let names = labels(dataset);
    let reported = |clip: &'_ tympan::offline::DatasetClip| {
        clip.path.file_name().unwrap().to_string_lossy().into_owned()
    };
    dataset
        .clips
        .iter()
        .map(|clip| (reported(clip), names[clip.label].clone(), clip.fold, clip.group.as_deref()))
        .collect()
}

fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not said in: {text}");
    }
}
